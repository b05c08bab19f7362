//! The making of a data directory.

use std::{
    fs::{self, File, Permissions},
    io::Write,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use super::{
    SUPERUSER,
    account::Account,
    error::{ClusterError, Context},
};

/// Fills an empty directory with a new cluster.
pub(super) fn run(
    data_dir: &Path,
    bin: &Path,
    account: &Account,
    secret: &Secret,
    lock: &File,
    durable: bool,
) -> Result<(), ClusterError> {
    fs::set_permissions(data_dir, Permissions::from_mode(0o700))
        .and_then(|()| account.own(data_dir))
        .context(|| format!("cannot own {}", data_dir.display()))?;
    // macOS knows C.UTF-8 only as the pair of these two.
    let locale: &[&str] = if cfg!(target_os = "macos") {
        &["--locale=C", "--lc-ctype=UTF-8"]
    } else {
        &["--locale=C.UTF-8"]
    };
    // On SIGTERM initdb removes what it has written, so a killed parent leaves an empty directory.
    let mut initdb = account.command(&bin.join("initdb"), "TERM");
    initdb.arg("--pgdata").arg(data_dir).arg("--pwfile").arg(&secret.0).args(locale);
    initdb.args(["--username", SUPERUSER, "--auth=scram-sha-256", "--encoding=UTF8"]);
    initdb.arg("--data-checksums");
    if !durable {
        initdb.arg("--no-sync");
    }
    // With the lock for its input it holds on to it, and no other start meets a half-made directory.
    let output = lock
        .try_clone()
        .and_then(|lock| initdb.stdin(lock).output())
        .context(|| "cannot run initdb".to_owned())?;
    if output.status.success() {
        return Ok(());
    }
    let log = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(ClusterError::Failed { program: "initdb", log })
}

/// The password on its way to initdb, which takes it from a file alone; removed on drop.
pub(super) struct Secret(PathBuf);

impl Secret {
    pub(super) fn beside(data_dir: &Path) -> Self {
        let secret = Self(super::beside(data_dir, ".password"));
        // A parent that was killed while it made the directory has left it.
        let _ = fs::remove_file(&secret.0);
        secret
    }

    pub(super) fn write(&self, password: &str, account: &Account) -> Result<(), ClusterError> {
        File::options()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&self.0)
            .and_then(|mut file| file.write_all(password.as_bytes()))
            .and_then(|()| account.own(&self.0))
            .context(|| format!("cannot write {}", self.0.display()))
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
