//! Streams of the service as NDJSON: a message a line; a last line with an error says that it broke.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::{Bytes, BytesMut};
use devsphere_error::{Error, Result};
use devsphere_proto::{Contract, Method};
use http::{HeaderMap, HeaderValue, Response, StatusCode, header, response::Parts};
use http_body::{Body as _, Frame};
use http_body_util::BodyExt as _;
use tonic::{Status, body::Body};
use uuid::Uuid;

use super::error;
use crate::{
    answer::{self, Answer, Surface},
    call::{self, Ask, Outgoing},
    hop::Hop,
    router::Front,
    transcode::{Deframer, Names, render},
    upstreams::away,
};

/// Opens the stream, and waits for its first message: what is refused before has a status of its own.
pub(super) async fn open(
    front: &Front,
    ask: &Ask<'_>,
    message: impl Future<Output = Result<Bytes>>,
) -> Result<Answer> {
    let outgoing = async { Outgoing::message(&message.await?) };
    let Answer { response, deadline, slot } = call::open(front, ask, outgoing).await?;
    let (parts, mut body) = response.into_parts();
    if body.is_end_stream() {
        call::refusal(&parts.headers)?;
    }
    let first = deadline.hold(async { body.frame().await.transpose().map_err(away) }).await?;
    if let Some(trailers) = first.as_ref().and_then(Frame::trailers_ref) {
        call::refusal(trailers)?;
    }
    let body = Body::new(Begun { first, body });
    Ok(Answer { response: Response::from_parts(parts, body), deadline, slot })
}

/// Passes it on.
pub(super) fn relay(
    front: &Front,
    answer: Answer,
    hop: Hop,
    method: &'static Method,
) -> Response<Body> {
    let (contract, request) = (front.contract, hop.request);
    let lines = Lines { method, contract, request, frames: Deframer::default() };
    answer::relay(answer, hop, &front.answers, lines)
}

/// A body of which the first frame has been read.
struct Begun {
    first: Option<Frame<Bytes>>,
    body: Body,
}

impl http_body::Body for Begun {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        match self.first.take() {
            Some(first) => Poll::Ready(Some(Ok(first))),
            None => Pin::new(&mut self.body).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_none() && self.body.is_end_stream()
    }
}

struct Lines {
    method: &'static Method,
    contract: &'static Contract,
    request: Uuid,
    frames: Deframer,
}

impl Surface for Lines {
    fn head(&self, head: &mut Parts) {
        head.status = StatusCode::OK;
        head.headers.clear();
        let lines = HeaderValue::from_static("application/x-ndjson");
        head.headers.insert(header::CONTENT_TYPE, lines);
    }

    fn piece(&mut self, piece: Bytes) -> Result<Bytes> {
        self.frames.push(&piece);
        let mut written = BytesMut::new();
        while let Some((_, message)) = self.frames.next()? {
            let output = self.method.descriptor.output();
            written.extend_from_slice(&render(&output, &message, Names::Contract)?);
            written.extend_from_slice(b"\n");
        }
        Ok(written.freeze())
    }

    fn end(&mut self, trailers: HeaderMap) -> Frame<Bytes> {
        let status = match call::refusal(&trailers) {
            Ok(()) => return Frame::data(Bytes::new()),
            Err(Error::Peer(status)) => *status,
            Err(error) => error.into(),
        };
        let line = error::object(self.contract, &status, self.request);
        Frame::data(format!("{line}\n").into())
    }
}
