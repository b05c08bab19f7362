//! The mesh in one process: every service on its own socket, then the gateway; drained in reverse.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    time::Duration,
};

use anyhow::{Context as _, Result, anyhow, bail};
use devsphere_boot::{
    Channel, Config, Ctx, Endpoint, Limits, Listen, Module, Running, Tasks, channel, serve,
};
use devsphere_db::migrate::SEALER;
use devsphere_gateway::{Edge, Gateway};
use devsphere_proto::{Access, Contract};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus as Said, health_client::HealthClient,
};

use crate::{
    ai::Outside, audit, database::Database, folder::Folder, keys::Passwords, modules::MODULES,
    out::in_full,
};

/// Beside the pool for transactions, each service has two connections for functions and a probe.
const OTHER_CONNECTIONS: u32 = 3;
/// The sealer's, and that of whoever verifies beside it.
const SEALER_CONNECTIONS: u32 = 2;
/// A gateway that has not found its services by then will not.
const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(20);

/// Gateway and services at work.
pub(crate) struct Mesh {
    gateway: Gateway,
    services: Vec<Running>,
    tasks: Tasks,
}

/// What the services are started with.
pub(crate) struct Parts<'a> {
    pub(crate) folder: &'a Folder,
    pub(crate) database: &'a Database,
    pub(crate) passwords: &'a Passwords,
    pub(crate) listen: SocketAddr,
    pub(crate) edge: Edge,
    pub(crate) outside: Outside,
    pub(crate) gateway_limits: devsphere_gateway::Limits,
}

impl Mesh {
    /// Starts everything, and waits until the gateway says that all of it serves.
    pub(crate) async fn start(parts: &Parts<'_>) -> Result<Self> {
        parts.database.has_room(connections()).await?;
        let tasks = Tasks::default();
        let mut services = Vec::new();
        for module in MODULES {
            services.push(begin(module, parts.config(module)?, &tasks).await?);
        }
        let sealer = parts.database.role(SEALER, parts.passwords)?;
        let sealer = audit::sealer(parts.folder, sealer)?;
        tasks.spawn("sealer", sealer.run());
        let config = devsphere_gateway::Config {
            listen: parts.listen,
            peers: endpoints(parts.folder),
            edge: Edge { socket: Some(gateway_socket(parts.folder)), ..parts.edge.clone() },
            limits: parts.gateway_limits.clone(),
        };
        let gateway = devsphere_gateway::serve(config, &tasks).await.map_err(in_full)?;
        let mesh = Self { gateway, services, tasks };
        serves(parts.folder).await?;
        Ok(mesh)
    }

    /// Where clients find it.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.gateway.address
    }

    /// The gateway first, so that no call comes in while those under way end.
    pub(crate) async fn drain(self) {
        self.gateway.stop().await;
        for service in self.services.iter().rev() {
            service.stop().await;
        }
        self.tasks.stop().await;
    }
}

impl Parts<'_> {
    fn config(&self, module: &Module) -> Result<Config> {
        let (outside, offered_ai) = self.outside.told(module.schema.name);
        Ok(Config {
            listen: Listen::Unix(self.folder.socket(module.schema.name)),
            database: self.database.role(&module.schema.role(), self.passwords)?,
            peers: endpoints(self.folder),
            public_url: self.edge.public_url.clone(),
            keys: self.folder.keys(),
            outside,
            offered_ai,
            limits: Limits::default(),
        })
    }
}

/// Starts one service.
pub(crate) async fn begin(module: &Module, config: Config, tasks: &Tasks) -> Result<Running> {
    let name = module.schema.name;
    let ctx = Ctx::new(module.schema, config, tasks.clone());
    let service = ctx.and_then(|ctx| (module.service)(&ctx));
    let service = service.map_err(in_full).with_context(|| format!("cannot build {name}"))?;
    let running = serve(service).await.map_err(in_full);
    running.with_context(|| format!("cannot start {name}"))
}

/// Waits until the gateway says that every service serves.
async fn serves(folder: &Folder) -> Result<()> {
    let gateway = channel(&gateway(folder));
    let waited = tokio::time::timeout(PATIENCE, async {
        for name in public_services()? {
            while !is_serving(&gateway, &name).await.unwrap_or_default() {
                tokio::time::sleep(POLL).await;
            }
        }
        Ok(())
    });
    waited.await.context("the services do not become ready, the log says why")?
}

/// Where commands of this machine find the gateway, whether clients speak TLS or not.
pub(crate) fn gateway(folder: &Folder) -> Endpoint {
    Endpoint::Unix(gateway_socket(folder))
}

fn gateway_socket(folder: &Folder) -> PathBuf {
    folder.socket("gateway")
}

/// Where each service listens, by name.
pub(crate) fn endpoints(folder: &Folder) -> BTreeMap<&'static str, Endpoint> {
    MODULES.iter().map(|module| (module.schema.name, endpoint(folder, module))).collect()
}

fn endpoint(folder: &Folder, module: &Module) -> Endpoint {
    Endpoint::Unix(folder.socket(module.schema.name))
}

/// The connections to PostgreSQL that all services and the sealer may open.
pub(crate) fn connections() -> u32 {
    let services = u32::try_from(MODULES.len()).unwrap_or(u32::MAX);
    let each = Limits::default().connections + OTHER_CONNECTIONS;
    services.saturating_mul(each).saturating_add(SEALER_CONNECTIONS)
}

/// Finds out before any work whether the address can be had, and which port 0 becomes.
pub(crate) fn reserve(listen: SocketAddr) -> Result<SocketAddr> {
    let listener =
        TcpListener::bind(listen).with_context(|| format!("cannot listen on {listen}"))?;
    Ok(listener.local_addr()?)
}

/// The gRPC services that clients may know.
pub(crate) fn public_services() -> Result<BTreeSet<String>> {
    let contract = Contract::get().map_err(|error| anyhow!("the contracts are broken: {error}"))?;
    let public = contract.methods().filter(|m| !matches!(m.access, Access::Internal { .. }));
    Ok(public.map(|m| m.descriptor.parent_service().full_name().to_owned()).collect())
}

/// Whether a server says that it serves this gRPC service; the empty name means the whole server.
pub(crate) async fn is_serving(channel: &Channel, service: &str) -> Result<bool> {
    let request = HealthCheckRequest { service: service.to_owned() };
    let asked = HealthClient::new(channel.clone()).check(request).await;
    match asked {
        Ok(said) => Ok(said.into_inner().status() == Said::Serving),
        Err(status) => bail!("{}", status.message()),
    }
}
