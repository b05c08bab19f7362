//! gRPC-Web, binary and text: the trailers come as the last frame of the body.

use std::sync::Arc;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use devsphere_error::{Error, Result};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header, response::Parts};
use http_body::Frame;
use http_body_util::Full;
use hyper::body::Incoming;
use tonic::{Code, Status, body::Body};
use tracing::Instrument as _;

use crate::{
    answer::{self, Surface},
    body,
    call::{self, Ask, Outgoing},
    forward::{known, patience},
    headers::Origin,
    hop::Hop,
    router::Front,
    transcode::{Deframer, frame, unpack},
    visit::Visit,
};

/// The flag of the frame that holds the trailers.
const TRAILERS: u8 = 0x80;

/// How a body is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Web {
    Binary,
    /// In base64, for clients that cannot read bytes.
    Text,
}

impl Web {
    /// By content type.
    pub(crate) fn spoken(content_type: &[u8]) -> Option<Self> {
        match content_type {
            b"application/grpc-web" | b"application/grpc-web+proto" => Some(Self::Binary),
            b"application/grpc-web-text" | b"application/grpc-web-text+proto" => Some(Self::Text),
            _ => None,
        }
    }

    const fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Binary => "application/grpc-web+proto",
            Self::Text => "application/grpc-web-text+proto",
        })
    }

    fn write(self, frames: Bytes) -> Bytes {
        match self {
            Self::Binary => frames,
            Self::Text => BASE64_STANDARD.encode(frames).into(),
        }
    }

    /// How a call ended.
    fn trailers(self, trailers: &HeaderMap) -> Bytes {
        let mut text = Vec::new();
        for (name, value) in trailers {
            text.extend_from_slice(name.as_str().as_bytes());
            text.push(b':');
            text.extend_from_slice(value.as_bytes());
            text.extend_from_slice(b"\r\n");
        }
        // No trailers are longer than the header list they came in.
        self.write(frame(TRAILERS, &text).unwrap_or_default())
    }

    fn status(self, status: &Status) -> Bytes {
        let mut trailers = HeaderMap::new();
        // What cannot be said leaves the code alone, which is put in first.
        let _ = status.add_header(&mut trailers);
        self.trailers(&trailers)
    }
}

impl Surface for Web {
    fn head(&self, head: &mut Parts) {
        head.status = StatusCode::OK;
        for name in ["grpc-status", "grpc-message", "grpc-status-details-bin"] {
            head.headers.remove(name);
        }
        head.headers.insert(header::CONTENT_TYPE, self.content_type());
    }

    fn piece(&mut self, piece: Bytes) -> Result<Bytes> {
        Ok(self.write(piece))
    }

    fn end(&mut self, mut trailers: HeaderMap) -> Frame<Bytes> {
        // An answer of trailers alone is one of headers.
        for name in [header::CONTENT_TYPE, header::DATE] {
            trailers.remove(name);
        }
        Frame::data(self.trailers(&trailers))
    }
}

/// Answers a call of gRPC-Web.
pub(crate) async fn call(
    front: &Front,
    request: Request<Incoming>,
    visit: &Arc<Visit>,
    web: Web,
) -> Response<Body> {
    let method = known(front, request.uri().path());
    let method = method.filter(|_| request.method() == http::Method::POST);
    let mut hop = Hop::begin(method, request.headers(), &front.durations);
    let origin = Origin::new(hop.request, visit, request.headers());
    let span = hop.span.clone();
    let (parts, incoming) = request.into_parts();
    let ran = async {
        let method = method.ok_or(Error::UnknownMethod)?;
        let (headers, patience) = (&parts.headers, patience(&parts.headers));
        let ask = Ask { method, headers, origin: &origin, patience };
        let message = read(incoming, headers, web);
        if method.streams {
            let outgoing = async { Outgoing::message(&message.await?) };
            return call::open(front, &ask, outgoing).await.map(Said::Stream);
        }
        call::unary(front, &ask, message).await.map(Said::Whole)
    };
    let rest = match ran.instrument(span).await {
        Ok(Said::Stream(answer)) => return answer::relay(answer, hop, &front.answers, web),
        Ok(Said::Whole(message)) => {
            hop.end(Code::Ok);
            let ok = Web::Binary.status(&Status::ok(""));
            frame(0, &message).map(|message| web.write([message, ok].concat().into()))
        }
        Err(error) => Err(error),
    };
    let body = rest.unwrap_or_else(|error| web.status(&hop.status(&error)));
    let mut response = Response::new(Body::new(Full::new(body)));
    response.headers_mut().insert(header::CONTENT_TYPE, web.content_type());
    hop.leave(response.headers_mut());
    response
}

enum Said {
    Whole(Bytes),
    Stream(answer::Answer),
}

/// The one message of a request.
async fn read(body: Incoming, headers: &HeaderMap, web: Web) -> Result<Bytes> {
    let body = match web {
        Web::Binary => body::read(body, body::FRAMED).await?,
        Web::Text => decode(&body::read(body, body::FRAMED.div_ceil(3) * 4).await?)?,
    };
    match Deframer::only(&body)? {
        (0, message) => Ok(message),
        (1, message) if headers.get("grpc-encoding").is_some_and(|kind| kind == "gzip") => {
            Ok(unpack(&message)?.into())
        }
        _ => Err(Error::UnsupportedEncoding),
    }
}

/// Base64, which may be padded in the middle too: each piece that a client sent is for itself.
fn decode(text: &[u8]) -> Result<Bytes> {
    let malformed = |_| Error::BadRequest {
        cause: "malformed_message",
        message: "the body is no valid base64",
    };
    let mut decoded = Vec::with_capacity(text.len() / 4 * 3);
    let mut rest = text;
    while !rest.is_empty() {
        let padding = rest.iter().position(|byte| *byte == b'=');
        let end = padding.map_or(rest.len(), |place| (place / 4 + 1) * 4).min(rest.len());
        BASE64_STANDARD.decode_vec(&rest[..end], &mut decoded).map_err(malformed)?;
        rest = &rest[end..];
    }
    Ok(decoded.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_may_be_padded_in_the_middle() {
        assert_eq!(decode(b"YQ==YmM=ZGVm").unwrap(), "abcdef");
        assert_eq!(decode(b"").unwrap(), "");
        for bad in [&b"YQ="[..], b"Y", b"YQ==Y", b"Y Q=", b"=", b"Y==="] {
            assert!(decode(bad).is_err(), "{bad:?}");
        }
    }
}
