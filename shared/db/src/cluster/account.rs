//! The user a server runs as, since PostgreSQL refuses root, and how programs are started as it.

use std::{
    fs, io,
    os::unix::{
        fs::{MetadataExt, lchown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::Command,
};

use super::{
    binaries,
    error::{ClusterError, Context},
};

/// Whom the programs of PostgreSQL run as.
#[derive(Debug)]
pub(super) struct Account {
    /// The user to become; none when this process is not root.
    switch: Option<User>,
    /// `setpriv` of util-linux, the only way to a parent-death signal without unsafe code.
    setpriv: Option<PathBuf>,
}

#[derive(Debug)]
struct User {
    name: String,
    uid: u32,
    gid: u32,
}

impl Account {
    /// This user, or as root the directory's owner, `postgres` or `nobody`, in this order.
    pub(super) fn for_directory(dir: &Path) -> Result<Self, ClusterError> {
        let setpriv = binaries::on_path("setpriv").filter(|program| sends_death_signal(program));
        if id("-u", None) != Some(0) {
            return Ok(Self { switch: None, setpriv });
        }
        let owner = fs::metadata(dir).context(|| format!("cannot read {}", dir.display()))?;
        let user = if owner.uid() == 0 {
            ["postgres", "nobody"].into_iter().find_map(User::named)
        } else {
            let name = owner.uid().to_string();
            let gid = id("-g", Some(&name)).unwrap_or_else(|| owner.gid());
            Some(User { name, uid: owner.uid(), gid })
        };
        Ok(Self { switch: Some(user.ok_or(ClusterError::NoAccount)?), setpriv })
    }

    /// A program run as this account, which gets the signal `on_death` when the spawning thread ends.
    pub(super) fn command(&self, program: &Path, on_death: &str) -> Command {
        let mut command = match &self.setpriv {
            Some(setpriv) => {
                let mut command = Command::new(setpriv);
                command.args(["--pdeathsig", on_death, "--"]).arg(program);
                command
            }
            None => Command::new(program),
        };
        // Before `setpriv` runs, not by it: a change of user would clear the signal again.
        if let Some(user) = &self.switch {
            command.uid(user.uid).gid(user.gid);
        }
        // The environment may hold secrets that this user has no business with; an own process
        // group keeps Ctrl-C, which is for the parent, from stopping the server under it.
        command.env_clear().env("LC_ALL", "C").env("PATH", "/usr/bin:/bin").current_dir("/");
        command.process_group(0);
        command
    }

    /// Gives a file or directory to this account; a link is not followed, it may have been planted.
    pub(super) fn own(&self, path: &Path) -> io::Result<()> {
        match &self.switch {
            Some(user) => lchown(path, Some(user.uid), Some(user.gid)),
            None => Ok(()),
        }
    }

    /// Fails, naming the directory in the way, if this account cannot get to `path`.
    pub(super) fn check_reach(&self, path: &Path) -> Result<(), ClusterError> {
        let Some(user) = &self.switch else { return Ok(()) };
        let parents = path.ancestors().skip(1).collect::<Vec<_>>();
        for dir in parents.into_iter().rev().filter(|dir| !dir.as_os_str().is_empty()) {
            let found = fs::metadata(dir).context(|| format!("cannot read {}", dir.display()))?;
            let passes = match () {
                () if found.uid() == user.uid => found.mode() & 0o100,
                () if found.gid() == user.gid => found.mode() & 0o010,
                () => found.mode() & 0o001,
            };
            if passes == 0 {
                return Err(ClusterError::Unreachable {
                    closed: dir.into(),
                    path: path.into(),
                    user: user.name.clone(),
                });
            }
        }
        Ok(())
    }
}

impl User {
    fn named(name: &str) -> Option<Self> {
        let (uid, gid) = (id("-u", Some(name))?, id("-g", Some(name))?);
        Some(Self { name: name.into(), uid, gid })
    }
}

/// Asks `id`, since std knows neither its own user nor the names of others.
fn id(which: &str, user: Option<&str>) -> Option<u32> {
    let output = Command::new("id").arg(which).args(user).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.trim().parse().ok().filter(|_| output.status.success())
}

/// True for util-linux; that of `busybox` lacks the option.
fn sends_death_signal(setpriv: &Path) -> bool {
    let help = Command::new(setpriv).arg("--help").output();
    help.is_ok_and(|help| String::from_utf8_lossy(&help.stdout).contains("--pdeathsig"))
}
