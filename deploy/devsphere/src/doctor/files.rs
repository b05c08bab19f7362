//! The data directory and its keys: there, and closed to everybody else.

use std::{
    fs, io,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::Path,
};

use devsphere_auth::VAULT_FILE;
use devsphere_db::cluster::SUPERUSER;
use devsphere_identity::keys::{State, list};

use super::{Fault, Report};
use crate::{admin_code, audit, folder::Folder, keys};

/// Days after which a key should be another.
const LONG_AGO: i64 = 90;

const INIT: &str = "`devsphere keys init` makes what is missing";

pub(super) fn check(report: &mut Report, folder: &Folder) {
    let owner = fs::metadata(folder.path()).ok().map(|found| found.uid());
    let closed = |path: &Path| mode(path, owner, 0o077, "chmod go-rwx");
    // PostgreSQL's own user passes through, so this one is open; but nobody else writes in it.
    report.note("data directory", mode(folder.path(), owner, 0o022, "chmod go-w"));
    report.note("keys directory", closed(&folder.keys()));
    report.note("run directory", closed(&folder.run()));

    let own = keys::SIGNING_FILES.into_iter().chain([audit::KEY_FILE, VAULT_FILE]);
    let passwords = keys::roles().into_iter().map(|role| keys::file_of(&role));
    let private = folder.postgres().exists().then(|| keys::file_of(SUPERUSER));
    for file in own.map(str::to_owned).chain(passwords).chain(private) {
        report.note(&format!("key {file}"), closed(&folder.keys().join(&file)));
    }
    report.note("key rotation", rotated(folder, &closed));
    report.note("admin code", closed(&admin_code::path(folder)));
    if folder.demo().exists() {
        report.note("demo passwords", closed(&folder.demo()));
    }
}

/// The keys before and after those that sign are as closed; and how old the oldest is that signs.
fn rotated(
    folder: &Folder,
    closed: &impl Fn(&Path) -> Result<String, Fault>,
) -> Result<String, Fault> {
    let listed = list(&folder.keys()).map_err(|error| Fault::new(error, INIT))?;
    for file in &listed {
        closed(&file.path)?;
    }
    let signing = listed.iter().filter(|file| file.state == State::Current);
    let days = keys::days_since(signing.map(|file| file.made).min().unwrap_or(i64::MAX));
    Ok(match days {
        ..=LONG_AGO => format!("the oldest signing key is {days} days old"),
        _ => format!("a signing key is {days} days old: `devsphere keys rotate` makes fresh ones"),
    })
}

/// There, the data directory's owner's, and with none of the bits that must be off.
fn mode(path: &Path, owner: Option<u32>, off: u32, remedy: &str) -> Result<String, Fault> {
    let shown = path.display();
    let found = fs::metadata(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Fault::new(format!("{shown} is missing"), INIT),
        _ => Fault::new(format!("{shown}: {error}"), "run as the user that runs `devsphere up`"),
    })?;
    let mode = found.permissions().mode() & 0o7777;
    if let Some(owner) = owner.filter(|owner| *owner != found.uid()) {
        let what = format!("{shown} belongs to user {}, the directory to {owner}", found.uid());
        return Err(Fault::new(what, format!("chown {owner} {shown}")));
    }
    if mode & off != 0 {
        let what = format!("{shown} has mode {mode:o}, which lets others in");
        return Err(Fault::new(what, format!("{remedy} {shown}")));
    }
    Ok(format!("{shown}, mode {mode:o}"))
}
