//! The refresh token on its way: out of the browser's cookie into a request, out of an answer into it.

use bytes::Bytes;
use devsphere_boot::MESSAGE_LIMIT;
use devsphere_error::{Error, Result};
use devsphere_proto::Method;
use http::{HeaderMap, Response};
use http_body_util::{BodyExt as _, Full, Limited};
use prost_reflect::{
    DynamicMessage, FieldDescriptor, MessageDescriptor, Value, prost::Message as _,
};
use tonic::body::Body;

use crate::{
    transcode::{Deframer, frame},
    upstreams::away,
    visit::Visit,
};

/// Fills the request's field from the cookie, if it is empty.
pub(crate) fn fill(method: &Method, visit: &Visit, framed: Bytes) -> Result<Bytes> {
    let (Some(field), Some(token)) = (&method.cookie.request, visit.token()) else {
        return Ok(framed);
    };
    let mut message = read(&method.descriptor.input(), &framed)?;
    if text(&message, field).is_empty() {
        message.set_field(field, Value::String(token.to_owned()));
    }
    frame(0, &message.encode_to_vec())
}

/// Moves the answer's field into the cookie, and forgets the cookie where the method ends it.
pub(crate) async fn take(
    method: &Method,
    visit: &Visit,
    response: Response<Body>,
) -> Result<Response<Body>> {
    if !visit.keeps_tokens() || !(method.cookie.answer.is_some() || method.cookie.clears) {
        return Ok(response);
    }
    let (parts, body) = response.into_parts();
    let body = Limited::new(body, MESSAGE_LIMIT + 5).collect().await.map_err(away)?;
    let trailers = body.trailers().cloned();
    let mut framed = body.to_bytes();
    if is_good(trailers.as_ref().unwrap_or(&parts.headers)) {
        if method.cookie.clears {
            visit.forget();
        }
        if let Some(field) = &method.cookie.answer {
            let mut message = read(&method.descriptor.output(), &framed)?;
            let token = text(&message, field);
            if !token.is_empty() {
                visit.keep(&token);
                message.clear_field(field);
            }
            framed = frame(0, &message.encode_to_vec())?;
        }
    }
    let body = match trailers.map(Ok) {
        None => Body::new(Full::new(framed)),
        trailers => Body::new(Full::new(framed).with_trailers(async { trailers })),
    };
    Ok(Response::from_parts(parts, body))
}

fn is_good(trailers: &HeaderMap) -> bool {
    trailers.get("grpc-status").is_some_and(|code| code == "0")
}

fn read(kind: &MessageDescriptor, framed: &Bytes) -> Result<DynamicMessage> {
    let malformed =
        || Error::BadRequest { cause: "malformed_message", message: "the message is malformed" };
    match Deframer::only(framed)? {
        (0, message) => DynamicMessage::decode(kind.clone(), message).map_err(|_| malformed()),
        _ => Err(malformed()),
    }
}

fn text(message: &DynamicMessage, field: &FieldDescriptor) -> String {
    message.get_field(field).as_str().map(str::to_owned).unwrap_or_default()
}
