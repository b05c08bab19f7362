//! HTTP/2 as a client library would send it, for next to nothing: headers that the other side's table
//! keeps are sent once, and of an answer only its ends are looked at.

use std::{
    collections::HashSet,
    io::{self, Read},
};

use crate::attacks::raw::{
    DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PREFACE, RST_STREAM, SETTINGS, WINDOW_UPDATE,
    frame, put_length,
};

/// The first place of the table that fills as headers come (RFC 7541 §2.3.3).
const FIRST_KEPT: usize = 62;

/// What is read at once.
const ROOM: usize = 256 * 1024;

/// The headers of a call: in full the first time on a connection, then as they are kept there.
#[derive(Clone)]
pub struct Block {
    first: Vec<u8>,
    then: Vec<u8>,
}

impl Block {
    /// Those that are kept; and one that never is, because it would push out the others.
    pub fn new(kept: &[(&str, &str)], never: Option<(&str, &str)>) -> Self {
        let (mut first, mut then) = (Vec::new(), Vec::new());
        for (place, (name, value)) in kept.iter().enumerate() {
            literal(&mut first, 0x40, name, value);
            let index = FIRST_KEPT + kept.len() - 1 - place;
            then.push(0x80 | u8::try_from(index).unwrap());
        }
        if let Some((name, value)) = never {
            literal(&mut first, 0x10, name, value);
            literal(&mut then, 0x10, name, value);
        }
        Self { first, then }
    }

    /// A whole request as it goes over the wire.
    pub fn request(&self, stream: u32, body: &[u8]) -> Vec<u8> {
        let block = if stream == 1 { &self.first } else { &self.then };
        let open = frame(HEADERS, END_HEADERS, stream, block);
        [open, frame(DATA, END_STREAM, stream, body)].concat()
    }
}

fn literal(block: &mut Vec<u8>, kind: u8, name: &str, value: &str) {
    block.push(kind);
    for text in [name, value] {
        put_length(block, text.len());
        block.extend_from_slice(text.as_bytes());
    }
}

/// What a client says first: windows without end, since nothing here is about flow control.
pub fn hello() -> Vec<u8> {
    let window = [&[0, 4], 0x7fff_ffff_u32.to_be_bytes().as_slice()].concat();
    let more = 0x7fff_0000_u32.to_be_bytes();
    [PREFACE, &frame(SETTINGS, 0, 0, &window), &frame(WINDOW_UPDATE, 0, 0, &more)].concat()
}

/// The answers on a connection, as they end.
pub struct Answers {
    buffer: Vec<u8>,
    filled: usize,
    begun: HashSet<u32>,
}

impl Answers {
    pub fn new() -> Self {
        Self { buffer: vec![0; ROOM], filled: 0, begun: HashSet::new() }
    }

    /// Reads once; the streams that end in what came, and whether each was answered well. A refusal
    /// has headers and nothing else, or another status than 200.
    pub fn read(&mut self, from: &mut impl Read) -> io::Result<Vec<(u32, bool)>> {
        let came = from.read(&mut self.buffer[self.filled..])?;
        if came == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.filled += came;
        let (mut ended, mut start) = (Vec::new(), 0);
        while let Some(head) = self.buffer[start..self.filled].first_chunk::<9>() {
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
            let (kind, flags) = (head[3], head[4]);
            let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
            let end = start + 9 + length;
            if end > self.filled {
                break;
            }
            let payload = start + 9..end;
            start = end;
            match kind {
                HEADERS | DATA if flags & END_STREAM != 0 => {
                    ended.push((stream, self.begun.remove(&stream)));
                }
                HEADERS if is_ok(&self.buffer[payload]) => {
                    self.begun.insert(stream);
                }
                RST_STREAM => ended.push((stream, false)),
                GOAWAY => return Err(io::ErrorKind::ConnectionAborted.into()),
                _ => {}
            }
        }
        self.buffer.copy_within(start..self.filled, 0);
        self.filled -= start;
        Ok(ended)
    }
}

/// `:status: 200` comes first, and has a place of its own in the table that never changes.
fn is_ok(block: &[u8]) -> bool {
    let sizes_of_the_table = |byte: &&u8| **byte & 0xe0 == 0x20;
    block.iter().find(|byte| !sizes_of_the_table(byte)) == Some(&0x88)
}
