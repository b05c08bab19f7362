//! A stream that ends when its caller may not go on: the messages stop, and the trailers say why.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use devsphere_error::{Error, Failure};
use futures_util::{FutureExt as _, future::BoxFuture};
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use uuid::Uuid;

use super::{Holder, Revocations};

/// A body, until its caller's assertion is revoked.
pub struct Cut<B> {
    /// None once the stream was cut: whoever makes the messages must know before the caller does.
    body: Option<B>,
    ended: BoxFuture<'static, Error>,
    request: Uuid,
}

impl Revocations {
    /// The answer's body, cut when the holder is revoked; `request` is how the log knows the call.
    pub fn cut<B>(&self, holder: Holder, request: Uuid, body: B) -> Cut<B> {
        Cut { body: Some(body), ended: self.ended(holder).boxed(), request }
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Cut<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = &mut *self;
        let Some(body) = &mut this.body else { return Poll::Ready(None) };
        let frame = Pin::new(body).poll_frame(context);
        // Nothing comes after trailers: what has ended by itself is not cut any more.
        if matches!(&frame, Poll::Ready(Some(Ok(frame))) if frame.is_trailers()) {
            return frame;
        }
        match this.ended.poll_unpin(context) {
            Poll::Pending => frame,
            Poll::Ready(error) => {
                this.body = None;
                Poll::Ready(Some(Ok(Frame::trailers(trailers(&error, this.request)))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

fn trailers(error: &Error, request: Uuid) -> HeaderMap {
    let mut trailers = HeaderMap::new();
    // What cannot be said leaves the code alone, which is put in first.
    let _ = error.status(&request.to_string(), Failure::Query).add_header(&mut trailers);
    trailers
}
