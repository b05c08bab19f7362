//! One running `postgres`: started, watched until it takes connections, told to stop.

use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom},
    net::TcpListener,
    os::unix::fs::OpenOptionsExt,
    path::Path,
    process::{Command, ExitStatus, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use super::{
    Options,
    account::Account,
    error::{ClusterError, Context},
    lock_file,
};

/// How long a server whose parent was killed may take to leave the directory to the next one.
const HANDOVER: Duration = Duration::from_secs(10);
/// How long a stop waits.
const STOP: Duration = Duration::from_secs(10);
/// How long a start waits for recovery after a crash.
const READY: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(10);
const RETRY: Duration = Duration::from_millis(200);
/// A log longer than this is put aside when the server starts.
const LONGEST_LOG: u64 = 10 << 20;
/// What an error shows of the log.
const SHOWN_LOG: usize = 4000;

/// Settings of every server. Statements, their parameters, and the row in an error's detail may
/// hold personal data, and stay out of the log.
const SETTINGS: &[&str] = &[
    "cluster_name=devsphere",
    "listen_addresses=127.0.0.1",
    "unix_socket_permissions=0700",
    "password_encryption=scram-sha-256",
    "shared_buffers=64MB",
    "max_wal_size=1GB",
    "jit=off",
    "timezone=UTC",
    "log_timezone=UTC",
    "lc_messages=C",
    "logging_collector=off",
    "log_destination=stderr",
    "log_checkpoints=off",
    "log_min_messages=warning",
    "log_error_verbosity=terse",
    "log_min_error_statement=panic",
    "log_statement=none",
    "log_min_duration_statement=-1",
    "log_parameter_max_length=0",
    "log_parameter_max_length_on_error=0",
];

/// What makes a server fast, and its data worthless after a power cut.
const NOT_DURABLE: &[&str] = &["fsync=off", "synchronous_commit=off", "full_page_writes=off"];

/// Everything a start needs to know.
pub(super) struct Launch<'a> {
    pub(super) bin: &'a Path,
    pub(super) data_dir: &'a Path,
    pub(super) socket_dir: &'a Path,
    pub(super) log: &'a Path,
    pub(super) account: &'a Account,
    pub(super) options: &'a Options,
}

/// A server that takes connections; stops on drop.
#[derive(Debug)]
pub(super) struct Server {
    pid: u32,
    port: u16,
    /// True while the end of the server would surprise us.
    wanted: Arc<AtomicBool>,
    keeper: Option<JoinHandle<io::Result<ExitStatus>>>,
}

impl Launch<'_> {
    /// Starts the server; waits for the last one to leave, and takes another port if one is taken.
    pub(super) fn run(&self) -> Result<Server, ClusterError> {
        let patience = Instant::now() + HANDOVER;
        loop {
            lock_file::disown_reused_pid(self.data_dir, self.account);
            let log = self.open_log()?;
            let said_before = log.metadata().map_or(0, |found| found.len());
            let mut server = self.spawn(log)?;
            if server.becomes_ready(self.data_dir) {
                server.wanted.store(true, Ordering::Relaxed);
                return Ok(server);
            }
            let said = self.read_log(said_before);
            if server.is_running() {
                let _ = server.stop();
                return Err(ClusterError::NotReady { log: said });
            }
            match self.obstacle(&said) {
                Some(_) if Instant::now() < patience => thread::sleep(RETRY),
                Some(error) => return Err(error),
                None => return Err(ClusterError::Failed { program: "postgres", log: said }),
            }
        }
    }

    /// What stood in the way, if it may go away by itself.
    fn obstacle(&self, said: &str) -> Option<ClusterError> {
        let dir = self.data_dir.to_owned();
        if said.contains("lock file \"postmaster.pid\" already exists") {
            Some(ClusterError::InUse { pid: lock_file::owner(&dir), dir })
        } else if said.contains("pre-existing shared memory block") {
            Some(ClusterError::Orphans { dir })
        } else if said.contains("could not create any") {
            // No socket: another process was faster to the port.
            Some(ClusterError::Failed { program: "postgres", log: said.to_owned() })
        } else {
            None
        }
    }

    fn spawn(&self, log: File) -> Result<Server, ClusterError> {
        let starting = || "cannot start postgres".to_owned();
        let port = free_port().context(starting)?;
        let command = self.command(port, log);
        let wanted = Arc::new(AtomicBool::new(false));
        let (started, pid) = mpsc::channel();
        // The parent-death signal follows the thread that spawns, not the process. A thread of the
        // caller's pool may end at any time; this one lives exactly as long as the server.
        let keeper = thread::Builder::new().name("postgres".into()).spawn({
            let wanted = Arc::clone(&wanted);
            move || keep(command, &started, &wanted)
        });
        let keeper = keeper.context(starting)?;
        match pid.recv() {
            Ok(pid) => Ok(Server { pid, port, wanted, keeper: Some(keeper) }),
            Err(_) => match keeper.join() {
                Ok(Err(error)) => Err(error).context(starting),
                _ => Err(io::Error::other("its thread ended")).context(starting),
            },
        }
    }

    fn command(&self, port: u16, log: File) -> Command {
        // Quoted, since the setting is a list.
        let mut sockets = OsString::from("unix_socket_directories=\"");
        sockets.push(self.socket_dir);
        sockets.push("\"");

        let mut command = self.account.command(&self.bin.join("postgres"), "INT");
        command.arg("-D").arg(self.data_dir).arg("-p").arg(port.to_string());
        command.arg("-c").arg(sockets);
        command.arg("-c").arg(format!("max_connections={}", self.options.max_connections));
        let not_durable = if self.options.durable { &[] } else { NOT_DURABLE };
        for setting in SETTINGS.iter().chain(not_durable) {
            command.args(["-c", setting]);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        command
    }

    fn open_log(&self) -> Result<File, ClusterError> {
        if fs::metadata(self.log).is_ok_and(|found| found.len() > LONGEST_LOG) {
            let mut aside = OsString::from(self.log);
            aside.push(".1");
            let _ = fs::rename(self.log, aside);
        }
        File::options()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(self.log)
            .context(|| format!("cannot write {}", self.log.display()))
    }

    /// The end of what the server has said since the log had `start` bytes.
    fn read_log(&self, start: u64) -> String {
        let mut said = Vec::new();
        let _ = File::open(self.log).and_then(|mut log| {
            log.seek(SeekFrom::Start(start))?;
            log.read_to_end(&mut said)
        });
        let shown = &said[said.len().saturating_sub(SHOWN_LOG)..];
        String::from_utf8_lossy(shown).trim().to_owned()
    }
}

/// The life of the keeper thread: spawn, tell the process, wait for its end.
fn keep(
    mut command: Command,
    started: &mpsc::Sender<u32>,
    wanted: &AtomicBool,
) -> io::Result<ExitStatus> {
    let mut child = command.spawn()?;
    let _ = started.send(child.id());
    let status = child.wait()?;
    if wanted.load(Ordering::Relaxed) {
        tracing::error!(pid = child.id(), %status, "postgres ended by itself");
    }
    Ok(status)
}

impl Server {
    pub(super) const fn port(&self) -> u16 {
        self.port
    }

    /// Asks for a fast shutdown and waits for it.
    pub(super) fn stop(&mut self) -> Result<(), ClusterError> {
        // Taken, so that a drop after a stop in vain does not wait once more.
        let Some(keeper) = self.keeper.take() else { return Ok(()) };
        self.wanted.store(false, Ordering::Relaxed);
        if !keeper.is_finished() {
            let kill = ["-c", "kill -s INT \"$0\"", &self.pid.to_string()].map(String::from);
            Command::new("/bin/sh")
                .args(kill)
                .stderr(Stdio::null())
                .status()
                .context(|| "cannot stop postgres".to_owned())?;
        }
        let deadline = Instant::now() + STOP;
        while !keeper.is_finished() {
            if Instant::now() >= deadline {
                return Err(ClusterError::StillStopping { pid: self.pid });
            }
            thread::sleep(POLL);
        }
        let _ = keeper.join();
        Ok(())
    }

    fn is_running(&self) -> bool {
        self.keeper.as_ref().is_some_and(|keeper| !keeper.is_finished())
    }

    fn becomes_ready(&self, data_dir: &Path) -> bool {
        let deadline = Instant::now() + READY;
        while self.is_running() && Instant::now() < deadline {
            if lock_file::is_ready(data_dir, self.pid) {
                return true;
            }
            thread::sleep(POLL);
        }
        false
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            tracing::warn!(%error, "postgres was not stopped");
        }
    }
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
