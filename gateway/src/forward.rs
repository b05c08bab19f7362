//! Native gRPC: forwarded byte for byte, trailers and all.

use std::{sync::Arc, time::Duration};

use devsphere_boot::grpc_timeout;
use devsphere_error::{Error, Result};
use devsphere_proto::{Access, Method};
use http::{HeaderMap, Request, Response};
use hyper::body::Incoming;
use tonic::{Code, body::Body};
use tracing::Instrument as _;

use crate::{
    answer::{self, Answer, Native},
    call::{self, Ask, Outgoing},
    deadline::TIMEOUT,
    headers::Origin,
    hop::{self, Hop},
    refusal,
    router::Front,
    visit::Visit,
};

/// Forwards a native gRPC request.
pub(crate) async fn call(
    front: &Front,
    request: Request<Incoming>,
    visit: &Arc<Visit>,
) -> Response<Body> {
    let method = known(front, request.uri().path());
    let method = method.filter(|_| request.method() == http::Method::POST);
    if method.is_some_and(|method| front.pace.check(method).is_err()) {
        hop::count(&front.durations, method, Duration::ZERO, Code::Unavailable);
        return refusal::overloaded();
    }
    let hop = Hop::begin(method, request.headers(), &front.durations);
    let origin = Origin::new(hop.request, visit, request.headers());
    let span = hop.span.clone();
    // On the heap: whoever was refused above has not paid for the room that it needs.
    match Box::pin(run(front, method, request, &origin).instrument(span)).await {
        Ok(answer) => answer::relay(answer, hop, &front.answers, Native),
        Err(error) => hop.refuse(&error),
    }
}

/// The method, if clients may know it: what is internal is as unknown as what is not there.
pub(crate) fn known(front: &Front, path: &str) -> Option<&'static Method> {
    let method = front.contract.method(path)?;
    (!matches!(method.access, Access::Internal { .. })).then_some(method)
}

/// How long a client of gRPC waits.
pub(crate) fn patience(headers: &HeaderMap) -> Option<std::time::Duration> {
    grpc_timeout(headers.get(TIMEOUT)?.to_str().ok()?)
}

async fn run(
    front: &Front,
    method: Option<&'static Method>,
    request: Request<Incoming>,
    origin: &Origin,
) -> Result<Answer> {
    let method = method.ok_or(Error::UnknownMethod)?;
    let (parts, body) = request.into_parts();
    let patience = patience(&parts.headers);
    let ask = Ask { method, headers: &parts.headers, origin, patience };
    call::open_checked(front, &ask, Outgoing::native(body, method, &front.pace)).await
}
