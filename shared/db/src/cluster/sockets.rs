//! Where a server's Unix socket lives.

use std::{
    fs::{self, DirBuilder},
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use uuid::Uuid;

use super::{
    account::Account,
    error::{ClusterError, Context},
};

/// A socket's whole path may take 107 bytes (103 on macOS), of which `/.s.PGSQL.65535` takes 15.
const LONGEST_SOCKET_DIR: usize = 88;

/// Where the Unix socket lives: with the data if the path is short enough, else in `/tmp`.
#[derive(Debug)]
pub(super) enum Sockets {
    Inside(PathBuf),
    Apart(Scratch),
}

impl Sockets {
    pub(super) fn choose(data_dir: &Path, account: &Account) -> Result<Self, ClusterError> {
        let inside = data_dir.join("run");
        let fits = |path: &str| path.len() <= LONGEST_SOCKET_DIR && !path.contains('"');
        if !inside.to_str().is_some_and(fits) {
            return Ok(Self::Apart(Scratch::new(account)?));
        }
        // Made afresh: servers that were killed leave their sockets, each under a port of its own.
        match fs::remove_dir_all(&inside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => private_directory(&inside, account),
        }
        .context(|| format!("cannot make {}", inside.display()))?;
        Ok(Self::Inside(inside))
    }

    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Inside(path) | Self::Apart(Scratch(path)) => path,
        }
    }
}

/// A directory in `/tmp` that only the server's account may enter, removed on drop.
#[derive(Debug)]
pub(super) struct Scratch(PathBuf);

impl Scratch {
    fn new(account: &Account) -> Result<Self, ClusterError> {
        let path = PathBuf::from(format!("/tmp/devsphere-{}", Uuid::new_v4().simple()));
        private_directory(&path, account).context(|| format!("cannot make {}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn private_directory(path: &Path, account: &Account) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(path)?;
    account.own(path)
}
