//! A service that notes what reaches it, and answers what it is told.

use std::{
    convert::Infallible,
    future::pending,
    path::Path,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use bytes::{Bytes, BytesMut};
use futures_util::{FutureExt as _, StreamExt as _, stream};
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::{Body as _, Frame};
use http_body_util::{BodyExt as _, StreamBody};
use hyper::{body::Incoming, server::conn::http2, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;
use tonic::{Status, body::Body, service::Routes};
use tower::ServiceExt as _;

/// One request as the service got it.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// Which of the connections to this service it came by.
    pub(crate) connection: usize,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    /// None while it is not there in full, or when it broke off.
    pub(crate) body: Option<Bytes>,
    pub(crate) trailers: Option<HeaderMap>,
}

/// What the service does with every request from now on.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// Sends the body back.
    Echo,
    /// Headers, the pieces one by one, and trailers.
    Say { headers: HeaderMap, pieces: Vec<Bytes>, trailers: HeaderMap },
    /// Headers that are trailers.
    Refuse(HeaderMap),
    /// Another HTTP status.
    Http(u16),
    /// Nothing.
    Silence,
    /// Those bytes, and then nothing more.
    Stall(Bytes),
    /// Those bytes again and again.
    Endless(Bytes),
    /// Those bytes, and then a reset.
    Break(Bytes),
}

pub(crate) struct Recorder {
    seen: Mutex<Vec<Seen>>,
    answer: Mutex<Answer>,
    gone: AtomicUsize,
    stop: CancellationToken,
    own: Vec<&'static str>,
    routes: Routes,
}

impl Recorder {
    /// Listens on the socket; calls of the gRPC services `own` go to `routes` instead.
    pub(crate) fn start(socket: &Path, own: Vec<&'static str>, routes: Routes) -> Arc<Self> {
        let listener = UnixListener::bind(socket).unwrap();
        let recorder = Arc::new(Self {
            seen: Mutex::default(),
            answer: Mutex::new(Answer::Echo),
            gone: AtomicUsize::new(0),
            stop: CancellationToken::new(),
            own,
            routes,
        });
        let accepting = recorder.clone();
        tokio::spawn(async move {
            let stop = accepting.stop.clone();
            let mut number = 0;
            while let Some(Ok((stream, _))) = stop.run_until_cancelled(listener.accept()).await {
                let served = accepting.clone().serve(number, stream);
                number += 1;
                tokio::spawn(stop.clone().run_until_cancelled_owned(served));
            }
        });
        recorder
    }

    pub(crate) fn will(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// The one request that came.
    pub(crate) fn only(&self) -> Seen {
        let mut seen = self.seen();
        assert_eq!(seen.len(), 1, "{seen:?}");
        seen.remove(0)
    }

    /// Calls that ended before their answer did.
    pub(crate) fn gone(&self) -> usize {
        self.gone.load(Ordering::Relaxed)
    }

    /// Cuts every connection and takes no more.
    pub(crate) fn stop(&self) {
        self.stop.cancel();
    }

    async fn serve(self: Arc<Self>, connection: usize, stream: UnixStream) {
        let service = service_fn(move |request: Request<Incoming>| {
            let recorder = self.clone();
            async move { Ok::<_, Infallible>(recorder.handle(connection, request).await) }
        });
        let builder = http2::Builder::new(TokioExecutor::new());
        let _ = builder.serve_connection(TokioIo::new(stream), service).await;
    }

    async fn handle(
        self: Arc<Self>,
        connection: usize,
        request: Request<Incoming>,
    ) -> Response<Body> {
        let path = request.uri().path().to_owned();
        if self.own.iter().any(|service| path.starts_with(&format!("/{service}/"))) {
            return self.routes.clone().oneshot(request).await.unwrap();
        }
        let mut watched = Watched { recorder: self.clone(), body: Body::empty(), done: false };
        let (parts, mut body) = request.into_parts();
        let number = {
            let mut seen = self.seen.lock().unwrap();
            let headers = parts.headers;
            seen.push(Seen { connection, path, headers, body: None, trailers: None });
            seen.len() - 1
        };
        let mut whole = BytesMut::new();
        let mut trailers = None;
        while let Some(Ok(frame)) = body.frame().await {
            match frame.into_data() {
                Ok(data) => whole.extend_from_slice(&data),
                Err(frame) => trailers = frame.into_trailers().ok(),
            }
        }
        let whole = body.is_end_stream().then(|| whole.freeze());
        {
            let mut seen = self.seen.lock().unwrap();
            (seen[number].body, seen[number].trailers) = (whole.clone(), trailers);
        }
        let answer = self.answer.lock().unwrap().clone();
        let mut response = render(answer, whole.unwrap_or_default()).await;
        watched.done = response.body().is_end_stream();
        watched.body = std::mem::take(response.body_mut());
        response.map(|_: Body| Body::new(watched))
    }
}

async fn render(answer: Answer, request: Bytes) -> Response<Body> {
    let pieces = |pieces: Vec<Bytes>| stream::iter(pieces).map(|piece| Ok(Frame::data(piece)));
    let (headers, body) = match answer {
        Answer::Silence => pending().await,
        Answer::Http(status) => {
            return Response::builder().status(status).body(Body::empty()).unwrap();
        }
        Answer::Refuse(headers) => (headers, Body::empty()),
        Answer::Echo => {
            let trailers = HeaderMap::from_iter([(status(), HeaderValue::from_static("0"))]);
            let trailers = stream::iter([Ok(Frame::trailers(trailers))]);
            (HeaderMap::new(), streamed(pieces(vec![request]).chain(trailers)))
        }
        Answer::Say { headers, pieces: said, trailers } => {
            let trailers = stream::iter([Ok(Frame::trailers(trailers))]);
            (headers, streamed(pieces(said).chain(trailers)))
        }
        Answer::Stall(piece) => {
            let nothing = pending::<Result<_, Status>>().into_stream();
            (HeaderMap::new(), streamed(pieces(vec![piece]).chain(nothing)))
        }
        Answer::Endless(piece) => {
            (HeaderMap::new(), streamed(stream::repeat(piece).map(|piece| Ok(Frame::data(piece)))))
        }
        Answer::Break(piece) => {
            let reset = stream::iter([Err(Status::unknown("reset"))]);
            (HeaderMap::new(), streamed(pieces(vec![piece]).chain(reset)))
        }
    };
    let mut response = Response::new(body);
    *response.headers_mut() = headers;
    let grpc = HeaderValue::from_static("application/grpc");
    response.headers_mut().entry(http::header::CONTENT_TYPE).or_insert(grpc);
    response
}

fn streamed(
    frames: impl futures_util::Stream<Item = Result<Frame<Bytes>, Status>> + Send + 'static,
) -> Body {
    Body::new(StreamBody::new(frames))
}

fn status() -> http::HeaderName {
    http::HeaderName::from_static("grpc-status")
}

/// An answer that notes when nobody waits for its end.
struct Watched {
    recorder: Arc<Recorder>,
    body: Body,
    done: bool,
}

impl http_body::Body for Watched {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        self.done |= match &polled {
            Poll::Ready(Some(Ok(frame))) => frame.is_trailers(),
            Poll::Ready(_) => true,
            Poll::Pending => false,
        };
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if !self.done {
            self.recorder.gone.fetch_add(1, Ordering::Relaxed);
        }
    }
}
