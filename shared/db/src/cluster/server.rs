//! How `postgres` is started: its settings, its log, and what may stand in its way.

use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom},
    os::unix::fs::OpenOptionsExt,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use super::{account::Account, error::ClusterError, keeper::Server, lock_file};

/// How long a server whose parent was killed may take to leave the directory to the next one.
const HANDOVER: Duration = Duration::from_secs(10);
/// How long a start waits for recovery after a crash.
const READY: Duration = Duration::from_secs(120);
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

/// Everything a start needs to know; kept, since a server that dies is started again.
#[derive(Debug)]
pub(super) struct Launch {
    pub(super) bin: PathBuf,
    pub(super) data_dir: PathBuf,
    pub(super) socket_dir: PathBuf,
    pub(super) log: PathBuf,
    pub(super) account: Account,
    pub(super) max_connections: u32,
    pub(super) durable: bool,
}

impl Launch {
    /// Starts the server; waits for the last one to leave, and takes another port if one is taken.
    pub(super) fn run(self) -> Result<Server, ClusterError> {
        let launch = Arc::new(self);
        let patience = Instant::now() + HANDOVER;
        loop {
            let said_before = launch.length_of_log();
            let mut server = Server::begin(&launch)?;
            if server.becomes_ready(READY) {
                return Ok(server);
            }
            let said = launch.read_log(said_before);
            if server.is_running() {
                let _ = server.stop();
                return Err(ClusterError::NotReady { log: said });
            }
            match launch.obstacle(&said) {
                Some(_) if Instant::now() < patience => thread::sleep(RETRY),
                Some(error) => return Err(error),
                None => return Err(ClusterError::Failed { program: "postgres", log: said }),
            }
        }
    }

    /// What stood in the way, if it may go away by itself.
    fn obstacle(&self, said: &str) -> Option<ClusterError> {
        let dir = self.data_dir.clone();
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

    /// The server's process, once more or for the first time.
    pub(super) fn spawn(&self, port: u16) -> io::Result<Child> {
        lock_file::disown_reused_pid(&self.data_dir, &self.account);
        self.command(port, self.open_log()?).spawn()
    }

    fn command(&self, port: u16, log: File) -> Command {
        // Quoted, since the setting is a list.
        let mut sockets = OsString::from("unix_socket_directories=\"");
        sockets.push(&self.socket_dir);
        sockets.push("\"");

        let mut command = self.account.command(&self.bin.join("postgres"), "INT");
        command.arg("-D").arg(&self.data_dir).arg("-p").arg(port.to_string());
        command.arg("-c").arg(sockets);
        command.arg("-c").arg(format!("max_connections={}", self.max_connections));
        let not_durable = if self.durable { &[] } else { NOT_DURABLE };
        for setting in SETTINGS.iter().chain(not_durable) {
            command.args(["-c", setting]);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        command
    }

    fn open_log(&self) -> io::Result<File> {
        if fs::metadata(&self.log).is_ok_and(|found| found.len() > LONGEST_LOG) {
            let mut aside = OsString::from(&self.log);
            aside.push(".1");
            let _ = fs::rename(&self.log, aside);
        }
        let opened = File::options().create(true).append(true).mode(0o600).open(&self.log);
        opened.map_err(|error| {
            io::Error::new(error.kind(), format!("cannot write {}: {error}", self.log.display()))
        })
    }

    pub(super) fn length_of_log(&self) -> u64 {
        fs::metadata(&self.log).map_or(0, |found| found.len())
    }

    /// The end of what the server has said since the log had `start` bytes.
    pub(super) fn read_log(&self, start: u64) -> String {
        let mut said = Vec::new();
        let _ = File::open(&self.log).and_then(|mut log| {
            log.seek(SeekFrom::Start(start))?;
            log.read_to_end(&mut said)
        });
        let shown = &said[said.len().saturating_sub(SHOWN_LOG)..];
        String::from_utf8_lossy(shown).trim().to_owned()
    }
}
