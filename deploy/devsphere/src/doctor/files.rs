//! The data directory and its keys: there, and closed to everybody else.

use std::{
    fs, io,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::Path,
};

use devsphere_db::cluster::SUPERUSER;

use super::{Fault, Report};
use crate::{admin_code, folder::Folder, keys};

const INIT: &str = "`devsphere keys init` makes what is missing";

pub(super) fn check(report: &mut Report, folder: &Folder) {
    // Others may pass through to PostgreSQL's directory, and neither list nor write.
    report.note("data directory", mode(folder.path(), 0o066, "chmod go-rw"));
    report.note("keys directory", mode(&folder.keys(), 0o077, "chmod go-rwx"));
    report.note("run directory", mode(&folder.run(), 0o077, "chmod go-rwx"));

    let signing = keys::SIGNING_FILES.map(str::to_owned).into_iter();
    let passwords = keys::roles().into_iter().map(|role| keys::file_of(&role));
    let private = folder.postgres().exists().then(|| keys::file_of(SUPERUSER));
    for file in signing.chain(passwords).chain(private) {
        let path = folder.keys().join(&file);
        report.note(&format!("key {file}"), mode(&path, 0o077, "chmod go-rwx"));
    }
    report.note("admin code", mode(&admin_code::path(folder), 0o077, "chmod go-rwx"));
    if folder.demo().exists() {
        report.note("demo passwords", mode(&folder.demo(), 0o077, "chmod go-rwx"));
    }
}

/// There, ours, and with none of the closed bits.
fn mode(path: &Path, closed: u32, remedy: &str) -> Result<String, Fault> {
    let shown = path.display();
    let found = fs::metadata(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Fault::new(format!("{shown} is missing"), INIT),
        _ => Fault::new(format!("{shown}: {error}"), "run as the user that runs `devsphere up`"),
    })?;
    let (mode, me) = (found.permissions().mode() & 0o7777, rustix::process::geteuid().as_raw());
    if found.uid() != me {
        let what = format!("{shown} belongs to user {}, not to {me}", found.uid());
        return Err(Fault::new(what, format!("chown {me} {shown}")));
    }
    if mode & closed != 0 {
        let what = format!("{shown} has mode {mode:o}, which lets others in");
        return Err(Fault::new(what, format!("{remedy} {shown}")));
    }
    Ok(format!("{shown}, mode {mode:o}"))
}
