//! One call, read top to bottom: admitted, within its time, in somebody's name, and passed on. The one
//! way to a service, whatever the client speaks.

use std::time::Duration;

use bytes::Bytes;
use devsphere_error::{Error, Result};
use devsphere_proto::{Access, Method};
use http::{HeaderMap, Request, Response, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tonic::{Code, Status, body::Body, transport::Channel};
use tower::ServiceExt as _;

use crate::{
    answer::Answer,
    credential,
    deadline::Deadline,
    headers::{self, Origin},
    limit::Upload,
    router::Front,
    transcode::{Deframer, frame},
    upstreams::away,
};

/// What is asked of a service.
pub(crate) struct Ask<'a> {
    pub(crate) method: &'static Method,
    /// As the client sent them.
    pub(crate) headers: &'a HeaderMap,
    pub(crate) origin: &'a Origin,
    /// How long the client waits, if it says so.
    pub(crate) patience: Option<Duration>,
}

/// A request's body on its way to the service.
pub(crate) struct Outgoing {
    body: Body,
    /// Why it broke off.
    refusal: Option<oneshot::Receiver<Error>>,
    /// The client itself speaks gRPC: its encodings are the service's business.
    is_native: bool,
}

impl Outgoing {
    /// A body of gRPC, byte for byte as it comes.
    pub(crate) fn native(body: Incoming, method: &Method) -> Self {
        let (upload, refusal) = Upload::new(body, method.descriptor.is_client_streaming());
        Self { body: Body::new(upload), refusal: Some(refusal), is_native: true }
    }

    /// One message.
    pub(crate) fn message(message: &[u8]) -> Result<Self> {
        let body = Body::new(Full::new(frame(0, message)?));
        Ok(Self { body, refusal: None, is_native: false })
    }
}

/// Opens a call; `outgoing` is read once it is known who asks.
pub(crate) async fn open(
    front: &Front,
    ask: &Ask<'_>,
    outgoing: impl Future<Output = Result<Outgoing>>,
) -> Result<Answer> {
    let method = ask.method;
    let slot = slot(front, method)?;
    let deadline = Deadline::of(method, ask.patience, &front.limits);
    let asked = async {
        let channel = front.upstreams.of(method)?;
        let caller = match method.access {
            Access::Public => None,
            _ => {
                let credential = credential::bearer(ask.headers)?;
                let identity = front.upstreams.unary("identity")?;
                Some(front.exchange.caller(identity, credential, ask.origin).await?)
            }
        };
        let Outgoing { body, refusal, is_native } = outgoing.await?;
        let assertion = caller.as_ref().map(|caller| caller.assertion.clone());
        let headers = headers::forward(ask.headers, is_native, ask.origin, assertion, deadline);
        let mut onwards = Request::new(body);
        *onwards.method_mut() = http::Method::POST;
        *onwards.uri_mut() = Uri::try_from(method.path).map_err(Error::internal)?;
        *onwards.headers_mut() = headers;
        let response = send(channel, onwards, refusal).await?;
        Ok(match caller {
            Some(caller) if method.streams => {
                let (known, holder) = (front.exchange.revocations(), caller.holder.clone());
                response.map(|body| Body::new(known.cut(holder, ask.origin.request, body)))
            }
            _ => response,
        })
    };
    let response = deadline.hold(asked).await?;
    Ok(Answer { response, deadline, slot })
}

/// One message there, one message back: for what is looked into on its way.
///
/// # Errors
/// The service's refusal as `Peer`.
pub(crate) async fn unary(
    front: &Front,
    ask: &Ask<'_>,
    message: impl Future<Output = Result<Bytes>>,
) -> Result<Bytes> {
    let outgoing = async { Outgoing::message(&message.await?) };
    let Answer { response, deadline, slot: _slot } = open(front, ask, outgoing).await?;
    deadline.hold(gather(response)).await
}

/// The message of an answer that has one.
async fn gather(response: Response<Body>) -> Result<Bytes> {
    let (parts, mut body) = response.into_parts();
    let mut frames = Deframer::default();
    let mut found = None;
    let mut trailers = parts.headers;
    while let Some(read) = body.frame().await {
        match read.map_err(away)?.into_data() {
            Ok(piece) => frames.push(&piece),
            Err(read) => trailers = read.into_trailers().unwrap_or_default(),
        }
        if found.is_none() {
            found = frames.next().map_err(Error::internal)?;
        }
    }
    refusal(&trailers)?;
    match found {
        Some((0, message)) => Ok(message),
        _ => Err(Error::internal("an answer without a plain message")),
    }
}

/// # Errors
/// `Peer` with the status in an answer's trailers, unless it is good.
pub(crate) fn refusal(trailers: &HeaderMap) -> Result<()> {
    match Status::from_header_map(trailers) {
        None => Err(Error::internal("ended without a status")),
        Some(status) if status.code() == Code::Ok => Ok(()),
        Some(status) => Err(Error::Peer(Box::new(status))),
    }
}

/// Refuses at once what could only be answered late.
fn slot(front: &Front, method: &Method) -> Result<OwnedSemaphorePermit> {
    let slots = if method.streams { &front.streams } else { &front.calls };
    slots.clone().try_acquire_owned().map_err(|_| Error::Overloaded)
}

/// The service's answer, unless the body was refused on the way there.
async fn send(
    channel: Channel,
    request: Request<Body>,
    refusal: Option<oneshot::Receiver<Error>>,
) -> Result<Response<Body>> {
    let refused = async {
        match refusal {
            // A sender that is dropped has refused nothing.
            Some(refusal) => match refusal.await {
                Ok(error) => error,
                Err(_) => std::future::pending().await,
            },
            None => std::future::pending().await,
        }
    };
    let response = tokio::select! {
        biased;
        error = refused => return Err(error),
        response = channel.oneshot(request) => response.map_err(away)?,
    };
    if !response.status().is_success() {
        return Err(Error::internal(format!("the service answered HTTP {}", response.status())));
    }
    Ok(response)
}
