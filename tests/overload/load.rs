//! Load without a client library in between: as many calls as asked, each timed from when it was due.

use std::{
    collections::HashMap,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::mpsc,
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::attacks::raw::{
    DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PREFACE, RST_STREAM, SETTINGS, WINDOW_UPDATE,
    call, frame, header_block, message,
};

/// Connections of an open load; each carries a hundred calls at once.
const CONNECTIONS: usize = 8;

/// Whoever was refused waits before it tries again.
const PAUSE: Duration = Duration::from_millis(5);

/// How the last calls are waited for.
const PATIENCE: Duration = Duration::from_secs(15);

/// One call's end.
#[derive(Debug, Clone, Copy)]
pub struct Outcome {
    pub took: Duration,
    pub admitted: bool,
}

/// A call, ready to be sent.
#[derive(Clone)]
pub struct Request {
    to: SocketAddr,
    headers: Vec<u8>,
    body: Vec<u8>,
}

impl Request {
    pub fn new(to: SocketAddr, path: &str, bearer: &str, body: &[u8]) -> Self {
        Self { to, headers: header_block(&call(path, bearer)), body: message(body) }
    }

    async fn connect(&self) -> io::Result<TcpStream> {
        let mut stream = TcpStream::connect(self.to).await?;
        stream.set_nodelay(true)?;
        // Windows without end: nothing here is about flow control.
        let window = [&[0, 4], 0x7fff_ffff_u32.to_be_bytes().as_slice()].concat();
        let more = 0x7fff_0000_u32.to_be_bytes();
        let settings = [frame(SETTINGS, 0, 0, &window), frame(WINDOW_UPDATE, 0, 0, &more)].concat();
        stream.write_all(&[PREFACE, &settings].concat()).await?;
        Ok(stream)
    }

    fn frames(&self, stream: u32) -> Vec<u8> {
        let open = frame(HEADERS, END_HEADERS, stream, &self.headers);
        [open, frame(DATA, END_STREAM, stream, &self.body)].concat()
    }

    /// So many callers who each wait for their answer before they call again; what each call took.
    pub async fn closed(&self, callers: usize, time: Duration) -> Vec<Outcome> {
        let mut working = JoinSet::new();
        for _ in 0..callers {
            working.spawn(self.clone().caller(Instant::now() + time));
        }
        working.join_all().await.concat()
    }

    async fn caller(self, until: Instant) -> Vec<Outcome> {
        let (reads, mut writes) = self.connect().await.unwrap().into_split();
        let mut answers = Answers::new(reads);
        let mut outcomes = Vec::new();
        for number in 0.. {
            let begun = Instant::now();
            if begun >= until {
                break;
            }
            writes.write_all(&self.frames(2 * number + 1)).await.unwrap();
            let (_, admitted) = answers.next().await.unwrap();
            outcomes.push(Outcome { took: begun.elapsed(), admitted });
            if !admitted {
                sleep(PAUSE).await;
            }
        }
        outcomes
    }

    /// So many calls a second, whether they are answered or not.
    pub async fn open(&self, per_second: f64, time: Duration) -> Vec<Outcome> {
        let mut working = JoinSet::new();
        let mut lanes = Vec::new();
        for _ in 0..CONNECTIONS {
            let (due, schedule) = mpsc::unbounded_channel();
            let (reads, writes) = self.connect().await.unwrap().into_split();
            lanes.push(due);
            working.spawn(self.clone().lane(reads, writes, schedule));
        }
        let (begun, mut sent) = (Instant::now(), 0_u32);
        loop {
            let due = begun + Duration::from_secs_f64(f64::from(sent) / per_second);
            if due >= begun + time {
                break;
            }
            if due > Instant::now() {
                sleep(Duration::from_millis(1)).await;
                continue;
            }
            lanes[sent as usize % CONNECTIONS].send(due).unwrap();
            sent += 1;
        }
        drop(lanes);
        working.join_all().await.concat()
    }

    async fn lane(
        self,
        reads: OwnedReadHalf,
        mut writes: OwnedWriteHalf,
        mut schedule: mpsc::UnboundedReceiver<Instant>,
    ) -> Vec<Outcome> {
        let pending = Arc::new(Mutex::new(HashMap::new()));
        let (done, mut all_sent) = tokio::sync::oneshot::channel();
        let write = {
            let pending = pending.clone();
            async move {
                let mut stream = 1;
                while let Some(due) = schedule.recv().await {
                    pending.lock().unwrap().insert(stream, due);
                    writes.write_all(&self.frames(stream)).await.unwrap();
                    stream += 2;
                }
                let _ = done.send(());
                writes
            }
        };
        let read = async move {
            let mut answers = Answers::new(reads);
            let mut outcomes = Vec::new();
            let mut is_over = false;
            while !(is_over && pending.lock().unwrap().is_empty()) {
                tokio::select! {
                    biased;
                    answer = answers.next() => {
                        let Some((stream, admitted)) = answer else { break };
                        let due: Instant = pending.lock().unwrap().remove(&stream).unwrap();
                        outcomes.push(Outcome { took: due.elapsed(), admitted });
                    }
                    _ = &mut all_sent, if !is_over => is_over = true,
                }
            }
            outcomes
        };
        let both = async { tokio::join!(write, read).1 };
        timeout(Duration::from_secs(600) + PATIENCE, both).await.unwrap()
    }
}

/// The answers on a connection, as they end.
struct Answers {
    reads: BufReader<OwnedReadHalf>,
    begun: HashMap<u32, bool>,
    head: Vec<u8>,
}

impl Answers {
    fn new(reads: OwnedReadHalf) -> Self {
        Self { reads: BufReader::new(reads), begun: HashMap::new(), head: Vec::new() }
    }

    /// The next stream that ends, and whether it was answered: a refusal has headers and nothing else.
    /// May be dropped and called again.
    async fn next(&mut self) -> Option<(u32, bool)> {
        loop {
            let needed = match self.head.first_chunk::<9>() {
                None => 9,
                Some(head) => 9 + u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize,
            };
            if self.head.len() < needed {
                let more = (needed - self.head.len()) as u64;
                match (&mut self.reads).take(more).read_buf(&mut self.head).await {
                    Ok(0) | Err(_) => return None,
                    Ok(_) => continue,
                }
            }
            let (kind, flags) = (self.head[3], self.head[4]);
            let stream = u32::from_be_bytes(self.head[5..9].try_into().unwrap());
            self.head.clear();
            let ends = flags & END_STREAM != 0;
            match kind {
                HEADERS | DATA if ends => {
                    let answered = self.begun.remove(&stream).is_some();
                    return Some((stream, answered));
                }
                HEADERS => {
                    self.begun.insert(stream, true);
                }
                RST_STREAM => return Some((stream, false)),
                GOAWAY => return None,
                _ => {}
            }
        }
    }
}
