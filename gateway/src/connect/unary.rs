//! One message there and one back.

use std::sync::Arc;

use bytes::Bytes;
use devsphere_boot::MESSAGE_LIMIT;
use devsphere_error::{Error, Result};
use devsphere_proto::Method;
use http::{HeaderMap, Request, Response, header};
use hyper::body::Incoming;
use tonic::{Code, body::Body};
use tracing::Instrument as _;

use super::{Codec, error, patience};
use crate::{
    body,
    call::{self, Ask},
    forward::known,
    headers::{self, Origin},
    hop::Hop,
    router::Front,
    visit::Visit,
};

pub(super) async fn call(
    front: &Front,
    request: Request<Incoming>,
    visit: &Arc<Visit>,
    codec: Codec,
) -> Response<Body> {
    let (parts, incoming) = request.into_parts();
    let method = known(front, parts.uri.path());
    let read = async |method: &Method| {
        let read = body::read(incoming, MESSAGE_LIMIT).await?;
        let read = body::decoded(read, &parts.headers, &header::CONTENT_ENCODING)?;
        codec.read(method, read)
    };
    answer(front, method, &parts.headers, visit, codec, read).await
}

/// Runs the call, and writes what came of it.
pub(super) async fn answer(
    front: &Front,
    method: Option<&'static Method>,
    headers: &HeaderMap,
    visit: &Arc<Visit>,
    codec: Codec,
    read: impl AsyncFnOnce(&Method) -> Result<Bytes>,
) -> Response<Body> {
    let mut hop = Hop::begin(method, headers, &front.durations);
    let origin = Origin::new(hop.request, visit, headers);
    let ran = async {
        let method = method.filter(|method| !method.streams).ok_or(Error::UnknownMethod)?;
        let ask = Ask { method, headers, origin: &origin, patience: patience(headers)? };
        let message = call::unary(front, &ask, read(method)).await?;
        codec.write(method, message)
    };
    let secret = method.is_some_and(|method| method.secret_answer);
    let mut response = match ran.instrument(hop.span.clone()).await {
        Ok(message) => {
            hop.end(Code::Ok);
            body::write(message, codec.unary_type(), headers, secret)
        }
        Err(failed) => {
            let status = hop.status(&failed);
            let said = error::error(front.contract, &status).to_string();
            let mut response = body::write(said.into(), body::JSON, headers, secret);
            *response.status_mut() = error::http_status(status.code());
            headers::retry_after(response.headers_mut(), &status);
            response
        }
    };
    hop.leave(response.headers_mut());
    response
}
