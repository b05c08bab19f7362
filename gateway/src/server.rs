//! From accepted connection to drained gateway: HTTP/2 and HTTP/1.1, each connection a task.

use std::{
    convert::Infallible,
    future::pending,
    io,
    net::{IpAddr, Ipv4Addr},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use hyper::service::service_fn;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::conn::auto::Builder,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream, UnixListener, UnixStream},
};
use tokio_rustls::TlsAcceptor;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    door::Door,
    edge::{Connections, Seat, Seats, Timed},
    health::Health,
    turn::Turns,
};

/// A request whose header list is larger never gets past the connection.
const HEADER_LIST_LIMIT: u32 = 8 * 1024;

/// More names than that are no request of a client we know.
const HEADERS: usize = 100;

/// What a client may send ahead on a stream, and on all of them together.
const STREAM_WINDOW: u32 = 256 * 1024;
const CONNECTION_WINDOW: u32 = 1024 * 1024;

/// What lies ready for a client that reads slowly, on each stream.
const SEND_BUFFER: usize = 64 * 1024;

/// Streams that a client may open and reset before we have looked at them; more end the connection.
const PENDING_RESETS: usize = 20;

/// Streams that may break our limits before the connection does.
const LOCAL_RESETS: usize = 256;

/// Out of file descriptors, accepting fails at once and again; others need the time.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Where connections come in.
pub(crate) struct Listeners {
    pub(crate) network: TcpListener,
    pub(crate) tls: Option<TlsAcceptor>,
    /// For commands of this machine.
    pub(crate) local: Option<UnixListener>,
}

enum Arrival {
    Network(TcpStream, IpAddr),
    Local(UnixStream),
}

/// Takes connections until `stop` and while others may not have noticed, then lets the calls at work
/// end within the drain.
pub(crate) async fn run(
    listeners: Listeners,
    door: Arc<Door>,
    stop: &CancellationToken,
    health: &Health,
) {
    let connections = TaskTracker::new();
    let (leave, cut) = (CancellationToken::new(), CancellationToken::new());
    let mut over = pin!(async {
        stop.cancelled().await;
        health.leave().await;
        tokio::time::sleep(door.limits().linger).await;
    });
    let seats = Seats::new(door.limits().connections.clone());
    loop {
        let arrival = tokio::select! {
            biased;
            () = over.as_mut() => break,
            arrival = listeners.next() => arrival,
        };
        let (peer, is_proxy) = match arrival {
            Arrival::Network(_, peer) => (peer, door.proxies().trusts(peer)),
            Arrival::Local(_) => (Ipv4Addr::LOCALHOST.into(), false),
        };
        // Closed at once: whoever is left in the queue waits for a time-out.
        let Some(seat) = seats.take(peer, is_proxy) else { continue };
        let guest = Guest { peer, seat, door: door.clone(), stop: leave.clone() };
        let served = guest.serve(arrival, listeners.tls.clone());
        let cut = cut.clone();
        connections.spawn(async move { cut.run_until_cancelled(served).await });
    }
    leave.cancel();
    drop(listeners);
    connections.close();
    if tokio::time::timeout(door.limits().drain, connections.wait()).await.is_err() {
        tracing::warn!("drain cut short");
        cut.cancel();
        connections.wait().await;
    }
}

impl Listeners {
    /// The next connection, whatever comes in between.
    async fn next(&self) -> Arrival {
        loop {
            let arrived = tokio::select! {
                accepted = self.network.accept() => accepted.map(|(stream, peer)| {
                    Arrival::Network(stream, peer.ip().to_canonical())
                }),
                accepted = async {
                    match &self.local {
                        Some(local) => local.accept().await,
                        None => pending().await,
                    }
                } => accepted.map(|(stream, _)| Arrival::Local(stream)),
            };
            match arrived {
                Ok(arrival) => return arrival,
                Err(error) => {
                    tracing::warn!(%error, "cannot accept");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

/// Whoever is at the other end of a connection.
struct Guest {
    peer: IpAddr,
    seat: Seat,
    door: Arc<Door>,
    stop: CancellationToken,
}

impl Guest {
    async fn serve(self, arrival: Arrival, tls: Option<TlsAcceptor>) {
        let ended = match (arrival, tls) {
            (Arrival::Local(stream), _) => self.talk(stream).await,
            (Arrival::Network(stream, _), None) => self.talk(prompt(stream)).await,
            (Arrival::Network(stream, _), Some(tls)) => {
                let patience = self.door.limits().connections.handshake;
                match tokio::time::timeout(patience, tls.accept(prompt(stream))).await {
                    Ok(Ok(stream)) => self.talk(stream).await,
                    Ok(Err(error)) => Err(error.into()),
                    Err(_) => Err(io::Error::from(io::ErrorKind::TimedOut).into()),
                }
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "connection ended");
        }
    }

    async fn talk(
        self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let Self { peer, seat: _seat, door, stop } = self;
        let limits = door.limits();
        let Connections { opening, idle, .. } = limits.connections;
        let stream = TokioIo::new(Timed::new(stream, opening, idle));
        let builder = builder(Turns(door.clone()), limits.streams_per_connection, idle);
        let service = service_fn(|request| {
            let door = door.clone();
            async move { Ok::<_, Infallible>(door.answer(request, peer).await) }
        });
        let mut connection = pin!(builder.serve_connection(stream, service));
        tokio::select! {
            ended = connection.as_mut() => ended,
            () = stop.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        }
    }
}

/// Small answers must not wait for a full segment.
fn prompt(stream: TcpStream) -> TcpStream {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "connection without TCP_NODELAY");
    }
    stream
}

fn builder(turns: Turns, streams: u32, idle: Duration) -> Builder<Turns> {
    let mut builder = Builder::new(turns);
    builder
        .http1()
        .timer(TokioTimer::new())
        // Runs while a connection is kept for the next request, too.
        .header_read_timeout(idle)
        .max_headers(HEADERS)
        .max_buf_size(2 * HEADER_LIST_LIMIT as usize);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(streams)
        .max_header_list_size(HEADER_LIST_LIMIT)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(SEND_BUFFER)
        .max_pending_accept_reset_streams(PENDING_RESETS)
        .max_local_error_reset_streams(LOCAL_RESETS)
        // Asked half-way: what does not answer the ping is gone after the whole time.
        .keep_alive_interval(idle / 2)
        .keep_alive_timeout(idle / 2);
    builder
}
