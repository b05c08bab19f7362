//! A private PostgreSQL in a directory: made when missing, started, and stopped with its owner.

mod account;
mod binaries;
mod copy;
mod error;
mod initdb;
mod keeper;
mod lock_file;
mod server;
mod sockets;

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
};

use sqlx::postgres::{PgConnectOptions, PgSslMode};

use account::Account;
use error::Context;
use initdb::Secret;
use keeper::Server;
use server::Launch;
use sockets::Sockets;

pub use binaries::client;
pub use copy::copy_template;
pub use error::ClusterError;

/// The role that owns a cluster and everything in it.
pub const SUPERUSER: &str = "postgres";

/// How a cluster is made and run.
pub struct Options {
    /// The data directory; as root, its parents must let the `postgres` (or `nobody`) user through.
    pub data_dir: PathBuf,
    /// The password of [`SUPERUSER`], set when the directory is made and never changed by a start.
    pub superuser_password: String,
    /// False trades safety on a power cut for speed: tests only.
    pub durable: bool,
    /// The most connections at once.
    pub max_connections: u32,
    /// Where the server's log goes; `<data_dir>.log`, beside the directory, when not given.
    pub log: Option<PathBuf>,
    /// A directory with `postgres` and `initdb` to prefer over those found on the machine.
    pub bin: Option<PathBuf>,
}

impl Options {
    /// A durable cluster with 120 connections.
    pub fn new(data_dir: impl Into<PathBuf>, superuser_password: impl Into<String>) -> Self {
        Self {
            data_dir: data_dir.into(),
            superuser_password: superuser_password.into(),
            durable: true,
            max_connections: 120,
            log: None,
            bin: None,
        }
    }
}

/// A running server, which stops when this is dropped and when the process dies.
///
/// One that dies by itself, or is killed, is started again where it was, as often as it takes.
///
/// Where `setpriv` of util-linux is missing (macOS, Alpine), a process that is killed with SIGKILL
/// leaves its server running, and the next start is refused until that one is stopped by hand.
#[derive(Debug)]
pub struct Cluster {
    // Fields drop in this order: the server must be gone before its sockets and before the lock.
    server: Server,
    sockets: Sockets,
    _lock: File,
}

impl Cluster {
    /// Makes the directory if it is empty, starts the server and waits until it takes connections.
    ///
    /// Blocks, for about half a second; in async code, call it through `spawn_blocking`.
    pub fn start(options: Options) -> Result<Self, ClusterError> {
        let data_dir = made(&options.data_dir)?;
        let account = Account::for_directory(&data_dir)?;
        let lock = lock(&data_dir)?;
        let version = version(&data_dir)?;
        let bin = binaries::find(options.bin.as_deref(), &data_dir, version.as_deref())?;
        account.check_reach(&data_dir)?;
        account.check_reach(&bin)?;

        let secret = Secret::beside(&data_dir);
        if version.is_none() {
            secret.write(&options.superuser_password, &account)?;
            initdb::run(&data_dir, &bin, &account, &secret, &lock, options.durable)?;
        }
        let sockets = Sockets::choose(&data_dir, &account)?;
        let log = options.log.clone().unwrap_or_else(|| beside(&data_dir, ".log"));
        let launch = Launch {
            bin,
            data_dir,
            socket_dir: sockets.path().to_owned(),
            log,
            account,
            max_connections: options.max_connections,
            durable: options.durable,
        };
        Ok(Self { server: launch.run()?, sockets, _lock: lock })
    }

    /// The directory of the server's Unix socket.
    pub fn socket_dir(&self) -> &Path {
        self.sockets.path()
    }

    /// The server's port, on loopback only.
    pub fn port(&self) -> u16 {
        self.server.port()
    }

    /// How to connect over the Unix socket.
    pub fn connect_options(&self, role: &str, password: &str, database: &str) -> PgConnectOptions {
        // `new` would look for a password in the home directory.
        PgConnectOptions::new_without_pgpass()
            .socket(self.socket_dir())
            .port(self.port())
            .username(role)
            .password(password)
            .database(database)
            .ssl_mode(PgSslMode::Disable)
    }

    /// An address over loopback, for people and their tools.
    pub fn url(&self, role: &str, password: &str, database: &str) -> String {
        let [role, password, database] = [role, password, database].map(percent_encoded);
        format!("postgres://{role}:{password}@127.0.0.1:{}/{database}", self.port())
    }

    /// Stops the server: ends its sessions, writes a checkpoint, waits up to 10 s.
    ///
    /// Dropping the cluster does the same, and can only log a failure.
    pub fn stop(mut self) -> Result<(), ClusterError> {
        self.server.stop()
    }
}

/// The directory by its real path, made if it is missing.
fn made(dir: &Path) -> Result<PathBuf, ClusterError> {
    fs::create_dir_all(dir).context(|| format!("cannot make {}", dir.display()))?;
    fs::canonicalize(dir).context(|| format!("cannot read {}", dir.display()))
}

/// The major version of the data in `dir`; none if it is empty.
fn version(dir: &Path) -> Result<Option<String>, ClusterError> {
    let reading = || format!("cannot read {}", dir.display());
    match fs::read_to_string(dir.join("PG_VERSION")) {
        Ok(version) => Ok(Some(version.trim().into())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let empty = fs::read_dir(dir).context(reading)?.next().is_none();
            if empty { Ok(None) } else { Err(ClusterError::NotEmpty { dir: dir.into() }) }
        }
        Err(error) => Err(error).context(reading),
    }
}

/// Keeps a second parent out; the kernel lets go of it when this process dies, however it dies.
fn lock(data_dir: &Path) -> Result<File, ClusterError> {
    let dir = File::open(data_dir).context(|| format!("cannot open {}", data_dir.display()))?;
    match dir.try_lock() {
        Err(TryLockError::WouldBlock) => {
            Err(ClusterError::InUse { dir: data_dir.into(), pid: lock_file::owner(data_dir) })
        }
        // Some network file systems know no locks; PostgreSQL's own lock file is left.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(dir),
    }
}

/// A path next to the data, not in it: what lies there is the server's to replace by a link, and
/// this process may be root.
fn beside(data_dir: &Path, suffix: &str) -> PathBuf {
    let mut path = data_dir.to_owned().into_os_string();
    path.push(suffix);
    path.into()
}

fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}
