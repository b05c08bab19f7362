//! What is refused before a protocol has begun: in plain JSON, as REST writes errors.

use std::sync::LazyLock;

use devsphere_error::{Error, Failure, Language, localized};
use devsphere_proto::Contract;
use http::{HeaderMap, HeaderValue, Response, header};
use tonic::{Status, body::Body};
use uuid::Uuid;

use crate::{headers, rest};

/// An error of the gateway itself, to a request that names no call.
pub(crate) fn plain(asked: &HeaderMap, error: &Error) -> Response<Body> {
    refuse(asked, error, |status, request| {
        // Without contracts the gateway has not started.
        let contract = Contract::get();
        contract.map(|contract| rest::refusal(contract, status, request)).unwrap_or_default()
    })
}

fn refuse(
    asked: &HeaderMap,
    error: &Error,
    write: impl FnOnce(&Status, Uuid) -> Response<Body>,
) -> Response<Body> {
    let request = Uuid::now_v7();
    let accepted = asked.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let language = accepted.map(Language::of).unwrap_or_default();
    let status = localized(error.status(&request.to_string(), Failure::Query), language);
    let mut response = write(&status, request);
    headers::leave(response.headers_mut(), request);
    response
}

/// The quick no of gRPC: made once, for it is said most often when there is least time for it.
pub(crate) fn overloaded() -> Response<Body> {
    static SAID: LazyLock<HeaderMap> = LazyLock::new(|| {
        let status = Error::Overloaded.status("", Failure::Query);
        status.into_http::<Body>().into_parts().0.headers
    });
    let mut response = Response::new(Body::empty());
    *response.headers_mut() = SAID.clone();
    headers::leave(response.headers_mut(), Uuid::now_v7());
    response
}

/// The right path, asked in the wrong way.
pub(crate) fn wrong_verb(asked: &HeaderMap, allowed: &str) -> Response<Body> {
    let mut response = plain(asked, &Error::UnknownMethod);
    if let Ok(allowed) = HeaderValue::try_from(allowed) {
        response.headers_mut().insert(header::ALLOW, allowed);
    }
    response
}
