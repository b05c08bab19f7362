//! Services at work over real sockets, on a database of their own.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use devsphere_auth::mint::Minter;
use devsphere_boot::{
    Channel, Config, Ctx, Endpoint, Limits, Listen, Module, Running, Tasks, channel, serve,
};
use devsphere_proto::Contract;
use sqlx::{Connection as _, PgConnection, postgres::PgConnectOptions};
use tracing_subscriber::filter::LevelFilter;

use crate::{Backend, Caller, CallerChannel, Counter, Org};

/// One test's mesh.
pub struct World {
    pub(crate) backend: Backend,
    pub(crate) minter: Minter,
    endpoints: BTreeMap<&'static str, Endpoint>,
    tasks: Tasks,
    running: tokio::sync::Mutex<Vec<(Module, Running)>>,
    tune: Arc<Tune>,
    counters: BTreeMap<&'static str, Counter>,
}

/// What a test changes in the configuration of every service.
type Tune = dyn Fn(&mut Config) + Send + Sync;

impl World {
    /// Starts the modules, each on its own socket under its own role.
    ///
    /// # Panics
    /// When one does not start.
    pub async fn start(modules: &[Module]) -> Self {
        Self::start_with(modules, patient()).await
    }

    /// The same with other numbers.
    ///
    /// # Panics
    /// When one does not start.
    pub async fn start_with(modules: &[Module], limits: Limits) -> Self {
        Self::tuned(modules, move |config| config.limits = limits.clone()).await
    }

    /// The same with other configuration.
    ///
    /// # Panics
    /// When one does not start.
    pub async fn tuned(
        modules: &[Module],
        tune: impl Fn(&mut Config) + Send + Sync + 'static,
    ) -> Self {
        Self::build(modules, Arc::new(tune), false).await
    }

    /// The same with every service's SQL counted.
    ///
    /// # Panics
    /// When one does not start.
    pub async fn counted(modules: &[Module]) -> Self {
        Self::counted_and_tuned(modules, |_| ()).await
    }

    /// The same with other configuration.
    ///
    /// # Panics
    /// When one does not start.
    pub async fn counted_and_tuned(
        modules: &[Module],
        tune: impl Fn(&mut Config) + Send + Sync + 'static,
    ) -> Self {
        // What nobody called for must not be counted.
        let never = Duration::from_secs(3600);
        let limits =
            Limits { connections: 1, revocations_every: never, probe_every: never, ..patient() };
        let tune = move |config: &mut Config| {
            tune(config);
            config.limits = limits.clone();
        };
        Self::build(modules, Arc::new(tune), true).await
    }

    /// Services that run elsewhere, on that database and those keys.
    ///
    /// # Panics
    /// When the contracts are broken.
    pub fn around(backend: Backend, endpoints: BTreeMap<&'static str, Endpoint>) -> Self {
        let (minter, tasks) = (minter(&backend), Tasks::default());
        let (running, counters) = (tokio::sync::Mutex::default(), BTreeMap::new());
        Self { backend, minter, endpoints, tasks, running, tune: Arc::new(|_| ()), counters }
    }

    async fn build(modules: &[Module], tune: Arc<Tune>, counted: bool) -> Self {
        // What a failed test's services had to say stands beside its own output.
        let logs = tracing_subscriber::fmt().with_test_writer().with_max_level(LevelFilter::WARN);
        let _ = logs.try_init();
        let backend = Backend::fresh(modules).await;
        let minter = minter(&backend);
        let socket = |module: &Module| socket(&backend.folder, module);
        let endpoints: BTreeMap<_, _> = modules
            .iter()
            .map(|module| (module.schema.name, Endpoint::Unix(socket(module))))
            .collect();
        let tasks = Tasks::default();
        let mut counters = BTreeMap::new();
        let mut databases = Vec::new();
        for module in modules {
            let mut database = backend.options(&module.schema.role());
            if counted {
                let counter = Counter::start(backend.port(), &tasks).await;
                database = counter.through(&database);
                counters.insert(module.schema.name, counter);
            }
            databases.push((*module, database));
        }
        let running = tokio::sync::Mutex::default();
        let world = Self { backend, minter, endpoints, tasks, running, tune, counters };
        for (module, database) in databases {
            world.run(module, database).await;
        }
        world
    }

    async fn run(&self, module: Module, database: PgConnectOptions) {
        let mut config = Config {
            listen: Listen::Unix(self.socket(&module)),
            database,
            peers: self.endpoints.clone(),
            public_url: "https://devsphere.test".into(),
            keys: self.backend.keys_folder(),
            outside: devsphere_egress::Policy::default(),
            offered_ai: None,
            limits: patient(),
        };
        (self.tune)(&mut config);
        let ctx = Ctx::new(module.schema, config, self.tasks.clone()).unwrap();
        let running = serve((module.service)(&ctx).unwrap()).await.unwrap();
        self.running.lock().await.push((module, running));
    }

    fn socket(&self, module: &Module) -> PathBuf {
        socket(&self.backend.folder, module)
    }

    /// Stops one service; the others go on without it.
    ///
    /// # Panics
    /// When it does not run.
    pub async fn stop_one(&self, service: &str) -> Module {
        let mut running = self.running.lock().await;
        let place = running.iter().position(|(module, _)| module.schema.name == service).unwrap();
        let (module, stopped) = running.remove(place);
        stopped.stop().await;
        module
    }

    /// Starts a service that was stopped, where it was.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start_one(&self, module: Module) {
        self.run(module, self.backend.options(&module.schema.role())).await;
    }

    /// An organisation of that name.
    ///
    /// # Panics
    /// When it cannot be arranged.
    pub async fn org(&self, name: &str) -> Org<'_> {
        Org::arrange(self, name).await
    }

    /// A channel to a service without any caller.
    ///
    /// # Panics
    /// When the service was not started.
    pub fn channel(&self, service: &str) -> Channel {
        channel(&self.endpoints[service])
    }

    /// A channel that carries this very assertion.
    pub fn with_assertion(&self, service: &str, assertion: &str) -> CallerChannel {
        Caller::speaking(self.channel(service), assertion)
    }

    /// The administrator's connection, to look behind or to arrange what no RPC can.
    ///
    /// # Panics
    /// When the database is away.
    pub async fn admin(&self) -> PgConnection {
        PgConnection::connect_with(&self.backend.admin()).await.unwrap()
    }

    /// The database of this world.
    pub const fn backend(&self) -> &Backend {
        &self.backend
    }

    /// Makes assertions with identity's own keys, for forging.
    pub const fn minter(&self) -> &Minter {
        &self.minter
    }

    /// Where the services listen.
    pub const fn endpoints(&self) -> &BTreeMap<&'static str, Endpoint> {
        &self.endpoints
    }

    /// The folder of this world's sockets.
    pub fn folder(&self) -> PathBuf {
        self.backend.folder.clone()
    }

    /// The SQL counter of a service, in a world that was started `counted`.
    ///
    /// # Panics
    /// In a world that was not.
    pub fn counter(&self, service: &str) -> &Counter {
        &self.counters[service]
    }

    /// Background work of this world.
    pub const fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    /// Stops every service, as an operator would.
    pub async fn stop(&self) {
        for (_, service) in self.running.lock().await.iter() {
            service.stop().await;
        }
        self.tasks.stop().await;
    }
}

fn minter(backend: &Backend) -> Minter {
    let (contract, keys) = (Contract::get().unwrap(), &backend.keys);
    Minter::new(contract, keys.assertion.clone(), keys.ticket.clone())
}

fn socket(folder: &Path, module: &Module) -> PathBuf {
    folder.join(format!("{}.sock", module.schema.name))
}

/// The limits of a world: on a machine that also builds, a connection may be slow to come; a test
/// that wants to see overload says so.
pub fn patient() -> Limits {
    Limits { connection_wait: Duration::from_secs(5), ..Limits::default() }
}
