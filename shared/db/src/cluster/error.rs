//! Why a private PostgreSQL could not be had, in words for the person at the terminal.

use std::{fmt, io, path::PathBuf};

/// Why a cluster did not start, stop or copy.
#[derive(Debug)]
#[non_exhaustive]
pub enum ClusterError {
    /// No PostgreSQL on this machine.
    NoBinaries,
    /// The directory that was named holds no PostgreSQL programs.
    NoBinariesAt {
        /// The directory that was named.
        bin: PathBuf,
    },
    /// The data was written by a PostgreSQL that this machine no longer has.
    VersionGone {
        /// The data directory.
        dir: PathBuf,
        /// The major version of its data.
        version: String,
    },
    /// No client program of that name is as new as the server.
    NoClient {
        /// As in `pg_dump`.
        program: &'static str,
        /// The major version of the server.
        server: u32,
    },
    /// Neither `postgres` nor `nobody` exists, and PostgreSQL refuses to run as root.
    NoAccount,
    /// The user that runs the server may not pass through a directory.
    Unreachable {
        /// The first directory that is closed.
        closed: PathBuf,
        /// What lies behind it.
        path: PathBuf,
        /// The user, by name or number.
        user: String,
    },
    /// The directory holds files, but none of PostgreSQL's.
    NotEmpty {
        /// The directory.
        dir: PathBuf,
    },
    /// Another process serves this directory.
    InUse {
        /// The data directory.
        dir: PathBuf,
        /// The server's process, where known.
        pid: Option<u32>,
    },
    /// The last server was killed, and sessions of it still work on the data.
    Orphans {
        /// The data directory.
        dir: PathBuf,
    },
    /// A program of PostgreSQL's ended with an error.
    Failed {
        /// `initdb` or `postgres`.
        program: &'static str,
        /// What it said.
        log: String,
    },
    /// The server runs and takes no connections, as after a crash with much to recover.
    NotReady {
        /// What it said.
        log: String,
    },
    /// The server has been told to stop and is still writing; it ends by itself.
    StillStopping {
        /// The server's process.
        pid: u32,
    },
    /// The directory to copy belongs to a server that runs, or that was killed.
    NotStopped {
        /// The data directory.
        dir: PathBuf,
    },
    /// The operating system refused.
    Io {
        /// What was tried.
        doing: String,
        /// The refusal.
        source: io::Error,
    },
}

impl fmt::Display for ClusterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoBinaries => f.write_str(
                "no PostgreSQL found; install it with `apt install postgresql` (Debian, Ubuntu) \
                 or `brew install postgresql@17` (macOS)",
            ),
            Self::NoBinariesAt { bin } => {
                write!(f, "{} holds no `postgres` and `initdb`", bin.display())
            }
            Self::VersionGone { dir, version } => write!(
                f,
                "{} needs PostgreSQL {version}, which is not installed; install it with \
                 `apt install postgresql-{version}` (Debian, Ubuntu; older versions are at \
                 apt.postgresql.org) or `brew install postgresql@{version}` (macOS)",
                dir.display()
            ),
            Self::NoClient { program, server } => write!(
                f,
                "no {program} of version {server} or newer found; install it with \
                 `apt install postgresql-client-{server}` (Debian, Ubuntu; other versions are at \
                 apt.postgresql.org) or `brew install postgresql@{server}` (macOS)"
            ),
            Self::NoAccount => f.write_str(
                "PostgreSQL does not run as root, and there is no user `postgres` or `nobody`",
            ),
            Self::Unreachable { closed, path, user } => write!(
                f,
                "user {user} cannot reach {}: {} is closed to it; open it (chmod o+x) or choose \
                 another directory",
                path.display(),
                closed.display()
            ),
            Self::NotEmpty { dir } => {
                write!(f, "{} is not empty and holds no PostgreSQL data", dir.display())
            }
            Self::InUse { dir, pid: Some(pid) } => {
                write!(f, "{} is in use by process {pid}", dir.display())
            }
            Self::InUse { dir, pid: None } => {
                write!(f, "{} is in use by another process", dir.display())
            }
            Self::Orphans { dir } => write!(
                f,
                "sessions of a server that was killed still work on {}; wait for them, or end them",
                dir.display()
            ),
            Self::Failed { program, log } => write!(f, "{program} failed: {log}"),
            Self::NotReady { log } => write!(f, "postgres takes no connections: {log}"),
            Self::StillStopping { pid } => write!(f, "process {pid} is still stopping"),
            Self::NotStopped { dir } => {
                write!(f, "{} belongs to a server that was not stopped", dir.display())
            }
            Self::Io { doing, source } => write!(f, "{doing}: {source}"),
        }
    }
}

impl std::error::Error for ClusterError {
    // `Io` has said its source already, so a chain of causes would say it twice.
}

/// Says what was tried when the operating system refuses.
pub(super) trait Context<T> {
    fn context(self, doing: impl FnOnce() -> String) -> Result<T, ClusterError>;
}

impl<T> Context<T> for io::Result<T> {
    fn context(self, doing: impl FnOnce() -> String) -> Result<T, ClusterError> {
        self.map_err(|source| ClusterError::Io { doing: doing(), source })
    }
}
