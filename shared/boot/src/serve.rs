//! Listener to drain: binds first, serves, and ends without cutting anybody off.

use std::{fs, io, os::unix::fs::PermissionsExt as _, sync::Arc, time::Duration};

use devsphere_error::{Error, Result};
use tokio::net::{TcpListener, UnixListener};
use tokio_stream::wrappers::{TcpListenerStream, UnixListenerStream};
use tokio_util::sync::CancellationToken;
use tonic::{service::Routes, transport::Server};
use tonic_health::ServingStatus;

use crate::{Endpoint, Revocations, Service, Tasks, health::Health, reflection, stack};

/// A service at work.
pub struct Running {
    /// Where it listens; with a port that the system chose, where it was asked to.
    pub endpoint: Endpoint,
    stop: CancellationToken,
    done: CancellationToken,
}

impl Running {
    /// Stops taking calls, lets those at work end, and waits.
    pub async fn stop(&self) {
        self.stop.cancel();
        self.done.cancelled().await;
    }
}

/// Binds, checks the database, and serves until stopped.
///
/// # Errors
/// When the listener cannot be bound, or the database is not as this build needs it.
pub async fn serve(service: Service) -> Result<Running> {
    let Service { ctx, names, routes, verifier, renewal } = service;
    let limits = ctx.config.limits.clone();
    let (incoming, endpoint) = bind(&ctx.config.listen).await?;
    ctx.database.check().await?;

    let (reporter, health_server) = tonic_health::server::health_reporter();
    let health = Health::new(reporter, &names);
    health.set(ServingStatus::Serving).await;
    health.clone().watch(ctx.database.clone(), &limits, ctx.tasks());

    let revocations = Revocations::default();
    if let Some(identity) = ctx.config.peers.get("identity").cloned() {
        let followed = revocations.clone().follow(ctx.name, identity, Some(verifier.clone()));
        ctx.tasks().spawn("revocations", followed);
    }
    let shared = stack::Shared::new(&ctx, verifier, renewal, revocations);
    let mut stacked = stack::wrap(routes.into_axum_router(), &Arc::new(shared));
    // Health and reflection stand outside the stack: a probe has no caller.
    stacked = stacked.merge(Routes::new(health_server).into_axum_router().reset_fallback());
    let router = server(limits.streams).add_routes(reflection::add(&names, stacked)?.into());

    let stop = ctx.stop.clone();
    let done = CancellationToken::new();
    let running = Running { endpoint, stop: stop.clone(), done: done.clone() };
    tracing::info!(service = ctx.name, endpoint = %running.endpoint, "serving");

    let asked = {
        let stop = stop.clone();
        async move {
            stop.cancelled().await;
            health.set(ServingStatus::NotServing).await;
        }
    };
    let tasks = ctx.tasks().clone();
    detach(&tasks, async move {
        let served = async {
            match incoming {
                Incoming::Unix(stream) => router.serve_with_incoming_shutdown(stream, asked).await,
                Incoming::Tcp(stream) => router.serve_with_incoming_shutdown(stream, asked).await,
            }
        };
        let patience = async {
            stop.cancelled().await;
            tokio::time::sleep(limits.drain).await;
        };
        tokio::select! {
            ended = served => if let Err(error) = ended {
                tracing::error!(service = ctx.name, %error, "server ended");
            },
            () = patience => tracing::warn!(service = ctx.name, "drain cut short"),
        }
        ctx.writers.finish().await;
        ctx.database.close().await;
        done.cancel();
    });
    Ok(running)
}

/// Drained by its own signal, so the tracker waits for it but never cuts it off.
fn detach(tasks: &Tasks, work: impl Future<Output = ()> + Send + 'static) {
    tasks.tracker.spawn(work);
}

enum Incoming {
    Unix(UnixListenerStream),
    Tcp(TcpListenerStream),
}

async fn bind(endpoint: &Endpoint) -> Result<(Incoming, Endpoint)> {
    let failed =
        |error: io::Error| Error::internal(format!("cannot listen on {endpoint}: {error}"));
    match endpoint {
        Endpoint::Unix(path) => {
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
                _ => {}
            }
            let listener = UnixListener::bind(path).map_err(failed)?;
            fs::set_permissions(path, fs::Permissions::from_mode(0o700)).map_err(failed)?;
            Ok((Incoming::Unix(UnixListenerStream::new(listener)), endpoint.clone()))
        }
        Endpoint::Tcp(address) => {
            let listener = TcpListener::bind(address).await.map_err(failed)?;
            let bound = Endpoint::Tcp(listener.local_addr().map_err(failed)?);
            Ok((Incoming::Tcp(TcpListenerStream::new(listener)), bound))
        }
    }
}

fn server(streams: u32) -> Server {
    Server::builder()
        .max_concurrent_streams(streams)
        .http2_max_header_list_size(8 * 1024)
        .http2_keepalive_interval(Some(Duration::from_secs(20)))
        .http2_keepalive_timeout(Some(Duration::from_secs(20)))
}
