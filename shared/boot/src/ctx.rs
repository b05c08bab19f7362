//! What a service is given: its database, its peers, its settings.

use std::{collections::BTreeMap, hash::Hash, path::PathBuf, sync::Arc, time::Duration};

use devsphere_auth::Verifier;
use devsphere_db::{Clock, Database, FunctionDb, Schema, TenantDb};
use devsphere_egress::Policy;
use devsphere_error::{Error, Result};
use devsphere_proto::{Contract, administration::v1::AiConnection};
use sqlx::postgres::PgConnectOptions;
use tokio_util::sync::CancellationToken;

use crate::{
    Certificates, Late, Listen, Notes, Renewer, Service, Tasks,
    late::Writers,
    peers::{Peers, RenewHandle, Stub},
};

/// Where a service is found.
#[derive(Debug, Clone)]
pub enum Endpoint {
    /// On a Unix socket.
    Unix(PathBuf),
    /// On other machines, under mutual TLS.
    Tcp(Remote),
}

/// The instances of a service.
#[derive(Debug, Clone)]
pub struct Remote {
    /// Its name, which its certificate must say.
    pub service: &'static str,
    /// Names or addresses, and ports; a name may have several addresses.
    pub hosts: Vec<(String, u16)>,
    /// Who asks.
    pub own: Certificates,
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Tcp(remote) => {
                let hosts =
                    remote.hosts.iter().map(|(host, port)| format!("https://{host}:{port}"));
                f.write_str(&hosts.collect::<Vec<_>>().join(","))
            }
        }
    }
}

/// The numbers of `design.md` §8 that operators and tests may turn.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connections to PostgreSQL for transactions.
    pub connections: u32,
    /// A call waits this long for one of them; then the service is overloaded.
    pub connection_wait: Duration,
    /// Calls at work at the same time; more are shed.
    pub in_flight: usize,
    /// A unary call without a deadline gets this one.
    pub default_deadline: Duration,
    /// No unary call gets more.
    pub longest_deadline: Duration,
    /// A stream ends then, with a place to go on from.
    pub longest_stream: Duration,
    /// Streams that a peer may have open on one connection.
    pub streams: u32,
    /// Before a drain begins, others have this long to notice that we serve no more.
    pub linger: Duration,
    /// A drain takes this long at most.
    pub drain: Duration,
    /// Until the handshake of TLS is done.
    pub handshake: Duration,
    /// How often readiness asks the database.
    pub probe_every: Duration,
    /// How often identity looks for revocations, while anybody watches.
    pub revocations_every: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4,
            connection_wait: Duration::from_millis(250),
            in_flight: 512,
            default_deadline: Duration::from_secs(10),
            longest_deadline: Duration::from_secs(30),
            longest_stream: Duration::from_secs(600),
            streams: 4096,
            linger: Duration::ZERO,
            drain: Duration::from_secs(10),
            handshake: Duration::from_secs(5),
            probe_every: Duration::from_millis(500),
            revocations_every: Duration::from_millis(250),
        }
    }
}

/// How one service is to run.
#[derive(Clone)]
pub struct Config {
    /// Where it listens.
    pub listen: Listen,
    /// PostgreSQL under the service's own role.
    pub database: PgConnectOptions,
    /// Where the other services are, by name.
    pub peers: BTreeMap<&'static str, Endpoint>,
    /// The address people reach the gateway by; links are built on it, never on a header.
    pub public_url: String,
    /// The folder of key files; identity reads it, and administration one file of it.
    pub keys: PathBuf,
    /// What calls out to the world may reach, beside the public's addresses.
    pub outside: Policy,
    /// The provider of models that organisations without one of their own use; only agent asks it.
    pub offered_ai: Option<AiConnection>,
    /// The numbers.
    pub limits: Limits,
}

/// A module as the binary and the test kit start it.
#[derive(Clone, Copy)]
pub struct Module {
    /// Its schema, role and migrations.
    pub schema: Schema,
    /// Its gRPC services over a context.
    pub service: fn(&Ctx) -> Result<Service>,
}

/// What a service builds its handlers from.
#[derive(Clone)]
pub struct Ctx {
    pub(crate) name: &'static str,
    pub(crate) contract: &'static Contract,
    pub(crate) config: Arc<Config>,
    pub(crate) database: Database,
    pub(crate) peers: Peers,
    pub(crate) writers: Writers,
    pub(crate) stop: CancellationToken,
    notes: Notes,
    tasks: Tasks,
}

impl Ctx {
    /// The context of the service that owns `schema`, within a runtime; opens no connection yet.
    ///
    /// # Errors
    /// When the contracts of this build are broken.
    pub fn new(schema: Schema, config: Config, tasks: Tasks) -> Result<Self> {
        let contract = Contract::get().map_err(|error| Error::internal(error.to_string()))?;
        let database = Database::new(
            schema,
            config.database.clone(),
            config.limits.connections,
            config.limits.connection_wait,
        );
        let peers = Peers::new(schema.name, &config.peers);
        let writers = Writers::default();
        let notes = Notes::begin(&writers, &database);
        let stop = tasks.stopping().child_token();
        let (name, config) = (schema.name, Arc::new(config));
        Ok(Self { name, contract, config, database, peers, writers, stop, notes, tasks })
    }

    /// Transactions of the caller's organisation.
    pub fn tenant_db(&self) -> TenantDb {
        self.database.tenant()
    }

    /// Named functions, for calls without a caller.
    pub fn function_db(&self) -> FunctionDb {
        self.database.functions()
    }

    /// Named functions for what must go on when callers hold every other connection.
    pub fn background_db(&self) -> FunctionDb {
        self.database.background()
    }

    /// The proof of what this service does by itself: named functions take it, and nothing else does.
    pub const fn clock(&self) -> Clock {
        self.database.clock()
    }

    /// Cancelled when this service drains: a stream without an end of its own ends with it.
    pub fn stopping(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// The way to another service.
    ///
    /// # Errors
    /// `Unavailable` when nothing says where it is.
    pub fn stub(&self, service: &str) -> Result<Stub> {
        self.peers.stub(service)
    }

    /// Assertions renewed at identity.
    ///
    /// # Errors
    /// As [`Ctx::stub`].
    pub fn renewal(&self) -> Result<RenewHandle> {
        Ok(Arc::new(self.stub("identity")?))
    }

    /// Permits kept good for as long as work takes.
    ///
    /// # Errors
    /// As [`Ctx::stub`].
    pub fn renewer(&self) -> Result<Renewer> {
        Ok(Renewer::new(self.verifier()?, self.renewal()?))
    }

    /// Assertions verified with identity's public keys.
    ///
    /// # Errors
    /// As [`Ctx::stub`].
    pub fn verifier(&self) -> Result<Arc<Verifier>> {
        Ok(Arc::new(Verifier::new(self.stub("identity")?)))
    }

    /// Audit records of what changes nothing.
    pub const fn notes(&self) -> &Notes {
        &self.notes
    }

    /// A queue of what is written after the answer; `write` gets each entry and how often it came.
    pub fn late<K, T, W, F>(&self, name: &'static str, write: W) -> Late<K, T>
    where
        K: Eq + Hash + Clone + Send + 'static,
        T: Send + 'static,
        W: Fn(Vec<(T, u32)>) -> F + Send + 'static,
        F: Future<Output = Result<()>> + Send + 'static,
    {
        self.writers.begin(name, write)
    }

    /// The contracts.
    pub const fn contract(&self) -> &'static Contract {
        self.contract
    }

    /// How the service is to run.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Background work.
    pub const fn tasks(&self) -> &Tasks {
        &self.tasks
    }
}
