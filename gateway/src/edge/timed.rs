//! A client's byte stream on the clock: it must open in time, and take what it asked for.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

use super::opening::Opening;

/// Breaks off when the client is late.
pub(crate) struct Timed<S> {
    stream: S,
    /// Until the opening is complete.
    due: Option<(Opening, Pin<Box<Sleep>>)>,
    patience: Duration,
    /// While the client takes nothing.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<S> Timed<S> {
    /// The stream, which must open within `opening`, and never be full for `patience`.
    pub(crate) fn new(stream: S, opening: Duration, patience: Duration) -> Self {
        let due = Some((Opening::new(), Box::pin(sleep(opening))));
        Self { stream, due, patience, stalled: None }
    }

    /// Watches the clock while a write waits.
    fn watch<T>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let patience = self.patience;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(patience)));
        ready!(stalled.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Timed<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(cx, buffer);
        let Some((opening, due)) = &mut this.due else { return read };
        if opening.is_complete_with(&buffer.filled()[before..]) {
            this.due = None;
        } else if due.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Timed<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(cx, bytes);
        this.watch(cx, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(cx, pieces);
        this.watch(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.stream).poll_flush(cx);
        this.watch(cx, flushed)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let shut = Pin::new(&mut this.stream).poll_shutdown(cx);
        this.watch(cx, shut)
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _, duplex},
        time::Instant,
    };

    use super::*;

    const OPENING: Duration = Duration::from_millis(50);
    const PATIENCE: Duration = Duration::from_millis(80);

    #[tokio::test]
    async fn who_says_nothing_or_half_is_cut_off_in_time() {
        for said in ["", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "GET / HTTP/1.1\r\nhost: a\r\n"] {
            let (mut client, server) = duplex(1024);
            let mut server = Timed::new(server, OPENING, PATIENCE);
            client.write_all(said.as_bytes()).await.unwrap();
            let begun = Instant::now();
            let mut heard = Vec::new();
            let error = server.read_to_end(&mut heard).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::TimedOut);
            assert!(begun.elapsed() < OPENING * 4, "{:?}", begun.elapsed());
        }
    }

    #[tokio::test]
    async fn who_has_opened_may_be_silent() {
        let (mut client, server) = duplex(1024);
        let mut server = Timed::new(server, OPENING, PATIENCE);
        client.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        let mut heard = [0; 18];
        server.read_exact(&mut heard).await.unwrap();
        let silence = tokio::time::timeout(OPENING * 2, server.read_u8()).await;
        assert!(silence.is_err());
    }

    #[tokio::test]
    async fn who_takes_nothing_is_cut_off_and_who_takes_is_not() {
        let (mut client, server) = duplex(16);
        let mut server = Timed::new(server, OPENING, PATIENCE);
        let reader = async {
            let mut taken = [0; 64];
            client.read_exact(&mut taken).await.unwrap();
        };
        let (written, ()) = tokio::join!(server.write_all(&[0; 80]), reader);
        written.unwrap();
        let error = server.write_all(&[0; 80]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
