//! One call, read top to bottom: known, admitted, within its time, in somebody's name, and passed on.

use std::net::IpAddr;

use devsphere_error::{Error, Result};
use devsphere_proto::{Access, Method};
use http::{Request, Response, Uri};
use hyper::body::Incoming;
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tonic::{body::Body, transport::Channel};
use tower::ServiceExt as _;
use tracing::Instrument as _;

use crate::{
    answer::{self, Answer},
    credential,
    deadline::Deadline,
    headers::{self, Origin},
    hop::Hop,
    limit::Upload,
    router::Front,
    upstreams::away,
};

/// Forwards a native gRPC request byte for byte.
pub(crate) async fn call(
    front: &Front,
    request: Request<Incoming>,
    client: IpAddr,
) -> Response<Body> {
    let method = known(front, &request);
    let hop = Hop::begin(method, request.headers(), &front.durations);
    let origin = Origin::new(hop.request, client, request.headers());
    let span = hop.span.clone();
    match run(front, method, request, &origin).instrument(span).await {
        Ok(answer) => answer::relay(answer, hop, &front.answers),
        Err(error) => hop.refuse(&error),
    }
}

/// The method, if clients may know it: what is internal is as unknown as what is not there.
fn known(front: &Front, request: &Request<Incoming>) -> Option<&'static Method> {
    let method = front.contract.method(request.uri().path())?;
    let internal = matches!(method.access, Access::Internal { .. });
    (!internal && request.method() == http::Method::POST).then_some(method)
}

async fn run(
    front: &Front,
    method: Option<&'static Method>,
    request: Request<Incoming>,
    origin: &Origin,
) -> Result<Answer> {
    let method = method.ok_or(Error::UnknownMethod)?;
    let slot = slot(front, method)?;
    let deadline = Deadline::of(method, request.headers(), &front.limits);
    let asked = async {
        let channel = front.upstreams.of(method)?;
        let assertion = match method.access {
            Access::Public => None,
            _ => {
                let credential = credential::bearer(request.headers())?;
                let identity = front.upstreams.unary("identity")?;
                Some(front.exchange.assertion(identity, credential, origin).await?)
            }
        };
        let headers = headers::forward(request.headers(), origin, assertion, deadline);
        let (upload, refusal) =
            Upload::new(request.into_body(), method.descriptor.is_client_streaming());
        let mut onwards = Request::new(Body::new(upload));
        *onwards.method_mut() = http::Method::POST;
        *onwards.uri_mut() = Uri::try_from(method.path).map_err(Error::internal)?;
        *onwards.headers_mut() = headers;
        send(channel, onwards, refusal).await
    };
    let response = deadline.hold(asked).await?;
    Ok(Answer { response, deadline, slot })
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
    refusal: oneshot::Receiver<Error>,
) -> Result<Response<Body>> {
    let response = tokio::select! {
        biased;
        Ok(error) = refusal => return Err(error),
        response = channel.oneshot(request) => response.map_err(away)?,
    };
    if !response.status().is_success() {
        return Err(Error::internal(format!("the service answered HTTP {}", response.status())));
    }
    Ok(response)
}
