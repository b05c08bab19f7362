//! REST under `/api/v1`, as `google.api.http` places each method.

mod answer;
mod error;
mod map;
mod mask;
mod query;
mod request;
mod routes;
mod stream;

use std::sync::Arc;

use devsphere_error::{Error, Result};
use http::{Request, Response, header};
use hyper::body::Incoming;
use tonic::{Code, body::Body};
use tracing::Instrument as _;

use crate::{
    call::{self, Ask},
    headers::Origin,
    hop::Hop,
    refusal,
    router::Front,
    visit::Visit,
};

pub(crate) use error::refusal;
pub(crate) use routes::{Found, Routes};

/// Answers a request of REST.
pub(crate) async fn call(
    front: &Front,
    request: Request<Incoming>,
    visit: &Arc<Visit>,
) -> Response<Body> {
    let (parts, incoming) = request.into_parts();
    if let Some(document) = front.documents.at(parts.uri.path(), &parts.headers) {
        if parts.method != http::Method::GET {
            return refusal::wrong_verb(&parts.headers, "GET");
        }
        return document;
    }
    let found = match front.routes.find(parts.method.as_str(), parts.uri.path()) {
        Ok(found) => found,
        Err(None) => return refusal::plain(&parts.headers, &Error::NotFound("path")),
        Err(Some(allowed)) => return refusal::wrong_verb(&parts.headers, &allowed),
    };
    let method = found.method;
    let mut hop = Hop::begin(Some(method), &parts.headers, &front.durations);
    let origin = Origin::new(hop.request, visit, &parts.headers);
    let ask = Ask { method, headers: &parts.headers, origin: &origin, patience: None };
    let message = request::read(&found, &parts, incoming);
    if method.streams {
        let opened = stream::open(front, &ask, message).instrument(hop.span.clone()).await;
        return match opened {
            Ok(answer) => stream::relay(front, answer, hop, method),
            Err(failed) => refuse(front, hop, &failed),
        };
    }
    let ran = async {
        let message = call::unary(front, &ask, message).await?;
        answer::write(&found, &parts.headers, &message)
    };
    match ran.instrument(hop.span.clone()).await {
        Ok(mut response) => {
            hop.end(Code::Ok);
            hop.leave(response.headers_mut());
            response
        }
        Err(failed) => refuse(front, hop, &failed),
    }
}

fn refuse(front: &Front, mut hop: Hop, failed: &Error) -> Response<Body> {
    let status = hop.status(failed);
    let mut response = error::refusal(front.contract, &status, hop.request);
    hop.leave(response.headers_mut());
    response
}

/// The content types that a body may have.
fn is_json(headers: &http::HeaderMap) -> bool {
    crate::router::content_type(headers).is_some_and(|kind| {
        let (kind, parameters) = kind.split_once(';').unwrap_or((kind, ""));
        let parameters = parameters.trim();
        let utf8 = parameters.is_empty() || parameters.eq_ignore_ascii_case("charset=utf-8");
        utf8 && matches!(kind.trim(), "application/json" | "application/merge-patch+json")
    })
}

/// What a body is packed with.
fn unpacked(body: bytes::Bytes, headers: &http::HeaderMap) -> Result<bytes::Bytes> {
    crate::body::decoded(body, headers, &header::CONTENT_ENCODING)
}
