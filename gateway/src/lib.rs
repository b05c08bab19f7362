//! The only door for clients: a credential becomes an assertion, a path a service; no code per method.

mod answer;
mod body;
mod browser;
mod cache;
mod call;
mod connect;
mod credential;
mod deadline;
mod door;
mod edge;
mod exchange;
mod flights;
mod forward;
mod headers;
mod health;
mod hop;
mod limit;
mod openapi;
mod outgoing;
mod pace;
mod rate;
mod reflection;
mod refusal;
mod rest;
mod retry;
mod router;
mod server;
mod shed;
mod transcode;
mod turn;
mod upstreams;
mod visit;
mod web;

use std::{collections::BTreeMap, io, net::SocketAddr, sync::Arc, time::Duration};

use devsphere_boot::{Endpoint, Tasks};
use devsphere_error::{Error, Result};
use devsphere_proto::Contract;
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic_health::server::HealthReporter;

use crate::{
    door::Door, exchange::Exchange, health::Health, router::Front, server::Listeners,
    upstreams::Upstreams,
};

pub use edge::{Connections, Edge, TlsFiles};
pub use rate::Rates;

/// How the gateway is to run.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where clients find it.
    pub listen: SocketAddr,
    /// Where each module listens, by name.
    pub peers: BTreeMap<&'static str, Endpoint>,
    /// The network around it.
    pub edge: Edge,
    /// The numbers.
    pub limits: Limits,
}

/// The numbers of `design.md` §8 that operators and tests may turn.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Unary calls of one module at work at the same time, if that slows none of them down; more
    /// are shed.
    pub calls: usize,
    /// Streams open at the same time; counted apart, so that watchers never shut callers out.
    pub streams: usize,
    /// Streams of HTTP/2 that a client may have open on one connection.
    pub streams_per_connection: u32,
    /// A unary call without a deadline gets this one, and so does every exchange.
    pub default_deadline: Duration,
    /// No unary call gets more.
    pub longest_deadline: Duration,
    /// No stream gets more: past the ten minutes after which a service ends it with a cursor.
    pub longest_stream: Duration,
    /// Before a drain begins, whoever balances over gateways has this long to notice that this one
    /// serves no more.
    pub linger: Duration,
    /// A drain takes this long at most.
    pub drain: Duration,
    /// How often a module is asked whether it serves.
    pub probe_every: Duration,
    /// Connections, and how long each may keep us waiting.
    pub connections: Connections,
    /// How fast one may call.
    pub rates: Rates,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            calls: 1024,
            streams: 1024,
            streams_per_connection: 100,
            default_deadline: Duration::from_secs(10),
            longest_deadline: Duration::from_secs(30),
            longest_stream: Duration::from_secs(610),
            linger: Duration::ZERO,
            drain: Duration::from_secs(10),
            probe_every: Duration::from_millis(500),
            connections: Connections::default(),
            rates: Rates::default(),
        }
    }
}

/// The gateway at work.
#[derive(Debug)]
pub struct Gateway {
    /// Where it listens, with the port that the system chose if asked for any.
    pub address: SocketAddr,
    health: HealthReporter,
    stop: CancellationToken,
    done: CancellationToken,
}

impl Gateway {
    /// What it says of itself and of every module, for whoever probes the process.
    pub fn health(&self) -> HealthReporter {
        self.health.clone()
    }

    /// Stops taking calls, lets those at work end, and waits.
    pub async fn stop(&self) {
        self.stop.cancel();
        self.done.cancelled().await;
    }
}

/// Binds and serves until stopped.
///
/// # Errors
/// When the address cannot be had, or the contracts of this build are broken.
pub async fn serve(config: Config, tasks: &Tasks) -> Result<Gateway> {
    let Config { listen, peers, mut edge, limits } = config;
    let contract = Contract::get().map_err(|error| Error::internal(error.to_string()))?;
    let failed = |error: io::Error| Error::internal(format!("cannot listen on {listen}: {error}"));
    let listener = TcpListener::bind(listen).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;

    let stop = tasks.stopping().child_token();
    let upstreams = Upstreams::new(&peers);
    let (health, health_server) = Health::new(contract).await;
    health.watch(&upstreams, limits.probe_every, &stop, tasks);
    let own = reflection::add(contract, health_server)?;
    if edge.public_url.is_empty() {
        edge.public_url = format!("http://{address}");
    }
    let listeners = Listeners {
        network: listener,
        tls: edge.tls.as_ref().map(edge::acceptor).transpose()?,
        local: edge.socket.as_deref().map(edge::socket).transpose()?,
    };
    let exchange = Exchange::start(&peers, limits.default_deadline, tasks);
    let front = Front::new(contract, upstreams, own, exchange, limits)?;
    let door = Arc::new(Door::new(front, &edge)?);

    let done = CancellationToken::new();
    let gateway =
        Gateway { address, health: health.reporter(), stop: stop.clone(), done: done.clone() };
    tracing::info!(%address, "serving");

    // Not one of `tasks`, which cut their work off: this one ends by draining.
    TaskTracker::new().spawn(async move {
        server::run(listeners, door, &stop, &health).await;
        done.cancel();
    });
    Ok(gateway)
}
