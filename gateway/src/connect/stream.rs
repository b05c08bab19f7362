//! Streams of the service: a message a frame, and one frame more that says how it ended.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use devsphere_error::{Error, Result};
use devsphere_proto::{Contract, Method};
use http::{HeaderMap, HeaderName, Request, Response, StatusCode, header, response::Parts};
use http_body::Frame;
use http_body_util::Full;
use hyper::body::Incoming;
use serde_json::json;
use tonic::body::Body;
use tracing::Instrument as _;

use super::{Codec, error, patience};
use crate::{
    answer::{self, Surface},
    body,
    call::{self, Ask, Outgoing, refusal},
    forward::known,
    headers::Origin,
    hop::Hop,
    router::Front,
    transcode::{Deframer, frame, unpack},
    visit::Visit,
};

/// The flags of a frame.
const PACKED: u8 = 1;
const END: u8 = 2;

const ENCODING: HeaderName = HeaderName::from_static("connect-content-encoding");

pub(super) async fn call(
    front: &Front,
    request: Request<Incoming>,
    visit: &Arc<Visit>,
    codec: Codec,
) -> Response<Body> {
    let (parts, incoming) = request.into_parts();
    let headers = &parts.headers;
    let method = known(front, parts.uri.path()).filter(|method| method.streams);
    let mut hop = Hop::begin(method, headers, &front.durations);
    let origin = Origin::new(hop.request, visit, headers);
    let ran = async {
        let method = method.ok_or(Error::UnknownMethod)?;
        let ask = Ask { method, headers, origin: &origin, patience: patience(headers)? };
        let outgoing = async { Outgoing::message(&read(incoming, headers, codec, method).await?) };
        let answer = call::open(front, &ask, outgoing).await?;
        Ok((
            answer,
            Stream { codec, method, contract: front.contract, frames: Deframer::default() },
        ))
    };
    match ran.instrument(hop.span.clone()).await {
        Ok((answer, stream)) => answer::relay(answer, hop, &front.answers, stream),
        Err(failed) => {
            let body = end(front.contract, Some(&hop.status(&failed)));
            let mut response = Response::new(Body::new(Full::new(body)));
            response.headers_mut().insert(header::CONTENT_TYPE, codec.stream_type());
            hop.leave(response.headers_mut());
            response
        }
    }
}

async fn read(body: Incoming, headers: &HeaderMap, codec: Codec, method: &Method) -> Result<Bytes> {
    let packed = match headers.get(ENCODING).map(|value| value.as_bytes()) {
        None | Some(b"identity") => false,
        Some(b"gzip") => true,
        Some(_) => return Err(Error::UnsupportedEncoding),
    };
    match Deframer::only(&body::read(body, body::FRAMED).await?)? {
        (0, message) => codec.read(method, message),
        (PACKED, message) if packed => codec.read(method, unpack(&message)?.into()),
        _ => Err(Error::BadRequest {
            cause: "malformed_message",
            message: "the flags of the message are none that a request has",
        }),
    }
}

struct Stream {
    codec: Codec,
    method: &'static Method,
    contract: &'static Contract,
    frames: Deframer,
}

impl Surface for Stream {
    fn head(&self, head: &mut Parts) {
        head.status = StatusCode::OK;
        head.headers.clear();
        head.headers.insert(header::CONTENT_TYPE, self.codec.stream_type());
    }

    fn piece(&mut self, piece: Bytes) -> Result<Bytes> {
        self.frames.push(&piece);
        let mut written = BytesMut::new();
        while let Some((_, message)) = self.frames.next()? {
            written.extend_from_slice(&frame(0, &self.codec.write(self.method, message)?)?);
        }
        Ok(written.freeze())
    }

    fn end(&mut self, trailers: HeaderMap) -> Frame<Bytes> {
        Frame::data(match refusal(&trailers) {
            Ok(()) => end(self.contract, None),
            Err(Error::Peer(status)) => end(self.contract, Some(&status)),
            Err(error) => end(self.contract, Some(&error.into())),
        })
    }
}

fn end(contract: &Contract, status: Option<&tonic::Status>) -> Bytes {
    let said = status
        .map_or_else(|| json!({}), |status| json!({ "error": error::error(contract, status) }));
    // An error is never as long as a length can say.
    frame(END, said.to_string().as_bytes()).unwrap_or_default()
}
