//! A client that says exactly what it is told, forged headers and all.

use std::{
    net::SocketAddr,
    pin::Pin,
    task::{Context, Waker},
};

use bytes::{BufMut as _, Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    body::Incoming,
    client::conn::http2::{Builder, SendRequest},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tonic::{Code, Status, body::Body};

#[derive(Clone)]
pub(crate) struct Client(SendRequest<Body>);

/// A request in the making.
#[derive(Clone)]
pub(crate) struct Call {
    client: Client,
    path: String,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
    trailers: Option<HeaderMap>,
}

/// An answer, in full.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) http: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) trailers: HeaderMap,
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self::narrow(address, 1 << 20).await
    }

    /// A client that takes so many bytes of each answer before it reads them.
    pub(crate) async fn narrow(address: SocketAddr, window: u32) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self::over(stream, window).await
    }

    pub(crate) async fn over(
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        window: u32,
    ) -> Self {
        let mut builder = Builder::new(TokioExecutor::new());
        builder.initial_stream_window_size(window);
        let (sender, connection) = builder.handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Self(sender)
    }

    /// Until the gateway works at every call sent so far: a connection keeps the order of requests,
    /// a test's runtime that of tasks, and health takes no slot.
    pub(crate) async fn settled(&self) {
        let probe = self.call("/grpc.health.v1.Health/Check").status().await;
        assert_eq!(probe.code(), Code::Ok);
    }

    /// A call with a credential, an empty message and nothing else.
    pub(crate) fn call(&self, path: &str) -> Call {
        Call {
            client: self.clone(),
            path: path.to_owned(),
            method: Method::POST,
            headers: HeaderMap::new(),
            body: frame(b""),
            trailers: None,
        }
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("authorization", "Bearer a-credential")
    }

    /// A request with a credential, and nothing that speaks gRPC.
    pub(crate) fn http(&self, verb: http::Method, path: &str) -> Call {
        let mut call = self.call(path).without("content-type").without("te").body("");
        call.method = verb;
        call
    }

    pub(crate) fn get(&self, path: &str) -> Call {
        self.http(http::Method::GET, path)
    }

    /// A body of JSON.
    pub(crate) fn post(&self, path: &str, json: impl Into<Bytes>) -> Call {
        self.http(http::Method::POST, path).header("content-type", "application/json").body(json)
    }

    pub(crate) fn patch(&self, path: &str, json: impl Into<Bytes>) -> Call {
        let mut call = self.post(path, json);
        call.method = http::Method::PATCH;
        call
    }
}

impl Call {
    /// One more header of that name.
    pub(crate) fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        self.headers.append(name, HeaderValue::from_bytes(value.as_ref()).unwrap());
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.remove(name);
        self
    }

    pub(crate) fn bearer(self, credential: &str) -> Self {
        self.without("authorization").header("authorization", format!("Bearer {credential}"))
    }

    pub(crate) fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    pub(crate) fn trailers(mut self, trailers: HeaderMap) -> Self {
        self.trailers = Some(trailers);
        self
    }

    /// The answer's beginning, unread.
    pub(crate) async fn begin(self) -> hyper::Result<Response<Incoming>> {
        let body = Full::new(self.body);
        let trailers = self.trailers.map(Ok);
        let body = match trailers {
            None => Body::new(body),
            trailers => Body::new(body.with_trailers(async { trailers })),
        };
        let uri = format!("http://gateway{}", self.path);
        let mut request = Request::builder().method(self.method).uri(uri).body(body).unwrap();
        *request.headers_mut() = self.headers;
        let mut sender = self.client.0;
        sender.ready().await?;
        sender.send_request(request).await
    }

    pub(crate) async fn send(self) -> hyper::Result<Got> {
        let (parts, body) = self.begin().await?.into_parts();
        let body = body.collect().await?;
        let trailers = body.trailers().cloned().unwrap_or_default();
        let (http, headers) = (parts.status, parts.headers);
        Ok(Got { http, headers, body: body.to_bytes(), trailers })
    }

    /// Sends the request now, to wait for its end later.
    pub(crate) fn sent(self) -> Pin<Box<impl Future<Output = Status>>> {
        let mut call = Box::pin(self.status());
        let polled = call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(polled.is_pending());
        call
    }

    /// How the call ended.
    pub(crate) async fn status(self) -> Status {
        self.send().await.unwrap().status()
    }
}

impl Got {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.text()))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn status(&self) -> Status {
        let found = Status::from_header_map(&self.trailers);
        found.or_else(|| Status::from_header_map(&self.headers)).unwrap()
    }
}

/// A gRPC message with its head.
pub(crate) fn frame(message: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(5 + message.len());
    frame.put_u8(0);
    frame.put_u32(u32::try_from(message.len()).unwrap());
    frame.put_slice(message);
    frame.freeze()
}

/// Headers from pairs; a name may stand there twice.
pub(crate) fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(*name, HeaderValue::from_str(value).unwrap());
    }
    headers
}
