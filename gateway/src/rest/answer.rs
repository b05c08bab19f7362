//! An answer in JSON, with its etag.

use bytes::Bytes;
use devsphere_error::{Error, Result};
use http::{HeaderMap, HeaderName, Response, header};
use prost_reflect::DynamicMessage;
use tonic::body::Body;

use super::{Found, map};
use crate::{
    body,
    transcode::{Names, value},
};

const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// The response to a call that went well.
pub(super) fn write(found: &Found, asked: &HeaderMap, message: &[u8]) -> Result<Response<Body>> {
    let output = found.method.descriptor.output();
    let message = DynamicMessage::decode(output, message).map_err(Error::internal)?;
    let mut json = value(&message, Names::Contract)?;
    if let Some(field) = &found.binding.response_body {
        json = json.get_mut(field.name()).map(serde_json::Value::take).unwrap_or_default();
    }
    let body = Bytes::from(json.to_string());
    let mut response = body::write(body, body::JSON, asked, found.method.secret_answer);
    let headers = response.headers_mut();
    if let Some(etag) = map::etag_of(&message) {
        headers.insert(header::ETAG, etag);
    }
    if !found.method.reads && map::prefers_validation(asked) {
        headers.insert(PREFERENCE_APPLIED, map::VALIDATE_ONLY);
    }
    Ok(response)
}
