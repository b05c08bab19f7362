//! A stream of events, taken apart as it comes, by the rules that browsers go by.

use std::num::NonZeroUsize;

use bytes::Bytes;
use sse_core::{SseDecoder, SseEvent};

/// The most bytes of one event; none of a provider's comes near.
const EVENT_LIMIT: NonZeroUsize = NonZeroUsize::new(1024 * 1024).unwrap();

/// An event with more bytes than anybody means.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLarge;

/// Events out of bytes, wherever those are split.
pub(super) struct Events {
    decoder: SseDecoder,
}

impl Events {
    pub(super) fn new() -> Self {
        Self { decoder: SseDecoder::with_limit(EVENT_LIMIT) }
    }

    /// The data of the next event that these bytes complete; takes what it has read off them.
    pub(super) fn next(&mut self, bytes: &mut Bytes) -> Option<Result<String, TooLarge>> {
        loop {
            match self.decoder.next(bytes)? {
                Ok(SseEvent::Message(event)) => return Some(Ok(event.data)),
                Ok(SseEvent::Retry(_)) => {}
                Err(_) => return Some(Err(TooLarge)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(chunks: &[&[u8]]) -> Vec<Result<String, TooLarge>> {
        let mut events = Events::new();
        let mut all = Vec::new();
        for chunk in chunks {
            let mut bytes = Bytes::copy_from_slice(chunk);
            while let Some(event) = events.next(&mut bytes) {
                all.push(event);
            }
            assert!(bytes.is_empty());
        }
        all
    }

    #[test]
    fn a_stream_split_anywhere_has_the_same_events() {
        let text = "\u{feff}: a comment\r\nevent: x\r\ndata: one\r\n\r\n:\n\nretry: 5\ndata:two\ndata: drei \
                    \u{e4}\u{20ac}\u{1f600}\n\ndata\n\nid: 7\rdata:  four\r\rdata: without an end\n";
        let whole = all(&[text.as_bytes()]);
        let said: Vec<_> = whole.iter().map(|event| event.as_deref().unwrap()).collect();
        assert_eq!(said, ["one", "two\ndrei \u{e4}\u{20ac}\u{1f600}", "", " four"]);

        for at in 0..text.len() {
            let (left, right) = text.as_bytes().split_at(at);
            assert_eq!(all(&[left, right]), whole, "split at {at}");
        }
        let single: Vec<_> = text.as_bytes().chunks(1).collect();
        assert_eq!(all(&single), whole);
    }

    #[test]
    fn an_event_without_end_is_an_error_and_what_is_no_data_is_not_kept() {
        let piece = vec![b'x'; 512 * 1024];
        let endless: Vec<&[u8]> = vec![b"data: ", &piece, &piece, &piece, b"\n\n"];
        assert_eq!(all(&endless), [Err(TooLarge)]);

        let lines = b"data: x\n".repeat(600 * 1024);
        assert!(all(&[&lines]).contains(&Err(TooLarge)));

        let comment: Vec<&[u8]> = vec![b": ", &piece, &piece, &piece, b"\ndata: x\n\n"];
        assert_eq!(all(&comment), [Ok("x".to_owned())]);
    }
}
