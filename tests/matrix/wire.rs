//! Calls by path and bytes, as any client of any contract can make them.

use std::{
    collections::BTreeMap,
    fmt,
    task::{Context, Poll},
};

use bytes::{Buf as _, BufMut as _, Bytes};
use devsphere_auth::{ASSERTION, PEER};
use devsphere_boot::{Channel, Failed};
use devsphere_proto::Method;
use http::{HeaderMap, HeaderName, HeaderValue, uri::PathAndQuery};
use tonic::{
    Code, Request, Status,
    body::Body,
    client::Grpc,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
};
use tonic_types::StatusExt as _;
use tower::Service;

/// What came back: every message of the answer, or why there is none.
pub type Answer = Result<Vec<Bytes>, Refusal>;

/// What a call carries beside its message.
#[derive(Debug, Clone, Default)]
pub struct Door(HeaderMap);

/// A refusal without the request's own name, so that two of them can be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub code: Code,
    pub message: String,
    pub reason: String,
    pub metadata: BTreeMap<String, String>,
    /// Field, description and rule of each violation.
    pub violations: Vec<[String; 3]>,
    /// How many details there are of any kind.
    pub details: usize,
    /// What no refusal may lack, or say.
    pub flaw: Option<&'static str>,
}

/// An overloaded service is asked again so often, as it asks its clients to.
const MORE_TRIES: usize = 40;

/// Sends the bytes and gathers the answer, one message or a stream of them.
pub async fn call(
    channel: &Channel,
    method: &Method,
    door: &Door,
    body: impl Into<Bytes>,
) -> Answer {
    let body = body.into();
    for _ in 0..MORE_TRIES {
        match send(channel, method, door, body.clone()).await {
            Err(status) if status.code() == Code::Unavailable => {}
            sent => return sent.map_err(|status| Refusal::of(&status)),
        }
    }
    send(channel, method, door, body).await.map_err(|status| Refusal::of(&status))
}

async fn send(
    channel: &Channel,
    method: &Method,
    door: &Door,
    body: Bytes,
) -> Result<Vec<Bytes>, Status> {
    let mut grpc = Grpc::new(Through { channel: channel.clone(), headers: door.0.clone() });
    grpc.ready().await.map_err(|error| Status::from_error(error.into()))?;
    let (request, path) = (Request::new(body), PathAndQuery::from_static(method.path));
    if !method.streams {
        return Ok(vec![grpc.unary(request, path, Raw).await?.into_inner()]);
    }
    let mut stream = grpc.server_streaming(request, path, Raw).await?.into_inner();
    let mut messages = Vec::new();
    while let Some(message) = stream.message().await? {
        messages.push(message);
        // A watch has no end of its own: its first word is its answer.
        if method.descriptor.name().starts_with("Watch") {
            break;
        }
    }
    Ok(messages)
}

impl Door {
    /// Carries an assertion.
    pub fn assertion(self, assertion: &str) -> Self {
        self.header(ASSERTION, assertion.as_bytes())
    }

    /// Claims to be that service.
    pub fn peer(self, name: &str) -> Self {
        self.header(PEER, name.as_bytes())
    }

    /// Who it claims to be.
    pub fn claimed(&self) -> Option<&str> {
        self.0.get(PEER)?.to_str().ok()
    }

    /// Carries a header, beside others of that name; bytes that no header may hold are left out.
    pub fn header(mut self, name: &'static str, value: &[u8]) -> Self {
        if let Ok(value) = HeaderValue::from_bytes(value) {
            self.0.append(HeaderName::from_static(name), value);
        }
        self
    }
}

impl Refusal {
    fn of(status: &Status) -> Self {
        let details = status.get_error_details_vec().len();
        let details_of = status.get_error_details();
        let info = details_of.error_info();
        let violations = details_of.bad_request().map(|found| found.field_violations.clone());
        let violation =
            |found: tonic_types::FieldViolation| [found.field, found.description, found.reason];
        let request = details_of.request_info().map(|found| found.request_id.clone());
        Self {
            code: status.code(),
            message: status.message().to_owned(),
            reason: info.map(|info| info.reason.clone()).unwrap_or_default(),
            metadata: info
                .map(|info| info.metadata.clone().into_iter().collect())
                .unwrap_or_default(),
            violations: violations.unwrap_or_default().into_iter().map(violation).collect(),
            details,
            flaw: flaw(info.map(|info| info.domain.as_str()), request.as_deref(), status.message()),
        }
    }

    /// One entry of the metadata.
    pub fn of_metadata(&self, key: &str) -> &str {
        self.metadata.get(key).map(String::as_str).unwrap_or_default()
    }

    /// Whether one of the violations is on that field, or inside it.
    pub fn blames(&self, field: &str) -> bool {
        self.violations.iter().any(|[blamed, ..]| blamed.starts_with(field))
    }
}

/// A refusal says whose it is and how the log knows it, and never what it stands on.
fn flaw(domain: Option<&str>, request: Option<&str>, message: &str) -> Option<&'static str> {
    const INSIDES: [&str; 6] = ["select ", "insert ", "SQL", "sqlx", "/src/", "panicked"];
    if domain != Some("devsphere") {
        return Some("has no ErrorInfo of domain devsphere");
    }
    if request.is_none_or(|id| id.parse::<uuid::Uuid>().is_err()) {
        return Some("has no request id");
    }
    INSIDES.iter().any(|word| message.contains(word)).then_some("tells of our insides")
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {}", self.code, self.reason)?;
        for (key, value) in &self.metadata {
            write!(f, " {key}={value}")?;
        }
        for [field, description, _] in &self.violations {
            write!(f, " [{field}: {description}]")?;
        }
        write!(f, " {:?}", self.message)?;
        self.flaw.map_or(Ok(()), |flaw| write!(f, " ({flaw})"))
    }
}

/// Messages as bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        to.put(item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining())))
    }
}

/// A channel that puts headers on, duplicates and opaque bytes included.
#[derive(Clone)]
struct Through {
    channel: Channel,
    headers: HeaderMap,
}

impl Service<http::Request<Body>> for Through {
    type Response = http::Response<Body>;
    type Error = Failed;
    type Future = <Channel as Service<http::Request<Body>>>::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Service::poll_ready(&mut self.channel, context)
    }

    fn call(&mut self, mut request: http::Request<Body>) -> Self::Future {
        request.headers_mut().extend(self.headers.clone());
        Service::call(&mut self.channel, request)
    }
}
