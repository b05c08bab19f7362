//! Errors as `product.md` B4 has them for REST.

use devsphere_error::http_status;
use devsphere_proto::Contract;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use http_body_util::Full;
use serde_json::{Value, json};
use tonic::{Status, body::Body};
use tonic_types::StatusExt as _;
use uuid::Uuid;

use crate::{body, connect, headers};

const ACCEPT_POST: HeaderName = HeaderName::from_static("accept-post");

/// The error object.
pub(super) fn object(contract: &Contract, status: &Status, request: Uuid) -> Value {
    let details = status.get_error_details();
    let info = details.error_info();
    let entry = |key: &str| info.and_then(|info| info.metadata.get(key).map(String::as_str));
    let reason = info.map_or_else(|| format!("{:?}", status.code()), |info| info.reason.clone());
    let mut object = json!({
        "error": reason.to_lowercase(),
        "message": status.message(),
        "cause": entry("cause").unwrap_or_default(),
        "details": connect::detail_values(contract, status),
        "request_id": request.to_string(),
    });
    if let Some(scope) = entry("scope") {
        object["need"] = Value::String(scope.to_owned());
    }
    object
}

/// The response that says it.
pub(crate) fn refusal(contract: &Contract, status: &Status, request: Uuid) -> Response<Body> {
    let details = status.get_error_details();
    let reason = details.error_info().map_or("", |info| info.reason.as_str());
    let number = http_status(reason, status.code());
    let said = object(contract, status, request).to_string();
    let mut response = Response::new(Body::new(Full::new(said.into())));
    *response.status_mut() =
        StatusCode::from_u16(number).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let head = response.headers_mut();
    head.insert(header::CONTENT_TYPE, body::JSON);
    headers::retry_after(head, status);
    match number {
        401 => {
            head.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        415 => {
            head.insert(ACCEPT_POST, body::JSON);
        }
        _ => {}
    }
    response
}
