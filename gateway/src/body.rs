//! Bodies: a request's read in full and never more than allowed, an answer's packed where that helps.

use bytes::Bytes;
use devsphere_boot::MESSAGE_LIMIT;
use devsphere_error::{Error, Result};
use http::{HeaderMap, HeaderName, HeaderValue, Response, header};
use http_body::Body as _;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use tonic::body::Body;

use crate::transcode::{pack, unpack};

/// A message with the head of its frame.
pub(crate) const FRAMED: usize = MESSAGE_LIMIT + 5;

/// Reads a body of at most so many bytes.
///
/// # Errors
/// `PayloadTooLarge`, at once if the body says so itself.
pub(crate) async fn read(body: Incoming, limit: usize) -> Result<Bytes> {
    let too_large = Error::PayloadTooLarge { limit: MESSAGE_LIMIT };
    if body.size_hint().lower() > limit as u64 {
        return Err(too_large);
    }
    match Limited::new(body, limit).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large),
        Err(_) => Err(Error::BadRequest { cause: "cut_short", message: "the message ended early" }),
    }
}

/// Unpacks what was read as its headers say.
///
/// # Errors
/// `UnsupportedEncoding` for anything but gzip and identity.
pub(crate) fn decoded(body: Bytes, headers: &HeaderMap, name: &HeaderName) -> Result<Bytes> {
    let mut encodings = headers.get_all(name).iter();
    match (encodings.next().map(|value| value.as_bytes()), encodings.next()) {
        (None | Some(b"identity" | b""), None) => Ok(body),
        (Some(b"gzip"), None) if body.is_empty() => Ok(body),
        (Some(b"gzip"), None) => Ok(unpack(&body)?.into()),
        _ => Err(Error::UnsupportedEncoding),
    }
}

/// What every error and all of REST is written in.
pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A smaller body is not worth the packing.
const PACKED_FROM: usize = 1024;

/// A body, packed where the client wants it so. What holds a secret is not: its length would tell
/// of it.
pub(crate) fn write(
    body: Bytes,
    kind: HeaderValue,
    wanted: &HeaderMap,
    secret: bool,
) -> Response<Body> {
    let packed = if body.len() >= PACKED_FROM && !secret && accepts_gzip(wanted) {
        pack(&body).ok()
    } else {
        None
    };
    let is_packed = packed.is_some();
    let body = packed.map_or(body, Bytes::from);
    let mut response = Response::new(Body::new(Full::new(body)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, kind);
    if is_packed {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    response
}

fn accepts_gzip(headers: &HeaderMap) -> bool {
    let lists = headers.get_all(header::ACCEPT_ENCODING).iter();
    let mut ranges = lists.filter_map(|value| value.to_str().ok()).flat_map(|list| list.split(','));
    ranges.any(|range| {
        let (coding, weight) = range.split_once(';').unwrap_or((range, ""));
        let refused = weight.trim().strip_prefix("q=").and_then(|q| q.parse::<f32>().ok());
        coding.trim().eq_ignore_ascii_case("gzip") && refused != Some(0.0)
    })
}
