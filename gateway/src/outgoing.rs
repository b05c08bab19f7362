//! A request on its way to a service: kept while it is small, so that it can be sent again.

use std::{convert::identity, future::pending};

use bytes::{Bytes, BytesMut};
use devsphere_boot::Channel;
use devsphere_error::{Error, Result};
use devsphere_proto::Method;
use futures_util::stream;
use http::{HeaderMap, Request, Response, Uri};
use http_body::Frame;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::Incoming;
use tokio::sync::oneshot;
use tonic::body::Body;
use tower::{ServiceExt as _, retry::Retry};

use crate::{limit::Upload, pace::Pace, retry::Retries, transcode::frame, upstreams::away};

/// A larger request passes as it comes, and is sent once.
const KEPT: usize = 64 * 1024;

/// A request's body.
pub(crate) struct Outgoing {
    pub(crate) body: Load,
    /// The client itself speaks gRPC: its encodings are the service's business.
    pub(crate) is_native: bool,
}

/// As much of it as there is.
pub(crate) enum Load {
    /// All of it, in its frame.
    Whole(Bytes),
    /// The rest is still to come; it may be refused on its way.
    Passing(Body, oneshot::Receiver<Error>),
}

impl Outgoing {
    /// A body of gRPC, byte for byte as it comes. Half a request takes no slot from a whole one:
    /// a small one is waited for.
    pub(crate) async fn native(body: Incoming, method: &Method, pace: &Pace) -> Result<Self> {
        let streams = method.descriptor.is_client_streaming();
        let (mut upload, mut refusal) = Upload::new(body, streams);
        let mut start = BytesMut::new();
        let mut rooms = Vec::new();
        while !streams && start.len() <= KEPT {
            match upload.frame().await {
                None => return Ok(Self { body: Load::Whole(start.freeze()), is_native: true }),
                Some(Ok(piece)) => {
                    let piece = piece.into_data().unwrap_or_default();
                    rooms.push(pace.room(piece.len())?);
                    start.extend_from_slice(&piece);
                }
                Some(Err(error)) => return Err(refusal.try_recv().unwrap_or(error)),
            }
        }
        let first = stream::once(async { Ok(Frame::data(start.freeze())) });
        let rest = stream::unfold(upload, async |mut upload| {
            let piece = upload.frame().await?;
            Some((piece, upload))
        });
        let body = StreamBody::new(stream::StreamExt::chain(first, rest));
        Ok(Self { body: Load::Passing(Body::new(body), refusal), is_native: true })
    }

    /// One message.
    pub(crate) fn message(message: &[u8]) -> Result<Self> {
        Ok(Self { body: Load::Whole(frame(0, message)?), is_native: false })
    }
}

/// Sends a request; again where that can do no harm.
pub(crate) async fn send(
    channel: Channel,
    method: &Method,
    headers: HeaderMap,
    load: Load,
    retries: &Retries,
) -> Result<Response<Body>> {
    let path = Uri::try_from(method.path).map_err(Error::internal)?;
    let mut request = Request::post(path).body(()).map_err(Error::internal)?;
    *request.headers_mut() = headers;
    let response = match load {
        Load::Whole(framed) => {
            let request = request.map(|()| Full::new(framed));
            let channel = channel.map_request(|request: Request<Full<Bytes>>| {
                // Without a length in its headers: a frame has its own.
                request.map(|body| Body::new(body.map_frame(identity)))
            });
            if method.reads && !method.streams {
                Retry::new(retries.begin(), channel).oneshot(request).await
            } else {
                channel.oneshot(request).await
            }
        }
        Load::Passing(body, refusal) => {
            let refused = async {
                match refusal.await {
                    Ok(error) => error,
                    // A sender that is dropped has refused nothing.
                    Err(_) => pending().await,
                }
            };
            tokio::select! {
                biased;
                error = refused => return Err(error),
                response = channel.oneshot(request.map(|()| body)) => response,
            }
        }
    };
    let response = response.map_err(away)?;
    if !response.status().is_success() {
        return Err(Error::internal(format!("the service answered HTTP {}", response.status())));
    }
    Ok(response)
}
