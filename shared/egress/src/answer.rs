//! What a host answers, read as it comes and no further than the caller takes.

use std::time::Instant;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode};
use tokio::time::timeout_at;

use crate::{client::Bounds, failure::Failure};

/// An answer whose body is still coming.
///
/// Dropped before its end, it ends the connection over HTTP/1.1 and resets the stream over HTTP/2,
/// so that a host that works for pay stops.
#[derive(Debug)]
pub struct Answer {
    /// Whether the host did it. A redirect is not followed.
    pub status: StatusCode,
    /// As the host sent them; nothing in them was acted on.
    pub headers: HeaderMap,
    body: Body,
    deadline: Instant,
    left: u64,
}

#[derive(Debug)]
enum Body {
    Coming(reqwest::Response),
    Ended,
    Failed,
}

impl Answer {
    pub(crate) fn new(mut response: reqwest::Response, bounds: Bounds) -> Self {
        Self {
            status: response.status(),
            headers: std::mem::take(response.headers_mut()),
            body: Body::Coming(response),
            deadline: bounds.deadline,
            left: bounds.answer_bytes,
        }
    }

    /// The next bytes as they come, and nothing after the last.
    ///
    /// # Errors
    /// When there are more than the caller takes, the deadline passes, or the connection breaks;
    /// the connection ends with it.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Failure> {
        let next = match &mut self.body {
            Body::Coming(response) => next(response, self.deadline, self.left).await,
            Body::Ended => return Ok(None),
            Body::Failed => Err(Failure::Broken("read on after a failure".into())),
        };
        match &next {
            Ok(Some(bytes)) => self.left -= bytes.len() as u64,
            Ok(None) => self.body = Body::Ended,
            Err(_) => self.body = Body::Failed,
        }
        next
    }

    /// The whole body.
    ///
    /// # Errors
    /// As of any of its chunks.
    pub async fn whole(mut self) -> Result<Bytes, Failure> {
        let mut whole = BytesMut::new();
        while let Some(bytes) = self.chunk().await? {
            whole.extend_from_slice(&bytes);
        }
        Ok(whole.freeze())
    }
}

async fn next(
    response: &mut reqwest::Response,
    deadline: Instant,
    left: u64,
) -> Result<Option<Bytes>, Failure> {
    // What is announced as too much is not read at all.
    if response.content_length().is_some_and(|announced| announced > left) {
        return Err(Failure::TooLarge);
    }
    // A host that always has a byte ready would never be late by the clock alone.
    if Instant::now() >= deadline {
        return Err(Failure::TimedOut);
    }
    match timeout_at(deadline.into(), response.chunk()).await.map_err(|_| Failure::TimedOut)?? {
        Some(bytes) if bytes.len() as u64 > left => Err(Failure::TooLarge),
        bytes => Ok(bytes),
    }
}
