//! Sizes of messages, seen as they pass: nothing is kept, and a head that promises too much is enough.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use devsphere_boot::MESSAGE_LIMIT;
use devsphere_error::{Error, Result};
use http_body::{Body, Frame};
use hyper::body::Incoming;
use tokio::sync::oneshot;

/// Length and compression flag before a gRPC message.
const HEAD: usize = 5;

/// Follows the messages of a body.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    head: [u8; HEAD],
    known: usize,
    left: usize,
}

impl Meter {
    /// Lets a piece of the body pass, unless a message in it is too large.
    pub(crate) fn pass(&mut self, mut piece: &[u8]) -> Result<()> {
        while !piece.is_empty() {
            if self.left > 0 {
                let here = self.left.min(piece.len());
                self.left -= here;
                piece = &piece[here..];
                continue;
            }
            let here = (HEAD - self.known).min(piece.len());
            self.head[self.known..self.known + here].copy_from_slice(&piece[..here]);
            self.known += here;
            piece = &piece[here..];
            if self.known == HEAD {
                let [_, length @ ..] = self.head;
                self.left = u32::from_be_bytes(length) as usize;
                self.known = 0;
            }
            if self.left > MESSAGE_LIMIT {
                return Err(Error::PayloadTooLarge { limit: MESSAGE_LIMIT });
            }
        }
        Ok(())
    }
}

/// A client's body on its way to a service: counted, and without trailers.
pub(crate) struct Upload {
    body: Incoming,
    meter: Meter,
    /// What the whole body may still hold; a stream of messages has no end of its own.
    left: Option<usize>,
    refused: Option<oneshot::Sender<Error>>,
}

impl Upload {
    /// The body, and where its refusal shows: the service only sees that the body broke off.
    pub(crate) fn new(body: Incoming, streams: bool) -> (Self, oneshot::Receiver<Error>) {
        let (refused, refusal) = oneshot::channel();
        let left = (!streams).then_some(HEAD + MESSAGE_LIMIT);
        (Self { body, meter: Meter::default(), left, refused: Some(refused) }, refusal)
    }

    fn pass(&mut self, piece: &[u8]) -> Result<()> {
        if let Some(left) = &mut self.left {
            let too_large = Error::PayloadTooLarge { limit: MESSAGE_LIMIT };
            *left = left.checked_sub(piece.len()).ok_or(too_large)?;
        }
        self.meter.pass(piece)
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>>>> {
        let frame = match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(None) => return Poll::Ready(None),
            Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(Error::internal(error)))),
            Poll::Ready(Some(Ok(frame))) => frame,
        };
        // Only trailers are no data; no client has anything to say there.
        let Ok(piece) = frame.into_data() else {
            return Poll::Ready(None);
        };
        Poll::Ready(Some(match self.pass(&piece) {
            Ok(()) => Ok(Frame::data(piece)),
            Err(error) => {
                if let Some(refused) = self.refused.take() {
                    // Nobody listens any more once the service has answered.
                    let _ = refused.send(error);
                }
                Err(Error::BadRequest { cause: "cut_short", message: "the message ended early" })
            }
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(length: usize) -> Vec<u8> {
        [&[0], u32::try_from(length).unwrap().to_be_bytes().as_slice()].concat()
    }

    #[test]
    fn messages_up_to_the_limit_pass_however_they_are_cut() {
        let mut stream = Vec::new();
        for length in [0, 1, 5, 300, 0] {
            stream.extend(head(length));
            stream.extend(vec![0xff; length]);
        }
        for size in 1..stream.len() {
            let mut meter = Meter::default();
            assert!(stream.chunks(size).all(|piece| meter.pass(piece).is_ok()), "{size}");
            assert_eq!((meter.left, meter.known), (0, 0));
        }
        assert!(Meter::default().pass(&head(MESSAGE_LIMIT)).is_ok());
    }

    #[test]
    fn a_head_that_promises_too_much_is_enough() {
        for length in [MESSAGE_LIMIT + 1, u32::MAX as usize] {
            let mut meter = Meter::default();
            assert!(meter.pass(&head(7)).is_ok());
            assert!(meter.pass(&[0; 7]).is_ok());
            let refused =
                head(length).iter().map(|byte| meter.pass(&[*byte])).find_map(Result::err);
            assert!(matches!(refused, Some(Error::PayloadTooLarge { .. })), "{length}");
        }
    }
}
