//! From accepted connection to drained gateway: HTTP/2 with prior knowledge, each connection a task.

use std::{convert::Infallible, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use hyper::service::service_fn;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{health::Health, router::Front};

/// A request whose header list is larger never gets past the connection.
const HEADER_LIST_LIMIT: u32 = 8 * 1024;

/// A client that answers no ping for so long is gone: 25 s in all.
const PING_EVERY: Duration = Duration::from_secs(15);
const PING_PATIENCE: Duration = Duration::from_secs(10);

/// Out of file descriptors, accepting fails at once and again; others need the time.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Takes connections until `stop`, then lets the calls at work end within the drain.
pub(crate) async fn run(
    listener: TcpListener,
    front: &Arc<Front>,
    stop: &CancellationToken,
    health: &Health,
) {
    let connections = TaskTracker::new();
    let cut = CancellationToken::new();
    while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((stream, client)) => {
                let served = serve(stream, client, front.clone(), stop.clone());
                let cut = cut.clone();
                connections.spawn(async move { cut.run_until_cancelled(served).await });
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    health.leave().await;
    drop(listener);
    connections.close();
    if tokio::time::timeout(front.limits.drain, connections.wait()).await.is_err() {
        tracing::warn!("drain cut short");
        cut.cancel();
        connections.wait().await;
    }
}

async fn serve(stream: TcpStream, client: SocketAddr, front: Arc<Front>, stop: CancellationToken) {
    // Small answers must not wait for a full segment.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "connection without TCP_NODELAY");
    }
    let mut builder = Builder::new(TokioExecutor::new()).http2_only();
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(front.limits.streams_per_connection)
        .max_header_list_size(HEADER_LIST_LIMIT)
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_PATIENCE);
    let address = client.ip().to_canonical();
    let service = service_fn(move |request| {
        let front = front.clone();
        async move { Ok::<_, Infallible>(front.answer(request, address).await) }
    });
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended");
    }
}
