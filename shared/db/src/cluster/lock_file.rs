//! The file by which PostgreSQL keeps a data directory to one server, and says how far that one is.

use std::{
    fs::{self, File},
    io::Write,
    path::Path,
    process,
};

use super::account::Account;

const NAME: &str = "postmaster.pid";

/// True when the server with this process number takes connections.
pub(super) fn is_ready(data_dir: &Path, pid: u32) -> bool {
    let status = |rest: &str| rest.lines().nth(6).map(|status| status.trim() == "ready");
    read(data_dir).is_some_and(|(owner, rest)| owner == pid && status(&rest) == Some(true))
}

/// The process that serves a directory, or did when it was killed.
pub(super) fn owner(data_dir: &Path) -> Option<u32> {
    read(data_dir).map(|(owner, _)| owner)
}

/// True while a server runs, and after one was killed.
pub(super) fn exists(data_dir: &Path) -> bool {
    data_dir.join(NAME).exists()
}

/// Frees a lock file whose process is gone and whose number belongs to another program by now.
///
/// In a container that restarts, the same few numbers come round, and PostgreSQL would refuse each
/// start. It takes its parent's number for stale, and still looks for orphaned sessions.
pub(super) fn disown_reused_pid(data_dir: &Path, account: &Account) {
    let Some((owner, rest)) = read(data_dir) else { return };
    let Ok(program) = fs::read_to_string(format!("/proc/{owner}/comm")) else { return };
    if program.trim_end() == "postgres" {
        return;
    }
    // By way of a new file, which cannot be a planted link. A failure shows in what follows.
    let fresh = data_dir.join("postmaster.pid.new");
    let _ = fs::remove_file(&fresh);
    let _ = File::create_new(&fresh)
        .and_then(|mut file| write!(file, "{}\n{rest}", process::id()))
        .and_then(|()| account.own(&fresh))
        .and_then(|()| fs::rename(&fresh, data_dir.join(NAME)));
}

/// The process number, and the lines after it.
fn read(data_dir: &Path) -> Option<(u32, String)> {
    let bytes = fs::read(data_dir.join(NAME)).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let (owner, rest) = text.split_once('\n')?;
    Some((owner.trim().parse().ok()?, rest.into()))
}
