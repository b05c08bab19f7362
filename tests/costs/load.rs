//! Load from one thread for each connection, which costs about what pgbench costs: what is left of the
//! machine is for what is measured.

use std::{
    collections::HashMap,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::Arc,
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use tokio_rustls::rustls::{ClientConfig, ClientConnection, StreamOwned};

use super::wire::{Answers, Block, hello};
use crate::apart::stranger::anybody;

/// Calls share so many connections, as those of a client library would.
const CONNECTIONS: usize = 4;

/// Nobody waits longer for an answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// One call's end: when, in time since 1970, and how long after it was due.
#[derive(Debug, Clone, Copy)]
pub struct Done {
    pub at: Duration,
    pub took: Duration,
    pub well: bool,
}

/// A call that can be made again and again.
#[derive(Clone)]
pub struct Calls {
    pub to: SocketAddr,
    pub tls: Option<Arc<ClientConfig>>,
    pub block: Block,
    /// The body of the next call, in its frame.
    pub body: Arc<dyn Fn() -> Vec<u8> + Send + Sync>,
}

trait Line: Read + Write {}
impl<T: Read + Write> Line for T {}

impl Calls {
    /// So many calls at a time, each of which is followed by another once it is answered.
    pub fn closed(&self, in_flight: usize, time: Duration) -> Vec<Done> {
        let until = Instant::now() + time;
        let lines = in_flight.min(CONNECTIONS);
        let share = |line| in_flight / lines + usize::from(line < in_flight % lines);
        thread::scope(|scope| {
            let working: Vec<_> = (0..lines)
                .map(|line| scope.spawn(move || self.converse(share(line), until)))
                .collect();
            working.into_iter().flat_map(|line| line.join().unwrap()).collect()
        })
    }

    /// So many calls a second, whether they are answered or not; each is timed from when it was due.
    pub fn open(&self, per_second: f64, time: Duration) -> Vec<Done> {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a count of calls"
        )]
        let calls = (per_second * time.as_secs_f64()) as usize / CONNECTIONS;
        let begun = Instant::now() + Duration::from_millis(20);
        let due = move |line: usize, call: usize| {
            #[expect(clippy::cast_precision_loss, reason = "a count of calls")]
            let place = (call * CONNECTIONS + line) as f64;
            begun + Duration::from_secs_f64(place / per_second)
        };
        thread::scope(|scope| {
            let mut working = Vec::new();
            for line in 0..CONNECTIONS {
                let stream = self.connect();
                let writes = stream.try_clone().unwrap();
                scope.spawn(move || self.send(writes, calls, |call| due(line, call)));
                working.push(scope.spawn(move || hear(stream, calls, |call| due(line, call))));
            }
            working.into_iter().flat_map(|line| line.join().unwrap()).collect()
        })
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.to).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    fn line(&self) -> Box<dyn Line> {
        let stream = self.connect();
        match &self.tls {
            None => Box::new(stream),
            Some(config) => {
                let session = ClientConnection::new(config.clone(), anybody()).unwrap();
                Box::new(StreamOwned::new(session, stream))
            }
        }
    }

    fn converse(&self, in_flight: usize, until: Instant) -> Vec<Done> {
        let mut line = self.line();
        let (mut answers, mut pending, mut done) = (Answers::new(), HashMap::new(), Vec::new());
        let mut said = hello();
        let mut streams = (1..).step_by(2);
        let mut free = in_flight;
        loop {
            for _ in 0..free {
                let stream = streams.next().unwrap();
                said.extend(self.block.request(stream, &(self.body)()));
                pending.insert(stream, Instant::now());
            }
            line.write_all(&said).unwrap();
            line.flush().unwrap();
            said.clear();
            if pending.is_empty() {
                return done;
            }
            let ended = answers.read(&mut line).unwrap();
            free = if Instant::now() < until { ended.len() } else { 0 };
            let at = now();
            done.extend(ended.into_iter().map(|(stream, well)| {
                let begun: Instant = pending.remove(&stream).unwrap();
                Done { at, took: begun.elapsed(), well }
            }));
        }
    }

    fn send(&self, mut writes: TcpStream, calls: usize, due: impl Fn(usize) -> Instant) {
        writes.write_all(&hello()).unwrap();
        for call in 0..calls {
            thread::sleep(due(call).saturating_duration_since(Instant::now()));
            let stream = u32::try_from(2 * call + 1).unwrap();
            writes.write_all(&self.block.request(stream, &(self.body)())).unwrap();
        }
    }
}

fn hear(mut reads: TcpStream, calls: usize, due: impl Fn(usize) -> Instant) -> Vec<Done> {
    let (mut answers, mut done) = (Answers::new(), Vec::new());
    while done.len() < calls {
        let ended = answers.read(&mut reads).unwrap();
        let at = now();
        done.extend(ended.into_iter().map(|(stream, well)| {
            let due = due((stream / 2) as usize);
            Done { at, took: due.elapsed(), well }
        }));
    }
    done
}

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap()
}
