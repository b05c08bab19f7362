//! A service's answer on its way to the client: as it came or as the client speaks, but never too
//! large and never too long.

use bytes::Bytes;
use devsphere_error::{Error, Result};
use http::{HeaderMap, Response, response::Parts};
use http_body::{Body as _, Frame};
use http_body_util::{BodyExt as _, Full, StreamBody};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::task::TaskTracker;
use tonic::{Code, Status, body::Body};

use crate::{deadline::Deadline, headers, hop::Hop, limit::Meter, upstreams::away};

/// What a service has begun to say.
pub(crate) struct Answer {
    pub(crate) response: Response<Body>,
    pub(crate) deadline: Deadline,
    /// Of a stream: as long as it is open.
    pub(crate) slot: Option<OwnedSemaphorePermit>,
}

/// How a client wants to hear it.
pub(crate) trait Surface: Send + 'static {
    /// Makes the head of the answer.
    fn head(&self, head: &mut Parts);

    /// Renders a piece of the body; what is not there in full yet is kept back.
    ///
    /// # Errors
    /// When the service says too much, or what nobody understands.
    fn piece(&mut self, piece: Bytes) -> Result<Bytes>;

    /// Renders how it ended.
    fn end(&mut self, trailers: HeaderMap) -> Frame<Bytes>;
}

/// Native gRPC: nothing is changed.
pub(crate) struct Native;

impl Surface for Native {
    fn head(&self, _: &mut Parts) {}

    fn piece(&mut self, piece: Bytes) -> Result<Bytes> {
        Ok(piece)
    }

    fn end(&mut self, trailers: HeaderMap) -> Frame<Bytes> {
        Frame::trailers(trailers)
    }
}

type Frames = mpsc::Sender<Result<Frame<Bytes>, Status>>;

/// Passes the answer on, and ends the call with it.
pub(crate) fn relay(
    answer: Answer,
    mut hop: Hop,
    tasks: &TaskTracker,
    mut surface: impl Surface,
) -> Response<Body> {
    let Answer { response, deadline, slot } = answer;
    let (mut parts, body) = response.into_parts();
    let said = code(&parts.headers);
    let mut begun = parts.headers.clone();
    headers::strip(&mut begun);
    surface.head(&mut parts);
    hop.leave(&mut parts.headers);
    if body.is_end_stream() {
        hop.end(said.unwrap_or(Code::Unknown));
        // Headers that are trailers; in gRPC they have left with the head.
        let rest = surface.end(begun).into_data().unwrap_or_default();
        let body = if rest.is_empty() { Body::empty() } else { Body::new(Full::new(rest)) };
        return Response::from_parts(parts, body);
    }
    // One frame on its way, and room for the trailers whatever happens.
    let (frames, passing) = mpsc::channel(2);
    // A task of its own: a client that stops reading would stop the clock of a mere body, and keep
    // service and slot for ever.
    tasks.spawn(async move {
        let _slot = slot;
        pass_all(body, said, deadline, hop, frames, surface).await;
    });
    Response::from_parts(parts, Body::new(StreamBody::new(ReceiverStream::new(passing))))
}

async fn pass_all(
    mut body: Body,
    said: Option<Code>,
    deadline: Deadline,
    mut hop: Hop,
    frames: Frames,
    mut surface: impl Surface,
) {
    let Ok(last) = frames.clone().try_reserve_owned() else { return };
    let passed = tokio::select! {
        biased;
        // The client went away.
        () = frames.closed() => return,
        () = deadline.passed() => Err(Error::DeadlineExceeded),
        passed = pass(&mut body, &frames, &mut surface) => passed,
    };
    // A service that is not done must know before the client does.
    drop(body);
    let ended = passed.and_then(|trailers| {
        let code = trailers.as_ref().and_then(code).or(said);
        code.map(|code| (code, trailers)).ok_or_else(|| Error::internal("ended without a status"))
    });
    match ended {
        Ok((code, trailers)) => {
            hop.end(code);
            if let Some(trailers) = trailers {
                last.send(Ok(surface.end(trailers)));
            }
        }
        Err(error) => {
            last.send(Ok(surface.end(hop.cut(&error))));
        }
    }
}

/// Passes the messages, and returns the trailers.
async fn pass(
    body: &mut Body,
    frames: &Frames,
    surface: &mut impl Surface,
) -> Result<Option<HeaderMap>> {
    let mut meter = Meter::default();
    while let Some(frame) = body.frame().await {
        match frame.map_err(away)?.into_data() {
            Ok(piece) => {
                meter.pass(&piece).map_err(Error::internal)?;
                let piece = surface.piece(piece)?;
                if !piece.is_empty() && frames.send(Ok(Frame::data(piece))).await.is_err() {
                    // Whoever watches `closed` ends this.
                    std::future::pending::<()>().await;
                }
            }
            Err(frame) => {
                let mut trailers = frame.into_trailers().unwrap_or_default();
                headers::strip(&mut trailers);
                return Ok(Some(trailers));
            }
        }
    }
    Ok(None)
}

fn code(headers: &HeaderMap) -> Option<Code> {
    headers.get("grpc-status").map(|code| Code::from_bytes(code.as_bytes()))
}
