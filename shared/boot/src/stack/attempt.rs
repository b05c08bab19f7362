//! Attempt: a unary call may run again from its kept bytes, or be answered from the stored answer.

use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256};
use axum::{
    body::Body,
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use bytes::{BufMut as _, Bytes, BytesMut};
use devsphere_auth::{Anonymous, Attempt, Permit};
use devsphere_error::{Error, Result};
use devsphere_proto::Method;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};

use super::{Shared, error_of, refuse};
use crate::MESSAGE_LIMIT;

/// How often a call runs again after it lost to another transaction.
const MORE_RUNS: usize = 2;

const ENCODINGS: [HeaderName; 3] = [
    header::CONTENT_TYPE,
    HeaderName::from_static("grpc-encoding"),
    HeaderName::from_static("grpc-accept-encoding"),
];

/// Length and compression flag before a gRPC message.
const FRAME_HEAD: usize = 5;

pub(super) async fn layer(
    State(shared): State<Arc<Shared>>,
    request: Request,
    next: Next,
) -> Response {
    let method: Option<&'static Method> = request.extensions().get().copied();
    let Some(method) = method.filter(|method| !method.streams) else {
        return next.run(request).await;
    };
    match run(&shared, method, request, next).await {
        Ok(response) => response,
        Err(error) => refuse(error),
    }
}

async fn run(shared: &Shared, method: &Method, request: Request, next: Next) -> Result<Response> {
    let (mut parts, body) = request.into_parts();
    let body = collect(body).await?;
    let attempt = Attempt::new(hash(method.path, &body));
    let mut permit: Option<Permit> = parts.extensions.remove();
    permit = permit.map(|permit| permit.with_attempt(attempt.clone()));
    let anonymous: Option<Anonymous> = parts.extensions.remove();
    let encodings = encodings(&parts.headers);

    let mut left = MORE_RUNS;
    loop {
        // All that a handler sees: everything else was for the layers.
        let mut again = http::Request::post(parts.uri.clone()).version(parts.version);
        if let Some(permit) = &permit {
            again = again.extension(permit.clone());
        }
        if let Some(anonymous) = &anonymous {
            again = again.extension(anonymous.clone());
        }
        let mut again = again.body(Body::from(body.clone())).map_err(Error::internal)?;
        again.headers_mut().clone_from(&encodings);
        let response = next.clone().run(again).await;
        let (replayed, lost, expired) = match error_of(&response) {
            Some(Error::Replayed) => (true, false, false),
            Some(Error::Serialization) => (false, left > 0, false),
            Some(Error::TicketExpired) => (false, false, left > 0),
            _ => (false, false, false),
        };
        if replayed {
            return stored(&attempt);
        } else if expired {
            permit = Some(renewed(shared, permit.as_ref()).await?);
        } else if !lost {
            return Ok(response);
        }
        left -= 1;
    }
}

/// What the codec of a message reads.
fn encodings(headers: &HeaderMap) -> HeaderMap {
    let named = |name| headers.get(&name).cloned().map(|value| (name, value));
    ENCODINGS.into_iter().filter_map(named).collect()
}

async fn collect(body: Body) -> Result<Bytes> {
    let limited = Limited::new(body, MESSAGE_LIMIT + FRAME_HEAD).collect().await;
    limited.map(http_body_util::Collected::to_bytes).map_err(|error| {
        if error.is::<LengthLimitError>() {
            Error::PayloadTooLarge { limit: MESSAGE_LIMIT }
        } else {
            Error::BadRequest { cause: "cut_short", message: "the message ended early" }
        }
    })
}

fn hash(path: &str, body: &[u8]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    context.update(path.as_bytes());
    context.update(&[0]);
    context.update(body);
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

async fn renewed(shared: &Shared, permit: Option<&Permit>) -> Result<Permit> {
    let permit = permit.ok_or(Error::TicketExpired)?;
    let assertion = shared.renewal.renew(permit.caller().assertion()).await?;
    permit.renewed(shared.verifier.caller(&assertion).await?)
}

/// The answer that an earlier call with this request id got, as if the handler had sent it.
fn stored(attempt: &Attempt) -> Result<Response> {
    let answer = attempt.replayed().ok_or_else(|| Error::internal("a replay without an answer"))?;
    let length = u32::try_from(answer.len()).map_err(Error::internal)?;
    let mut frame = BytesMut::with_capacity(FRAME_HEAD + answer.len());
    frame.put_u8(0);
    frame.put_u32(length);
    frame.put_slice(answer);

    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    let body = Full::new(frame.freeze()).with_trailers(async { Some(Ok(trailers)) });
    let mut response = Response::new(Body::new(body));
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    Ok(response)
}
