//! The life of one server: watched until it takes connections, started again when it dies, told to stop.

use std::{
    io,
    net::TcpListener,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use super::{
    error::{ClusterError, Context},
    lock_file,
    server::Launch,
};

/// How long a stop waits.
const STOP: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(10);
/// Before a server that died is started again: at first, and at most. Sessions of the old one still
/// leave, and the data is kept from the new one until they have.
const PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// One that lived so long did not die of its start.
const SETTLED: Duration = Duration::from_secs(10);

/// A server that is kept alive; stops on drop.
#[derive(Debug)]
pub(super) struct Server {
    launch: Arc<Launch>,
    port: u16,
    pid: u32,
    watch: Arc<Watch>,
    keeper: Option<JoinHandle<io::Result<()>>>,
}

/// What the owner of a server and its keeper tell each other.
#[derive(Debug, Default)]
struct Watch {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// The process, while there is one.
    pid: Option<u32>,
    /// From the moment the server was ready until it is told to stop: then its end is a surprise.
    wanted: bool,
}

impl Server {
    /// Starts one on a free port, which it keeps.
    pub(super) fn begin(launch: &Arc<Launch>) -> Result<Self, ClusterError> {
        let starting = || "cannot start postgres".to_owned();
        let port = free_port().context(starting)?;
        let watch = Arc::new(Watch::default());
        let (started, pid) = mpsc::channel();
        // The parent-death signal follows the thread that spawns, not the process. A thread of the
        // caller's pool may end at any time; this one lives exactly as long as the server.
        let keeper = thread::Builder::new().name("postgres".into()).spawn({
            let (launch, watch) = (Arc::clone(launch), Arc::clone(&watch));
            move || keep(&launch, port, &watch, &started)
        });
        let keeper = keeper.context(starting)?;
        let launch = Arc::clone(launch);
        match pid.recv() {
            Ok(pid) => Ok(Self { launch, port, pid, watch, keeper: Some(keeper) }),
            Err(_) => match keeper.join() {
                Ok(Err(error)) => Err(error).context(starting),
                _ => Err(io::Error::other("its thread ended")).context(starting),
            },
        }
    }

    pub(super) const fn port(&self) -> u16 {
        self.port
    }

    /// Waits for the first start; once it was ready, the server is kept alive.
    pub(super) fn becomes_ready(&self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        while self.is_running() && Instant::now() < deadline {
            if lock_file::is_ready(&self.launch.data_dir, self.pid) {
                self.watch.state().wanted = true;
                return true;
            }
            thread::sleep(POLL);
        }
        false
    }

    pub(super) fn is_running(&self) -> bool {
        self.keeper.as_ref().is_some_and(|keeper| !keeper.is_finished())
    }

    /// Asks for a fast shutdown and waits for it.
    pub(super) fn stop(&mut self) -> Result<(), ClusterError> {
        // Taken, so that a drop after a stop in vain does not wait once more.
        let Some(keeper) = self.keeper.take() else { return Ok(()) };
        if let Some(pid) = self.watch.dismiss() {
            let kill = ["-c", "kill -s INT \"$0\"", &pid.to_string()].map(String::from);
            Command::new("/bin/sh")
                .args(kill)
                .stderr(Stdio::null())
                .status()
                .context(|| "cannot stop postgres".to_owned())?;
        }
        let deadline = Instant::now() + STOP;
        while !keeper.is_finished() {
            if Instant::now() >= deadline {
                let pid = self.watch.state().pid.unwrap_or(self.pid);
                return Err(ClusterError::StillStopping { pid });
            }
            thread::sleep(POLL);
        }
        let _ = keeper.join();
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            tracing::warn!(%error, "postgres was not stopped");
        }
    }
}

impl Watch {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nobody wants the server any more; answers the process that is to be stopped.
    fn dismiss(&self) -> Option<u32> {
        let mut state = self.state();
        state.wanted = false;
        self.changed.notify_all();
        state.pid
    }

    /// The process ended; whether that is a surprise.
    fn is_surprised(&self) -> bool {
        let mut state = self.state();
        state.pid = None;
        state.wanted
    }

    /// Waits; whether the server is still wanted then.
    fn is_wanted_after(&self, pause: Duration) -> bool {
        let still = |state: &mut State| state.wanted;
        let waited = self.changed.wait_timeout_while(self.state(), pause, still);
        waited.unwrap_or_else(PoisonError::into_inner).0.wanted
    }
}

/// The life of the keeper thread: spawn, tell the process, wait for its end, and begin anew while
/// the server is wanted.
fn keep(launch: &Launch, port: u16, watch: &Watch, started: &mpsc::Sender<u32>) -> io::Result<()> {
    let mut child = launch.spawn(port)?;
    watch.state().pid = Some(child.id());
    let _ = started.send(child.id());
    let mut pause = PAUSE;
    loop {
        let begun = Instant::now();
        let (pid, status) = (child.id(), child.wait()?);
        if !watch.is_surprised() {
            return Ok(());
        }
        tracing::error!(pid, %status, "postgres ended by itself, it is started again");
        if begun.elapsed() >= SETTLED {
            pause = PAUSE;
        }
        match again(launch, port, watch, &mut pause) {
            Some(next) => child = next,
            None => return Ok(()),
        }
    }
}

/// Starts the server as often as it takes, on the port that everybody knows; none when it is not
/// wanted any more.
fn again(launch: &Launch, port: u16, watch: &Watch, pause: &mut Duration) -> Option<Child> {
    let (died, mut told) = (Instant::now(), String::new());
    while watch.is_wanted_after(*pause) {
        *pause = (*pause * 2).min(LONGEST_PAUSE);
        let said_before = launch.length_of_log();
        let obstacle = match attempt(launch, port, watch) {
            Ok(Ok(child)) => {
                tracing::info!(pid = child.id(), after = ?died.elapsed(), "postgres is back");
                return Some(child);
            }
            Ok(Err(status)) => last_words(&launch.read_log(said_before), status),
            Err(error) => error.to_string(),
        };
        // What stands in the way for long is said once.
        if obstacle != told {
            tracing::warn!(obstacle, "postgres does not start yet");
            told = obstacle;
        }
    }
    None
}

/// One start: the server that takes connections, or how it ended.
fn attempt(launch: &Launch, port: u16, watch: &Watch) -> io::Result<Result<Child, ExitStatus>> {
    let mut child = {
        // Held meanwhile: whoever stops the server has either come before, or finds the process.
        let mut state = watch.state();
        if !state.wanted {
            return Err(io::Error::other("it is not wanted any more"));
        }
        let child = launch.spawn(port)?;
        state.pid = Some(child.id());
        child
    };
    loop {
        if lock_file::is_ready(&launch.data_dir, child.id()) {
            return Ok(Ok(child));
        }
        if let Some(status) = child.try_wait()? {
            watch.state().pid = None;
            return Ok(Err(status));
        }
        thread::sleep(POLL);
    }
}

/// Why a server that ended did not start, without the time and the process.
fn last_words(said: &str, status: ExitStatus) -> String {
    let fatal = said.lines().rev().find_map(|line| line.split_once("FATAL:"));
    fatal.map_or_else(|| status.to_string(), |(_, reason)| reason.trim().to_owned())
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
