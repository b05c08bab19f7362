//! Errors as Connect writes them: its own codes, its own HTTP statuses, details with `debug`.

use base64::{Engine as _, prelude::BASE64_STANDARD_NO_PAD};
use devsphere_proto::Contract;
use http::StatusCode;
use prost_reflect::{DynamicMessage, prost::Message as _};
use serde_json::{Value, json};
use tonic::{Code, Status};

use crate::transcode::{Names, value};

/// The error object.
pub(super) fn error(contract: &Contract, status: &Status) -> Value {
    let details: Vec<_> = details(status).iter().map(|detail| one(contract, detail)).collect();
    let mut error = json!({ "code": name(status.code()), "message": status.message() });
    if !details.is_empty() {
        error["details"] = Value::Array(details);
    }
    error
}

/// The details of a status, as they came.
fn details(status: &Status) -> Vec<prost_types::Any> {
    let decoded = tonic_types::pb::Status::decode(status.details());
    decoded.map(|status| status.details).unwrap_or_default()
}

/// Each detail as JSON with its `@type`.
pub(crate) fn detail_values(contract: &Contract, status: &Status) -> Vec<Value> {
    let values = details(status).into_iter().filter_map(|detail| {
        let mut value = shown(contract, &detail, Names::Contract)?;
        value.as_object_mut()?.insert("@type".into(), Value::String(detail.type_url));
        Some(value)
    });
    values.collect()
}

fn one(contract: &Contract, detail: &prost_types::Any) -> Value {
    let mut value = json!({
        "type": kind(detail),
        "value": BASE64_STANDARD_NO_PAD.encode(&detail.value),
    });
    if let Some(shown) = shown(contract, detail, Names::Canonical) {
        value["debug"] = shown;
    }
    value
}

fn kind(detail: &prost_types::Any) -> &str {
    detail.type_url.rsplit('/').next().unwrap_or_default()
}

fn shown(contract: &Contract, detail: &prost_types::Any, names: Names) -> Option<Value> {
    let kind = contract.pool().get_message_by_name(kind(detail))?;
    value(&DynamicMessage::decode(kind, detail.value.as_slice()).ok()?, names).ok()
}

const fn name(code: Code) -> &'static str {
    match code {
        Code::Cancelled => "canceled",
        Code::InvalidArgument => "invalid_argument",
        Code::DeadlineExceeded => "deadline_exceeded",
        Code::NotFound => "not_found",
        Code::AlreadyExists => "already_exists",
        Code::PermissionDenied => "permission_denied",
        Code::ResourceExhausted => "resource_exhausted",
        Code::FailedPrecondition => "failed_precondition",
        Code::Aborted => "aborted",
        Code::OutOfRange => "out_of_range",
        Code::Unimplemented => "unimplemented",
        Code::Internal => "internal",
        Code::Unavailable => "unavailable",
        Code::DataLoss => "data_loss",
        Code::Unauthenticated => "unauthenticated",
        Code::Ok | Code::Unknown => "unknown",
    }
}

/// The protocol's own table.
pub(super) fn http_status(code: Code) -> StatusCode {
    let number = match code {
        Code::Cancelled => 499,
        Code::InvalidArgument | Code::FailedPrecondition | Code::OutOfRange => 400,
        Code::DeadlineExceeded => 504,
        Code::NotFound => 404,
        Code::AlreadyExists | Code::Aborted => 409,
        Code::PermissionDenied => 403,
        Code::ResourceExhausted => 429,
        Code::Unimplemented => 501,
        Code::Unavailable => 503,
        Code::Unauthenticated => 401,
        Code::Ok | Code::Unknown | Code::Internal | Code::DataLoss => 500,
    };
    StatusCode::from_u16(number).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}
