//! The first bytes of a connection: when a client has said enough to be listened to.

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The preface, and the head of the settings that must follow.
const HTTP2_OPENING: usize = PREFACE.len() + 9;

/// Follows the first bytes, and keeps none of them.
#[derive(Debug)]
pub(crate) struct Opening {
    seen: usize,
    is_http2: bool,
    line_ends: u8,
}

impl Opening {
    pub(crate) const fn new() -> Self {
        Self { seen: 0, is_http2: true, line_ends: 0 }
    }

    /// Takes the next bytes; true when the preface or the head of a request is complete.
    pub(crate) fn is_complete_with(&mut self, bytes: &[u8]) -> bool {
        bytes.iter().any(|byte| self.step(*byte))
    }

    fn step(&mut self, byte: u8) -> bool {
        self.is_http2 &= PREFACE.get(self.seen).is_none_or(|expected| *expected == byte);
        self.seen += 1;
        self.line_ends = match byte {
            b'\n' => self.line_ends + 1,
            b'\r' => self.line_ends,
            _ => 0,
        };
        if self.is_http2 { self.seen >= HTTP2_OPENING } else { self.line_ends == 2 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After how many bytes the opening is complete.
    fn complete_after(bytes: &[u8]) -> Option<usize> {
        let mut opening = Opening::new();
        bytes.iter().position(|byte| opening.is_complete_with(&[*byte])).map(|last| last + 1)
    }

    #[test]
    fn http2_has_said_enough_with_the_head_of_its_settings() {
        let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
        let whole = [PREFACE, &settings].concat();
        assert_eq!(complete_after(&whole), Some(33));
        assert_eq!(complete_after(&whole[..32]), None);
        assert_eq!(complete_after(PREFACE), None);
    }

    #[test]
    fn http1_has_said_enough_with_the_empty_line() {
        let head = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n";
        assert_eq!(complete_after(head), Some(head.len()));
        assert_eq!(complete_after(b"PRINT / HTTP/1.1\r\nhost: a\r\n\r\nbody"), Some(29));
        assert_eq!(complete_after(b"GET / HTTP/1.1\nhost: a\n\n"), Some(24));
        assert_eq!(complete_after(b"GET / HTTP/1.1\r\nhost: a\r\n"), None);
        assert_eq!(complete_after(b""), None);
    }
}
