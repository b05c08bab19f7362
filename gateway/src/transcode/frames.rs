//! The frames of gRPC, gRPC-Web and Connect: a flag, a length, and a message.

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use devsphere_boot::MESSAGE_LIMIT;
use devsphere_error::{Error, Result};

const HEAD: usize = 5;

/// A message with its head.
pub(crate) fn frame(flag: u8, message: &[u8]) -> Result<Bytes> {
    let length = u32::try_from(message.len()).map_err(Error::internal)?;
    let mut frame = BytesMut::with_capacity(HEAD + message.len());
    frame.put_u8(flag);
    frame.put_u32(length);
    frame.put_slice(message);
    Ok(frame.freeze())
}

/// Puts frames together again from whatever pieces they come in.
#[derive(Debug, Default)]
pub(crate) struct Deframer(BytesMut);

impl Deframer {
    /// One more piece.
    pub(crate) fn push(&mut self, piece: &[u8]) {
        self.0.extend_from_slice(piece);
    }

    /// The next frame, once it is there in full.
    ///
    /// # Errors
    /// `PayloadTooLarge` as soon as a head promises too much.
    pub(crate) fn next(&mut self) -> Result<Option<(u8, Bytes)>> {
        let Some(([flag, length @ ..], _)) = self.0.split_first_chunk::<HEAD>() else {
            return Ok(None);
        };
        let (flag, length) = (*flag, u32::from_be_bytes(*length) as usize);
        if length > MESSAGE_LIMIT {
            return Err(Error::PayloadTooLarge { limit: MESSAGE_LIMIT });
        }
        if self.0.len() < HEAD + length {
            return Ok(None);
        }
        self.0.advance(HEAD);
        Ok(Some((flag, self.0.split_to(length).freeze())))
    }

    /// The only frame of a whole body.
    ///
    /// # Errors
    /// `BadRequest` unless there is exactly one.
    pub(crate) fn only(body: &[u8]) -> Result<(u8, Bytes)> {
        let mut frames = Self::default();
        frames.push(body);
        match frames.next()? {
            Some(frame) if frames.0.is_empty() => Ok(frame),
            _ => Err(Error::BadRequest {
                cause: "malformed_message",
                message: "the body is not one message in one frame",
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_found_however_they_are_cut() {
        let messages = [&b""[..], b"a", &[7; 300]];
        let stream: Vec<u8> =
            messages.iter().flat_map(|message| frame(2, message).unwrap()).collect();
        for size in 1..stream.len() {
            let mut frames = Deframer::default();
            let mut found = Vec::new();
            for piece in stream.chunks(size) {
                frames.push(piece);
                while let Some((flag, message)) = frames.next().unwrap() {
                    assert_eq!(flag, 2);
                    found.push(message);
                }
            }
            assert_eq!(found, messages, "{size}");
        }
    }

    #[test]
    fn a_body_is_one_frame_or_none() {
        let one = frame(0, b"abc").unwrap();
        assert_eq!(Deframer::only(&one).unwrap(), (0, Bytes::from_static(b"abc")));
        for other in [&b""[..], &one[..4], &one[..7], &one.repeat(2)] {
            assert!(Deframer::only(other).is_err());
        }
        let promised = [0, 0xff, 0xff, 0xff, 0xff];
        assert!(matches!(Deframer::only(&promised), Err(Error::PayloadTooLarge { .. })));
    }
}
