//! `devsphere run`: some services, the sealer or the gateway, as one process of a mesh of many.

mod peers;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use anyhow::{Context as _, Result};
use clap::{Args, builder::FalseyValueParser};
use devsphere_boot::{Certificates, Config, Limits, Listen, Module, Running, Tasks, probe};
use devsphere_db::migrate::SEALER;
use devsphere_gateway::Gateway;
use futures_util::future::join_all;
use serde::Serialize;

use crate::{
    ai::{self, Outside},
    audit,
    cli::{BadConfig, Common},
    database::Database,
    edge,
    folder::Folder,
    keys, mesh,
    modules::MODULES,
    out::{self, in_full},
    signals,
    state::State,
};

pub(crate) use peers::name;
use peers::{Peer, port};

const GATEWAY: &str = "gateway";
const SEALS: &str = "sealer";

/// Others ask every second whether we serve.
const LINGER: Duration = Duration::from_millis(1500);

/// What is to run, and where the rest is.
#[derive(Args)]
pub(crate) struct Run {
    #[command(flatten)]
    common: Common,
    /// What this process runs: services by name, `sealer`, `gateway`.
    #[arg(required = true, value_name = "NAME", value_delimiter = ',', value_parser = name)]
    names: Vec<&'static str>,
    /// The authority's certificate, and NAME.pem and NAME.key of all that this process runs; read
    /// again when they change. By default `certificates` in the data directory.
    #[arg(long, env = "DEVSPHERE_CERTIFICATES", value_name = "DIR")]
    certificates: Option<PathBuf>,
    /// Where services listen, each on 7000 and its module's number.
    #[arg(long, env = "DEVSPHERE_BIND", value_name = "IP", default_value = "127.0.0.1")]
    bind: IpAddr,
    /// Where clients find the gateway; port 0 takes any that is free.
    #[arg(
        long,
        env = "DEVSPHERE_LISTEN",
        value_name = "ADDRESS",
        default_value = "127.0.0.1:8080"
    )]
    listen: SocketAddr,
    /// The address people reach the gateway by, for links; by default http:// (https:// with a
    /// certificate) and where it listens.
    #[arg(long, env = "DEVSPHERE_PUBLIC_URL", value_name = "URL")]
    public_url: Option<String>,
    #[command(flatten)]
    edge: edge::Flags,
    #[command(flatten)]
    ai: ai::Flags,
    /// Where another service is found, as in `crm=10.0.0.7,10.0.0.8:7102`: names, all of whose
    /// addresses are used, or addresses; by default the service's name. May be given several times.
    #[arg(
        long = "peer",
        env = "DEVSPHERE_PEER",
        value_name = "NAME=HOST[:PORT],…",
        value_delimiter = ';'
    )]
    peers: Vec<Peer>,
    /// Connections to PostgreSQL that each service may open for transactions.
    #[arg(long, env = "DEVSPHERE_POOL_SIZE", value_name = "N", default_value_t = 8)]
    pool_size: u32,
    /// How long a call waits for one of them before it is shed, in milliseconds.
    #[arg(long, env = "DEVSPHERE_POOL_WAIT", value_name = "MS", default_value_t = 250)]
    pool_wait: u64,
    /// Where the process tells in clear text whether it serves (grpc.health.v1 alone).
    #[arg(long, env = "DEVSPHERE_PROBE_LISTEN", value_name = "ADDRESS")]
    probe_listen: Option<SocketAddr>,
    /// Prints one line of JSON when ready, instead of text.
    #[arg(long, env = "DEVSPHERE_JSON", value_parser = FalseyValueParser::new())]
    json: bool,
    /// Sends spans and metrics to this OTLP collector (gRPC), as in `http://127.0.0.1:4317`.
    #[arg(long, env = "DEVSPHERE_OTLP_ENDPOINT", value_name = "URL")]
    otlp_endpoint: Option<String>,
}

/// Everything that runs.
struct Started {
    gateway: Option<Gateway>,
    services: Vec<(&'static str, Running)>,
    tasks: Tasks,
    ready: Ready,
}

/// What there is to say.
#[derive(Serialize)]
struct Ready {
    pid: u32,
    /// Addresses by name.
    listeners: BTreeMap<&'static str, String>,
    /// `host:port`.
    #[serde(skip_serializing_if = "Option::is_none")]
    gateway: Option<SocketAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    probe: Option<SocketAddr>,
}

/// The command.
pub(crate) async fn run(flags: Run) -> Result<()> {
    let telemetry = flags.common.begin_log(flags.otlp_endpoint.clone(), "info,sqlx=warn")?;
    let signals = Tasks::default();
    let asked = signals::watch(&signals)?;
    let Some(started) = asked.run_until_cancelled(start(&flags)).await else {
        return Ok(());
    };
    let started = started?;
    out::say(&if flags.json { serde_json::to_string(&started.ready)? } else { started.text() });

    asked.cancelled().await;
    tracing::info!("draining; a second signal ends at once");
    started.drain().await;
    telemetry.end().await;
    Ok(())
}

async fn start(flags: &Run) -> Result<Started> {
    edge::check_urls(flags.public_url.as_deref(), flags.otlp_endpoint.as_deref())?;
    let edge = flags.edge.edge(flags.public_url());
    edge::check(&edge)?;
    let folder = Folder::find(flags.common.data_dir.as_deref())?;
    let names: BTreeSet<_> = flags.names.iter().copied().collect();
    let outside = flags.ai.outside(names.contains(ai::ASKS))?;
    let tasks = Tasks::default();

    let mut services = Vec::new();
    for module in MODULES.iter().filter(|module| names.contains(module.schema.name)) {
        let config = flags.config(module, &folder, &outside)?;
        services.push((module.schema.name, mesh::begin(module, config, &tasks).await?));
    }
    if names.contains(SEALS) {
        let password = keys::password_of(&folder, SEALER)?;
        let options = flags.database(&folder)?.signed_in(SEALER, &password);
        tasks.spawn("sealer", audit::sealer(&folder, options)?.run());
    }
    let gateway = if names.contains(GATEWAY) {
        let own = flags.certificates(&folder, GATEWAY)?;
        let config = devsphere_gateway::Config {
            listen: flags.listen,
            peers: peers::endpoints(&flags.peers, &own)?,
            edge,
            limits: devsphere_gateway::Limits { linger: LINGER, ..flags.edge.limits() },
        };
        Some(devsphere_gateway::serve(config, &tasks).await.map_err(in_full)?)
    } else {
        None
    };
    let probe = match flags.probe_listen {
        Some(listen) => {
            let health = services.iter().map(|(name, running)| (*name, running.health()));
            let health = health.chain(gateway.iter().map(|gateway| (GATEWAY, gateway.health())));
            Some(probe::serve(listen, health, &tasks).await.map_err(in_full)?)
        }
        None => None,
    };
    let listeners = services.iter().map(|(name, running)| (*name, running.place.to_string()));
    let ready = Ready {
        pid: std::process::id(),
        listeners: listeners.collect(),
        gateway: gateway.as_ref().map(|gateway| gateway.address),
        probe,
    };
    Ok(Started { gateway, services, tasks, ready })
}

impl Run {
    fn config(&self, module: &Module, folder: &Folder, outside: &Outside) -> Result<Config> {
        let (name, role) = (module.schema.name, module.schema.role());
        let (outside, offered_ai) = outside.told(name);
        let own = self.certificates(folder, name)?;
        let password = keys::password_of(folder, &role)?;
        Ok(Config {
            peers: peers::endpoints(&self.peers, &own)?,
            listen: Listen::Tcp(SocketAddr::new(self.bind, port(name)?), own),
            database: self.database(folder)?.signed_in(&role, &password),
            public_url: self.public_url(),
            keys: folder.keys(),
            outside,
            offered_ai,
            limits: Limits {
                connections: self.pool_size,
                connection_wait: Duration::from_millis(self.pool_wait),
                linger: LINGER,
                ..Limits::default()
            },
        })
    }

    fn certificates(&self, folder: &Folder, name: &'static str) -> Result<Certificates> {
        let place = self.certificates.clone().unwrap_or_else(|| folder.certificates());
        let opened = Certificates::open(&place, name).map_err(in_full);
        opened.with_context(|| format!("{name} has no certificate: `devsphere keys certificate`"))
    }

    /// The one that is named, or that of the mesh that runs in this directory: none is started, for
    /// other processes need it too.
    fn database(&self, folder: &Folder) -> Result<Database> {
        if let Some(url) = &self.common.database_url {
            return Database::at(url);
        }
        let running = State::of_running(folder)?;
        let running = running.ok_or_else(|| BadConfig("--database-url: which PostgreSQL?".into()));
        Database::at(&running?.database_url)
    }

    fn public_url(&self) -> String {
        edge::public_url(self.public_url.as_deref(), self.edge.has_tls(), self.listen)
    }
}

impl Started {
    fn text(&self) -> String {
        let Ready { listeners, gateway, probe, .. } = &self.ready;
        let row = |name: &str, place: &dyn std::fmt::Display| format!("  {name:<16} {place}\n");
        let services = listeners.iter().map(|(name, place)| row(name, place));
        let gateway = gateway.iter().map(|address| row(GATEWAY, address));
        let probe = probe.iter().map(|address| row("probes", address));
        let rows: String = services.chain(gateway).chain(probe).collect();
        format!("\nDevSphere is ready.\n\n{rows}\nCtrl-C stops it.\n")
    }

    /// The gateway first, so that no call comes in while those under way end; then all services.
    async fn drain(self) {
        if let Some(gateway) = &self.gateway {
            gateway.stop().await;
        }
        join_all(self.services.iter().map(|(_, running)| running.stop())).await;
        self.tasks.stop().await;
    }
}
