//! One connection of HTTP/2 to one instance of a service.

use std::{
    net::SocketAddr,
    path::Path,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, SystemTime},
};

use http::{
    Request, Response, Uri,
    uri::{Authority, Parts, PathAndQuery, Scheme},
};
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UnixStream},
};
use tokio_rustls::{TlsConnector, rustls::pki_types::ServerName};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::{body::Body, codegen::Service};

use super::Failed;
use crate::{
    Remote,
    tls::{ALPN, not_after},
};

/// Until a connection of TCP and its handshake are done.
const OPENING: Duration = Duration::from_secs(5);

/// A machine that is gone answers no ping: then the connection ends.
const PING_EVERY: Duration = Duration::from_secs(10);
const PING_PATIENCE: Duration = Duration::from_secs(5);

/// A connection is replaced when a tenth of its certificates' time is left, and a minute at most.
const LAST_PART: u32 = 10;
const LAST_MINUTE: Duration = Duration::from_secs(60);

/// An open connection. When the last copy goes, it ends with the calls on it.
#[derive(Clone)]
pub(super) struct Line {
    sender: SendRequest<Body>,
    scheme: Scheme,
    authority: Authority,
    place: Arc<str>,
    /// Cancelled when the connection is no more.
    pub(super) ended: CancellationToken,
    /// How long it may be used.
    pub(super) good_for: Option<Duration>,
}

/// A call without an answer.
pub(super) struct Unanswered {
    pub(super) failed: Failed,
    /// The request, where not a byte of it was sent.
    pub(super) unsent: Option<Box<Request<Body>>>,
}

impl Line {
    pub(super) async fn to_socket(path: &Path) -> Result<Self, Failed> {
        let place = path.display().to_string();
        let opened = async {
            let stream = UnixStream::connect(path).await?;
            Self::open(stream, Scheme::HTTP, Authority::from_static("service"), &place, None).await
        };
        opened.await.map_err(|error| unreached(&place, &error))
    }

    /// Connects to an instance, which must be the service that is looked for.
    pub(super) async fn to_instance(remote: &Remote, address: SocketAddr) -> Result<Self, Failed> {
        let place = format!("{} at {address}", remote.service);
        let opened = tokio::time::timeout(OPENING, secured(remote, address, &place)).await;
        let opened = opened.unwrap_or_else(|_| Err("no connection in time".into()));
        opened.map_err(|error| unreached(&place, &*error))
    }

    async fn open<T>(
        stream: T,
        scheme: Scheme,
        authority: Authority,
        place: &str,
        good_for: Option<Duration>,
    ) -> Result<Self, std::io::Error>
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut builder = Builder::new(TokioExecutor::new());
        if good_for.is_some() {
            builder
                .timer(TokioTimer::new())
                .keep_alive_interval(PING_EVERY)
                .keep_alive_timeout(PING_PATIENCE);
        }
        let opened = builder.handshake(TokioIo::new(stream)).await;
        let (sender, connection) = opened.map_err(std::io::Error::other)?;
        let (ended, place) = (CancellationToken::new(), Arc::<str>::from(place));
        let end = ended.clone().drop_guard();
        // Ends with its last sender: no task that a drain would have to wait for.
        TaskTracker::new().spawn(async move {
            let _end = end;
            if let Err(error) = connection.await {
                tracing::debug!(%error, "connection to a service ended");
            }
        });
        Ok(Self { sender, scheme, authority, place, ended, good_for })
    }

    pub(super) fn is_open(&self) -> bool {
        !self.sender.is_closed()
    }

    pub(super) async fn send(
        &self,
        mut request: Request<Body>,
    ) -> Result<Response<Body>, Unanswered> {
        *request.uri_mut() = self.uri(request.uri());
        match self.sender.clone().try_send_request(request).await {
            Ok(response) => Ok(response.map(Body::new)),
            Err(mut error) => {
                let unsent = error.take_message().map(Box::new);
                let (place, source) = (self.place.to_string(), error.into_error());
                Err(Unanswered { failed: Failed::Broken { place, source }, unsent })
            }
        }
    }

    /// The same path, here.
    fn uri(&self, uri: &Uri) -> Uri {
        let mut parts = Parts::default();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(self.authority.clone());
        let path = uri.path_and_query().cloned();
        parts.path_and_query = path.or_else(|| Some(PathAndQuery::from_static("/")));
        Uri::from_parts(parts).unwrap_or_default()
    }
}

/// For questions to this very instance.
impl Service<Request<Body>> for Line {
    type Response = Response<Body>;
    type Error = Failed;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Failed>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Failed>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let line = self.clone();
        Box::pin(async move { line.send(request).await.map_err(|unanswered| unanswered.failed) })
    }
}

async fn secured(
    remote: &Remote,
    address: SocketAddr,
    place: &str,
) -> Result<Line, Box<dyn std::error::Error + Send + Sync>> {
    let own = remote.own.now();
    let connector = TlsConnector::from(own.client(remote.service)?);
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let stream = connector.connect(ServerName::try_from(remote.service)?, stream).await?;
    let (_, session) = stream.get_ref();
    if session.alpn_protocol() != Some(ALPN) {
        return Err("does not speak HTTP/2".into());
    }
    let theirs = session.peer_certificates().and_then(|chain| not_after(chain.first()?));
    let until = theirs.ok_or("its certificate has no end")?.min(own.until);
    let left = until.duration_since(SystemTime::now()).unwrap_or_default();
    let good_for = Some(left - (left / LAST_PART).min(LAST_MINUTE));
    let authority = Authority::from_static(remote.service);
    Ok(Line::open(stream, Scheme::HTTPS, authority, place, good_for).await?)
}

fn unreached(place: &str, cause: &(dyn std::error::Error + 'static)) -> Failed {
    Failed::Unreached { place: place.to_owned(), cause: cause.to_string() }
}
