//! Headers that stand for fields: `If-Match`, `Idempotency-Key`, `Prefer`.

use aws_lc_rs::digest::{SHA256, digest};
use devsphere_error::{Error, Result};
use devsphere_proto::Body;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use prost_reflect::{DynamicMessage, Kind, Value};
use uuid::{Builder, Uuid};

use super::{Found, request::value_at};
use crate::transcode::{Reader, from_text};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const PREFER: HeaderName = HeaderName::from_static("prefer");

/// The preference that we honour.
pub(super) const VALIDATE_ONLY: HeaderValue = HeaderValue::from_static("validate-only");

/// Reads them into the message. What a method cannot honour is refused, not passed over: a client
/// that asks for a check must never get a write.
pub(super) fn read(
    found: &Found,
    headers: &HeaderMap,
    message: &mut DynamicMessage,
    reader: &mut Reader,
) -> Result<()> {
    if let Some(etag) = etag(headers)? {
        put(message, reader, etag_field(found).as_deref(), &etag, "if-match")?;
    }
    let input = found.method.descriptor.input();
    let own = |name: &'static str| input.get_field_by_name(name).map(|_| name);
    if let Some(id) = request_id(headers)?
        && !found.method.reads
    {
        put(message, reader, own("request_id"), &id.to_string(), "idempotency-key")?;
    }
    if prefers_validation(headers) && !found.method.reads {
        put(message, reader, own("validate_only"), "true", "prefer")?;
    }
    Ok(())
}

/// Whether the client asked for a check alone.
pub(super) fn prefers_validation(headers: &HeaderMap) -> bool {
    let lists = headers.get_all(PREFER).iter().filter_map(|value| value.to_str().ok());
    let mut tokens = lists.flat_map(|list| list.split(','));
    tokens.any(|token| VALIDATE_ONLY == token.trim().to_ascii_lowercase().as_str())
}

fn put(
    message: &mut DynamicMessage,
    reader: &mut Reader,
    field: Option<&str>,
    text: &str,
    header: &'static str,
) -> Result<()> {
    let Some(field) = field else {
        return Err(Error::BadRequest {
            cause: "header_not_supported",
            message: match header {
                "if-match" => "nothing here has an etag that if-match could be compared with",
                "idempotency-key" => "this cannot be repeated under an idempotency-key",
                _ => "this cannot be validated only",
            },
        });
    };
    let before = value_at(message, field);
    from_text(reader, message, field, text);
    if before.is_some() && before != value_at(message, field) {
        reader.note(field, format!("is not what {header} says"));
    }
    Ok(())
}

/// The field of the request that holds the etag that was read: its own, or the resource's.
fn etag_field(found: &Found) -> Option<String> {
    if found.method.descriptor.input().get_field_by_name("etag").is_some() {
        return Some("etag".into());
    }
    let Body::Field(field) = &found.binding.body else { return None };
    let Kind::Message(resource) = field.kind() else { return None };
    resource.get_field_by_name("etag").map(|_| format!("{}.etag", field.name()))
}

/// One strong etag; `*` asks for no comparison, for nothing that is not there is ever changed.
fn etag(headers: &HeaderMap) -> Result<Option<String>> {
    let Some(value) = single(headers, &header::IF_MATCH, "if-match must be one etag")? else {
        return Ok(None);
    };
    let text = unquoted(value);
    let sane = !text.is_empty() && !text.contains(['"', ',', ' ']) && !value.starts_with("W/");
    match text {
        "*" => Ok(None),
        _ if sane => Ok(Some(text.to_owned())),
        _ => Err(bad("if-match must be one etag")),
    }
}

/// The key as a request id: a UUID as it is, any other text by its hash (a UUID of version 8).
fn request_id(headers: &HeaderMap) -> Result<Option<Uuid>> {
    const PROBLEM: &str = "idempotency-key must be one text of at most 200 characters";
    let Some(value) = single(headers, &IDEMPOTENCY_KEY, PROBLEM)? else { return Ok(None) };
    let key = unquoted(value);
    if key.is_empty() || key.len() > 200 {
        return Err(bad(PROBLEM));
    }
    Ok(Some(Uuid::try_parse(key).unwrap_or_else(|_| {
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest(&SHA256, key.as_bytes()).as_ref()[..16]);
        Builder::from_custom_bytes(bytes).into_uuid()
    })))
}

fn single<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
    problem: &'static str,
) -> Result<Option<&'a str>> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => {
            value.to_str().map(|value| Some(value.trim())).map_err(|_| bad(problem))
        }
        _ => Err(bad(problem)),
    }
}

fn unquoted(value: &str) -> &str {
    value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value)
}

const fn bad(message: &'static str) -> Error {
    Error::BadRequest { cause: "malformed_header", message }
}

/// The answer's etag, as HTTP writes it.
pub(super) fn etag_of(message: &DynamicMessage) -> Option<HeaderValue> {
    let etag = message.get_field_by_name("etag")?;
    let Value::String(etag) = etag.as_ref() else { return None };
    (!etag.is_empty()).then(|| HeaderValue::try_from(format!("\"{etag}\"")).ok()).flatten()
}
