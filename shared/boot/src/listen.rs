//! Where a service listens: connections come in, are proved, and end when they should.

use std::{
    convert::Infallible,
    fs, io,
    net::SocketAddr,
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    pin::pin,
    sync::Arc,
    time::{Duration, SystemTime},
};

use axum::Router;
use devsphere_error::{Error, Result};
use http::Request;
use hyper::{body::Incoming, server::conn::http2::Builder, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream, UnixListener, UnixStream},
};
use tokio_rustls::TlsAcceptor;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::Service as _;

use crate::{
    Certificates, Limits,
    tls::{ALPN, not_after, peer_name},
};

/// Out of file descriptors, accepting fails at once and again; others need the time.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Where a service listens.
#[derive(Debug, Clone)]
pub enum Listen {
    /// A Unix socket; peers are known by their user.
    Unix(PathBuf),
    /// An address of TCP under mutual TLS; peers are known by their certificates.
    Tcp(SocketAddr, Certificates),
    /// An address of TCP in clear text; peers are nobody, which is enough for whoever probes.
    Clear(SocketAddr),
}

impl std::fmt::Display for Listen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Tcp(address, _) => write!(f, "https://{address}"),
            Self::Clear(address) => write!(f, "http://{address}"),
        }
    }
}

/// What the transport knows of the other end.
#[derive(Debug, Clone)]
pub(crate) enum Proof {
    /// A process on this machine; of our own user, or not.
    Socket { ours: bool },
    /// The service in the certificate.
    Certificate(Arc<str>),
    /// Nothing.
    None,
}

/// A bound listener.
pub(crate) struct Listener {
    kind: Kind,
    pub(crate) place: Listen,
}

enum Kind {
    Unix(UnixListener),
    Tcp(TcpListener),
}

enum Arrival {
    Unix(UnixStream),
    Tcp(TcpStream),
}

/// How connections are served.
#[derive(Clone)]
pub(crate) struct Serving {
    pub(crate) router: Router,
    pub(crate) limits: Limits,
    /// Cancelled when no more calls are taken.
    pub(crate) leave: CancellationToken,
}

impl Listener {
    pub(crate) async fn bind(place: &Listen) -> Result<Self> {
        let failed =
            |error: io::Error| Error::internal(format!("cannot listen on {place}: {error}"));
        let tcp = async |address: &SocketAddr| {
            let listener = TcpListener::bind(address).await.map_err(failed)?;
            let address = listener.local_addr().map_err(failed)?;
            Ok::<_, Error>((listener, address))
        };
        Ok(match place {
            Listen::Unix(path) => {
                match fs::remove_file(path) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => {
                        return Err(failed(error));
                    }
                    _ => {}
                }
                let listener = UnixListener::bind(path).map_err(failed)?;
                fs::set_permissions(path, fs::Permissions::from_mode(0o700)).map_err(failed)?;
                Self { kind: Kind::Unix(listener), place: place.clone() }
            }
            Listen::Tcp(address, own) => {
                let (listener, address) = tcp(address).await?;
                Self { kind: Kind::Tcp(listener), place: Listen::Tcp(address, own.clone()) }
            }
            Listen::Clear(address) => {
                let (listener, address) = tcp(address).await?;
                Self { kind: Kind::Tcp(listener), place: Listen::Clear(address) }
            }
        })
    }

    /// Takes connections until it is time to leave; then the calls at work end. Whoever stops
    /// waiting for it cuts them off.
    pub(crate) async fn run(self, serving: Serving) {
        let connections = TaskTracker::new();
        let cut = CancellationToken::new();
        // Whatever happens to us happens to them.
        let _cut = cut.clone().drop_guard();
        while let Some(arrival) = serving.leave.run_until_cancelled(self.next()).await {
            let served = serve(arrival, self.place.clone(), serving.clone());
            let cut = cut.clone();
            connections.spawn(async move {
                if let Some(Err(error)) = cut.run_until_cancelled(served).await {
                    tracing::debug!(error, "connection ended");
                }
            });
        }
        drop(self);
        connections.close();
        connections.wait().await;
    }

    async fn next(&self) -> Arrival {
        loop {
            let arrived = match &self.kind {
                Kind::Unix(listener) => listener.accept().await.map(|(it, _)| Arrival::Unix(it)),
                Kind::Tcp(listener) => listener.accept().await.map(|(it, _)| Arrival::Tcp(it)),
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

async fn serve(arrival: Arrival, place: Listen, serving: Serving) -> Result<(), String> {
    match (arrival, place) {
        (Arrival::Unix(stream), _) => {
            let ours = rustix::process::geteuid().as_raw();
            let ours = stream.peer_cred().is_ok_and(|peer| peer.uid() == ours);
            talk(stream, Proof::Socket { ours }, None, serving).await
        }
        (Arrival::Tcp(stream), Listen::Tcp(_, own)) => {
            let _ = stream.set_nodelay(true);
            let acceptor = TlsAcceptor::from(own.now().server.clone());
            let patience = serving.limits.handshake;
            let accepted = tokio::time::timeout(patience, acceptor.accept(stream)).await;
            let stream = match accepted {
                Ok(accepted) => accepted.map_err(|error| error.to_string())?,
                Err(_) => return Err("no handshake in time".into()),
            };
            let (_, session) = stream.get_ref();
            if session.alpn_protocol() != Some(ALPN) {
                return Err("does not speak HTTP/2".into());
            }
            let theirs = session.peer_certificates().and_then(<[_]>::first);
            let known = theirs.and_then(|theirs| Some((peer_name(theirs)?, not_after(theirs)?)));
            let (name, until) = known.ok_or("the certificate names no service")?;
            talk(stream, Proof::Certificate(name.into()), Some(until), serving).await
        }
        (Arrival::Tcp(stream), _) => talk(stream, Proof::None, None, serving).await,
    }
}

/// Answers what comes over a connection, until its time is over; calls at work then have as long as
/// any call may take.
async fn talk<T>(
    stream: T,
    proof: Proof,
    until: Option<SystemTime>,
    serving: Serving,
) -> Result<(), String>
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let Serving { router, limits, leave } = serving;
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(proof.clone());
        let answer = router.clone().call(request);
        async move { answer.await.map_err(|never: Infallible| never) }
    });
    let connection = builder(&limits).serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let over = async {
        let Some(until) = until else { return leave.cancelled().await };
        let left = until.duration_since(SystemTime::now()).unwrap_or_default();
        // Past its own end a certificate proves nothing.
        let _ = tokio::time::timeout(left, leave.cancelled()).await;
    };
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = over => {
            connection.as_mut().graceful_shutdown();
            match tokio::time::timeout(limits.longest_stream, connection).await {
                Ok(ended) => ended,
                Err(_) => Ok(()),
            }
        }
    };
    ended.map_err(|error| error.to_string())
}

fn builder(limits: &Limits) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams)
        .max_header_list_size(8 * 1024)
        // Only services reach this. What is refused before its body came may still send it, which counts
        // as such a reset; over a limit, everybody's calls on the connection would end.
        .max_local_error_reset_streams(None)
        .keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(20));
    builder
}
