//! HTTP/2 by hand: frames that no client library would send.

use std::{
    io,
    net::SocketAddr,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream, tcp::OwnedWriteHalf},
};

pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
pub const RST_STREAM: u8 = 3;
pub const SETTINGS: u8 = 4;
pub const PING: u8 = 6;
pub const GOAWAY: u8 = 7;
pub const WINDOW_UPDATE: u8 = 8;
pub const CONTINUATION: u8 = 9;

pub const END_STREAM: u8 = 1;
pub const END_HEADERS: u8 = 4;

pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A frame as it goes over the wire.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let head = [&length[1..], &[kind, flags], &stream.to_be_bytes()].concat();
    [head.as_slice(), payload].concat()
}

/// A header list in HPACK: literals that no table keeps.
pub fn header_block(pairs: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in pairs {
        block.push(0);
        for text in [name, value] {
            put_length(&mut block, text.len());
            block.extend_from_slice(text.as_bytes());
        }
    }
    block
}

/// An integer with a prefix of seven bits (RFC 7541 §5.1).
pub fn put_length(block: &mut Vec<u8>, length: usize) {
    if length < 127 {
        block.push(u8::try_from(length).unwrap());
        return;
    }
    block.push(127);
    let mut rest = length - 127;
    while rest >= 128 {
        block.push(u8::try_from(rest % 128).unwrap() | 128);
        rest /= 128;
    }
    block.push(u8::try_from(rest).unwrap());
}

/// The headers of a call.
pub fn call<'a>(path: &'a str, bearer: &'a str) -> Vec<(&'a str, &'a str)> {
    let mut headers = vec![
        (":method", "POST"),
        (":scheme", "http"),
        (":path", path),
        (":authority", "gateway"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    ];
    if !bearer.is_empty() {
        headers.push(("authorization", bearer));
    }
    headers
}

/// A gRPC message with its head.
pub fn message(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap().to_be_bytes();
    [&[0], length.as_slice(), bytes].concat()
}

/// A connection from an address of our own choice.
pub async fn connect(to: SocketAddr, from: [u8; 4]) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from((from, 0)))?;
    let stream = socket.connect(to).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// One that has introduced itself.
pub async fn greet(to: SocketAddr, from: [u8; 4]) -> io::Result<TcpStream> {
    let mut stream = connect(to, from).await?;
    stream.write_all(&[PREFACE, &frame(SETTINGS, 0, 0, &[])].concat()).await?;
    Ok(stream)
}

/// So many connections that say this and nothing more. All are taken when it returns: one that waits
/// in the system's queue would only be timed from when it is.
pub async fn crowd(to: SocketAddr, from: [u8; 4], count: usize, said: &[u8]) -> Vec<TcpStream> {
    let mut crowd = Vec::with_capacity(count);
    for number in 0..count {
        let mut stream = connect(to, from).await.unwrap();
        stream.write_all(said).await.unwrap();
        crowd.push(stream);
        if number % 100 == 99 || number + 1 == count {
            let mut last = greet(to, from).await.unwrap();
            last.read_exact(&mut [0; 9]).await.unwrap();
        }
    }
    crowd
}

/// How a flood ended.
#[derive(Debug)]
pub struct Ended {
    /// Pieces that the other side took.
    pub sent: usize,
    /// The error of its GOAWAY.
    pub goaway: Option<u32>,
    /// Streams that it reset, and streams that it answered.
    pub resets: usize,
    pub answers: usize,
}

/// Sends the pieces as fast as they are taken, until they are sent or the connection is cut.
pub async fn flood(
    to: SocketAddr,
    from: [u8; 4],
    pieces: impl Iterator<Item = Vec<u8>>,
) -> io::Result<Ended> {
    let (mut reads, writes) = greet(to, from).await?.into_split();
    let (sent, read) = tokio::join!(write_all(writes, pieces), read(&mut reads, usize::MAX));
    Ok(Ended { sent, ..read })
}

/// Sends it all on one connection; what came back once so many streams are answered.
pub async fn ask(to: SocketAddr, from: [u8; 4], said: &[u8], answers: usize) -> io::Result<Ended> {
    let (mut reads, mut writes) = greet(to, from).await?.into_split();
    writes.write_all(said).await?;
    Ok(read(&mut reads, answers).await)
}

async fn write_all(mut writes: OwnedWriteHalf, pieces: impl Iterator<Item = Vec<u8>>) -> usize {
    let mut sent = 0;
    for piece in pieces {
        if writes.write_all(&piece).await.is_err() {
            return sent;
        }
        sent += 1;
    }
    // Closed, so that the reader ends as soon as everything is answered.
    let _ = writes.shutdown().await;
    sent
}

/// Reads until so many streams are answered, or to the end.
pub async fn read(reads: &mut (impl AsyncRead + Unpin), answers: usize) -> Ended {
    let mut ended = Ended { sent: 0, goaway: None, resets: 0, answers: 0 };
    let mut head = [0; 9];
    while ended.answers < answers && reads.read_exact(&mut head).await.is_ok() {
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        let mut payload = vec![0; length];
        if reads.read_exact(&mut payload).await.is_err() {
            break;
        }
        match head[3] {
            GOAWAY => ended.goaway = Some(u32::from_be_bytes(payload[4..8].try_into().unwrap())),
            RST_STREAM => ended.resets += 1,
            HEADERS => ended.answers += 1,
            _ => {}
        }
    }
    ended
}

/// How long the other side keeps a connection that says nothing more.
pub async fn kept(mut stream: TcpStream, patience: Duration) -> Duration {
    let begun = Instant::now();
    let mut heard = Vec::new();
    let ended = tokio::time::timeout(patience, stream.read_to_end(&mut heard)).await;
    // A reset is an end like another.
    assert!(ended.is_ok(), "still open after {patience:?}");
    begun.elapsed()
}
