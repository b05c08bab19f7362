//! A proxy before PostgreSQL that counts what a call costs: its Query and Sync messages.

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
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

/// What a service asks by itself, however many call it: what was revoked, and whether it is ready.
const OWN_BUSINESS: [&str; 4] = [
    "from identity.revocations(",
    "from pg_auth_members",
    "platform.schema_version(",
    "seo.release_generations(",
];

/// Round trips so far.
pub type RoundTrips = usize;

/// Counts the round trips of whoever connects through it.
pub struct Counter {
    port: u16,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    round_trips: AtomicUsize,
    prepared: Mutex<Vec<String>>,
}

impl Counter {
    /// Listens before the server at that port.
    ///
    /// # Panics
    /// When nothing can listen on 127.0.0.1.
    pub async fn start(server: u16, tasks: &Tasks) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::<Seen>::default();
        let (noted, within) = (seen.clone(), tasks.clone());
        tasks.spawn("counter", async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(upstream) = TcpStream::connect(("127.0.0.1", server)).await else {
                    continue;
                };
                // Small messages both ways: none may wait to be sent with the next.
                let _ = (client.set_nodelay(true), upstream.set_nodelay(true));
                let (from_client, mut to_client) = client.into_split();
                let (mut from_server, to_server) = upstream.into_split();
                let noted = noted.clone();
                within.spawn("counter", async move {
                    let forward = count_messages(from_client, to_server, &noted);
                    let back = tokio::io::copy(&mut from_server, &mut to_client);
                    tokio::join!(forward, async { drop(back.await) });
                });
            }
        });
        Self { port, seen }
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

    /// Round trips so far; a rollback that cleans up after a call is off its path and not counted,
    /// nor is what a service asks by itself.
    pub fn round_trips(&self) -> RoundTrips {
        self.seen.round_trips.load(Ordering::SeqCst)
    }

    /// Where it listens.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The statements that were prepared, each as often as it was.
    pub fn prepared(&self) -> Vec<String> {
        self.seen.prepared.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Forwards the frontend's messages, whole, and counts those that wait for an answer.
async fn count_messages(
    mut client: OwnedReadHalf,
    mut server: OwnedWriteHalf,
    seen: &Seen,
) -> Option<()> {
    // The start-up message has a length and no tag.
    let mut length = [0; 4];
    client.read_exact(&mut length).await.ok()?;
    let mut rest = vec![0; usize::try_from(u32::from_be_bytes(length)).ok()?.checked_sub(4)?];
    client.read_exact(&mut rest).await.ok()?;
    server.write_all(&[&length[..], &rest].concat()).await.ok()?;
    let mut frontend = Frontend::default();
    loop {
        let mut head = [0; 5];
        client.read_exact(&mut head).await.ok()?;
        let [tag, a, b, c, d] = head;
        let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).ok()?.checked_sub(4)?;
        let mut body = vec![0; length];
        client.read_exact(&mut body).await.ok()?;
        if frontend.waits(tag, &body) {
            seen.round_trips.fetch_add(1, Ordering::SeqCst);
        }
        if tag == b'P'
            && let Some(text) = body.split(|byte| *byte == 0).nth(1)
        {
            let text = String::from_utf8_lossy(text).into_owned();
            seen.prepared.lock().unwrap_or_else(PoisonError::into_inner).push(text);
        }
        server.write_all(&[&head[..], &body].concat()).await.ok()?;
    }
}

/// What one connection asked.
#[derive(Default)]
struct Frontend {
    /// Something, since the last answer that was waited for.
    asked: bool,
    /// The pool looked already.
    looked: bool,
    /// The latest statement is a service's own business.
    is_own: bool,
    /// Names of prepared statements that are.
    own: HashSet<Vec<u8>>,
}

impl Frontend {
    /// Whether a call waits for the answer to this message.
    fn waits(&mut self, tag: u8, body: &[u8]) -> bool {
        let mut strings = body.split(|byte| *byte == 0);
        match tag {
            // Parse: the statement's name and text.
            b'P' => {
                let (name, text) = (strings.next().unwrap_or_default(), strings.next());
                let text = String::from_utf8_lossy(text.unwrap_or_default());
                self.is_own = OWN_BUSINESS.iter().any(|own| text.contains(own));
                if self.is_own {
                    self.own.insert(name.to_vec());
                }
            }
            // Bind: the portal's name and the statement's.
            b'B' => self.is_own = strings.nth(1).is_some_and(|name| self.own.contains(name)),
            _ => {}
        }
        let waits = match tag {
            // With nothing to answer: the pool looks at a connection that came back. A second look
            // would be one before it is handed out, and somebody waits for that.
            b'S' if !self.asked => std::mem::replace(&mut self.looked, true),
            b'S' => !self.is_own,
            b'Q' => !body.eq_ignore_ascii_case(b"rollback\0"),
            _ => false,
        };
        self.asked = !matches!(tag, b'S' | b'Q');
        self.looked &= !self.asked && tag == b'S';
        waits
    }
}
