//! The data directory: what lies where, with which modes, and who works in it.

use std::{
    env,
    fs::{self, DirBuilder, File, Permissions, TryLockError},
    os::unix::fs::{DirBuilderExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

use crate::{cli::BadConfig, modules::MODULES};

/// A Unix socket's path takes no more bytes.
const LONGEST_SOCKET: usize = 107;

/// The data directory.
#[derive(Debug, Clone)]
pub(crate) struct Folder(PathBuf);

/// Kept as long as the mesh runs in this directory.
pub(crate) struct Occupied {
    _lock: File,
}

impl Folder {
    /// The directory named, or the usual one; nothing is made.
    pub(crate) fn find(named: Option<&Path>) -> Result<Self> {
        let path = match named {
            Some(named) => named.to_owned(),
            None if is_root() => PathBuf::from("/var/lib/devsphere"),
            None => match env::home_dir() {
                Some(home) => home.join(".local/share/devsphere"),
                None => return Err(BadConfig("no home directory: give --data-dir".into()).into()),
            },
        };
        let path = std::path::absolute(path)?;
        Self(fs::canonicalize(&path).unwrap_or(path)).checked()
    }

    /// The same, made where it is missing.
    pub(crate) fn open(named: Option<&Path>) -> Result<Self> {
        let found = Self::find(named)?;
        // As root, PostgreSQL runs as another user, who must get through to its own directory.
        let (made, needed) = if is_root() { (0o711, 0o011) } else { (0o700, 0) };
        make(&found.0, made, needed)?;
        for private in [found.run(), found.keys()] {
            make(&private, 0o700, 0)?;
            fs::set_permissions(private, Permissions::from_mode(0o700))?;
        }
        Self(fs::canonicalize(&found.0)?).checked()
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn keys(&self) -> PathBuf {
        self.0.join("keys")
    }

    /// Certificates of services that run apart, unless they lie elsewhere.
    pub(crate) fn certificates(&self) -> PathBuf {
        self.0.join("certificates")
    }

    pub(crate) fn run(&self) -> PathBuf {
        self.0.join("run")
    }

    pub(crate) fn socket(&self, module: &str) -> PathBuf {
        self.run().join(format!("{module}.sock"))
    }

    pub(crate) fn postgres(&self) -> PathBuf {
        self.0.join("postgres")
    }

    /// PostgreSQL writes its log beside its data.
    pub(crate) fn postgres_log(&self) -> PathBuf {
        self.0.join("postgres.log")
    }

    /// The outside copy of the audit log's signed roots.
    pub(crate) fn audit_roots(&self) -> PathBuf {
        self.0.join("audit-roots.log")
    }

    pub(crate) fn demo(&self) -> PathBuf {
        self.0.join("demo.json")
    }

    /// `deploy/up` puts a grpcurl here where the machine has none.
    pub(crate) fn grpcurl(&self) -> PathBuf {
        self.0.join("bin/grpcurl")
    }

    /// Keeps a second mesh out; none while another process has the directory. The kernel lets go
    /// when this process dies, however it dies.
    pub(crate) fn occupy(&self) -> Result<Option<Occupied>> {
        let run = self.run();
        let lock = File::open(&run).with_context(|| format!("cannot open {}", run.display()))?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(Occupied { _lock: lock })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("cannot lock {}", run.display()))
            }
        }
    }

    /// Sockets become addresses, so their paths are short and plain.
    fn checked(self) -> Result<Self> {
        let shown = self.0.display();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~+@=,".contains(&byte);
        if !self.0.as_os_str().as_encoded_bytes().iter().copied().all(plain) {
            let problem = format!("--data-dir {shown}: only letters, digits and /-._~+@=, please");
            return Err(BadConfig(problem).into());
        }
        let longest =
            MODULES.iter().map(|module| self.socket(module.schema.name).as_os_str().len());
        if longest.max().unwrap_or_default() > LONGEST_SOCKET {
            let problem = format!("--data-dir {shown} is too long for the sockets in it");
            return Err(BadConfig(problem).into());
        }
        Ok(self)
    }
}

pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Makes a directory; one that is there keeps its mode, but for what is needed.
fn make(path: &Path, mode: u32, needed: u32) -> Result<()> {
    let made = || {
        DirBuilder::new().recursive(true).mode(mode).create(path)?;
        let found = fs::metadata(path)?.permissions().mode();
        if found & needed == needed {
            return Ok(());
        }
        fs::set_permissions(path, Permissions::from_mode(found | needed))
    };
    made().with_context(|| format!("cannot make {}", path.display()))
}
