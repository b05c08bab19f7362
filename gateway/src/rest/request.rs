//! A request of REST to the message that its method takes: from body, path, query and headers.

use bytes::Bytes;
use devsphere_boot::MESSAGE_LIMIT;
use devsphere_error::{Error, Result};
use devsphere_proto::Body;
use http::request::Parts;
use http_body::Body as _;
use hyper::body::Incoming;
use prost_reflect::{DynamicMessage, prost::Message as _};
use serde_json::Value;

use super::{Found, is_json, map, mask, query, unpacked};
use crate::{
    body,
    transcode::{Reader, from_text, parse},
};

/// The encoded message.
pub(super) async fn read(found: &Found, parts: &Parts, incoming: Incoming) -> Result<Bytes> {
    let body = match (&found.binding.body, incoming.is_end_stream()) {
        (_, true) => None,
        (Body::None, false) => {
            return Err(Error::BadRequest {
                cause: "unexpected_body",
                message: "no body is read here: the request is its path and query",
            });
        }
        _ if !is_json(&parts.headers) => return Err(Error::UnsupportedMediaType),
        _ => {
            let body = body::read(incoming, MESSAGE_LIMIT).await?;
            Some(unpacked(body, &parts.headers)?)
        }
    };
    let message = message(found, parts, body.filter(|body| !body.is_empty()))?;
    Ok(message.encode_to_vec().into())
}

fn message(found: &Found, parts: &Parts, body: Option<Bytes>) -> Result<DynamicMessage> {
    let input = found.method.descriptor.input();
    let mut reader = Reader::default();
    let mut message = DynamicMessage::new(input.clone());
    let json = body.map(|body| parse(&body)).transpose()?;
    let keys = json.as_ref().map(|json| mask::paths(found, json)).unwrap_or_default();
    match (&found.binding.body, json) {
        (Body::Whole, Some(json)) => message = reader.message(&input, json, ""),
        (Body::Field(field), Some(json)) if json != Value::Null => {
            reader.field(&mut message, field, json, field.name());
        }
        _ => {}
    }
    for (field, text) in &found.values {
        let before = value_at(&message, field);
        from_text(&mut reader, &mut message, field, text);
        if before.is_some() && before != value_at(&message, field) {
            reader.note(*field, "is not what the path says");
        }
    }
    query::read(found, parts.uri.query().unwrap_or_default(), &mut message, &mut reader);
    map::read(found, &parts.headers, &mut message, &mut reader)?;
    mask::fill(found, keys, &mut message);
    reader.done()?;
    Ok(message)
}

/// What stands at a dotted path, if anything does.
pub(super) fn value_at(message: &DynamicMessage, path: &str) -> Option<prost_reflect::Value> {
    let (name, rest) = path.split_once('.').map_or((path, None), |(name, rest)| (name, Some(rest)));
    if !message.has_field_by_name(name) {
        return None;
    }
    let value = message.get_field_by_name(name)?;
    match rest {
        None => Some(value.into_owned()),
        Some(rest) => value_at(value.as_message()?, rest),
    }
}
