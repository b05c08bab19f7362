//! A proxy before PostgreSQL that counts what a call costs: its Query and Sync messages.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use devsphere_boot::Tasks;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

use crate::backend::PASSWORD;

/// Round trips so far.
pub type RoundTrips = usize;

/// Counts the round trips of whoever connects through it.
pub struct Counter {
    port: u16,
    count: Arc<AtomicUsize>,
}

impl Counter {
    /// Listens before the server at that port.
    ///
    /// # Panics
    /// When nothing can listen on 127.0.0.1.
    pub async fn start(server: u16, tasks: &Tasks) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let count = Arc::new(AtomicUsize::new(0));
        let (counted, within) = (count.clone(), tasks.clone());
        tasks.spawn("counter", async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(upstream) = TcpStream::connect(("127.0.0.1", server)).await else {
                    continue;
                };
                // Small messages both ways: none may wait to be sent with the next.
                let _ = (client.set_nodelay(true), upstream.set_nodelay(true));
                let (from_client, mut to_client) = client.into_split();
                let (mut from_server, to_server) = upstream.into_split();
                let counted = counted.clone();
                within.spawn("counter", async move {
                    let forward = count_messages(from_client, to_server, &counted);
                    let back = tokio::io::copy(&mut from_server, &mut to_client);
                    tokio::join!(forward, async { drop(back.await) });
                });
            }
        });
        Self { port, count }
    }

    /// The same way to the database, through this proxy.
    pub fn through(&self, options: &PgConnectOptions) -> PgConnectOptions {
        // Made anew: options that name a socket keep it, whatever host they are given.
        PgConnectOptions::new_without_pgpass()
            .host("127.0.0.1")
            .port(self.port)
            .username(options.get_username())
            .password(PASSWORD)
            .database(options.get_database().unwrap_or_default())
            .ssl_mode(PgSslMode::Disable)
    }

    /// Round trips so far; a rollback that cleans up after a call is off its path and not counted.
    pub fn round_trips(&self) -> RoundTrips {
        self.count.load(Ordering::SeqCst)
    }
}

/// Forwards the frontend's messages, whole, and counts those that wait for an answer.
async fn count_messages(
    mut client: OwnedReadHalf,
    mut server: OwnedWriteHalf,
    count: &AtomicUsize,
) -> Option<()> {
    // The start-up message has a length and no tag.
    let mut length = [0; 4];
    client.read_exact(&mut length).await.ok()?;
    let mut rest = vec![0; usize::try_from(u32::from_be_bytes(length)).ok()?.checked_sub(4)?];
    client.read_exact(&mut rest).await.ok()?;
    server.write_all(&[&length[..], &rest].concat()).await.ok()?;
    // What came since the last answer that was waited for, and whether the pool looked already.
    let (mut asked, mut looked) = (false, false);
    loop {
        let mut head = [0; 5];
        client.read_exact(&mut head).await.ok()?;
        let [tag, a, b, c, d] = head;
        let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).ok()?.checked_sub(4)?;
        let mut body = vec![0; length];
        client.read_exact(&mut body).await.ok()?;
        let waits = match tag {
            // With nothing to answer: the pool looks at a connection that came back. A second look
            // would be one before it is handed out, and somebody waits for that.
            b'S' if !asked => std::mem::replace(&mut looked, true),
            b'S' => true,
            b'Q' => !body.eq_ignore_ascii_case(b"rollback\0"),
            _ => false,
        };
        asked = !matches!(tag, b'S' | b'Q');
        looked &= !asked && tag == b'S';
        if waits {
            count.fetch_add(1, Ordering::SeqCst);
        }
        server.write_all(&[&head[..], &body].concat()).await.ok()?;
    }
}
