//! Which PostgreSQL of this machine to run.

use std::{
    cmp::Reverse,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::error::ClusterError;

/// The directory of `postgres` and `initdb`: of the version that wrote the data, else the first of
/// the one that was named, Debian's newest, the one on the path, and the other usual places.
pub(super) fn find(
    named: Option<&Path>,
    data_dir: &Path,
    version: Option<&str>,
) -> Result<PathBuf, ClusterError> {
    if let Some(bin) = named.filter(|bin| !is_complete(bin)) {
        return Err(ClusterError::NoBinariesAt { bin: bin.into() });
    }
    let candidates = named.map(PathBuf::from).into_iter().chain(usual_places());
    let mut complete =
        candidates.filter_map(|bin| fs::canonicalize(bin).ok()).filter(|bin| is_complete(bin));
    match version {
        None => complete.next().ok_or(ClusterError::NoBinaries),
        Some(version) => {
            complete.find(|bin| version_of(bin).is_some_and(|found| found == version)).ok_or_else(
                || ClusterError::VersionGone { dir: data_dir.into(), version: version.into() },
            )
        }
    }
}

/// A program for clients, as in `pg_dump`, that fits a server of that major version: of that very
/// version, else of the next newer one that this machine has.
///
/// # Errors
/// When there is none.
pub fn client(program: &'static str, server: u32) -> Result<PathBuf, ClusterError> {
    let places = usual_places().map(|bin| bin.join(program)).chain(on_path(program));
    let found = places.filter(|path| path.is_file()).filter_map(|path| {
        let version = says(&path, program)?.parse::<u32>().ok()?;
        Some((version, path))
    });
    let fitting = found.filter(|(version, _)| *version >= server);
    let nearest = fitting.min_by_key(|(version, _)| *version);
    nearest.map(|(_, path)| path).ok_or(ClusterError::NoClient { program, server })
}

/// Finds a program the way a shell does.
pub(super) fn on_path(program: &str) -> Option<PathBuf> {
    let output =
        Command::new("/bin/sh").args(["-c", "command -v \"$0\"", program]).output().ok()?;
    let path = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim());
    path.is_absolute().then_some(path)
}

fn usual_places() -> impl Iterator<Item = PathBuf> {
    let on_path = on_path("postgres").and_then(|path| fs::canonicalize(path).ok());
    let fixed = ["/usr/local/pgsql/bin", "/Applications/Postgres.app/Contents/Versions/latest/bin"];
    versioned("/usr/lib/postgresql", "")
        .into_iter()
        .chain(on_path.and_then(|path| path.parent().map(PathBuf::from)))
        .chain(versioned("/usr", "pgsql-"))
        .chain(versioned("/opt/homebrew/opt", "postgresql@"))
        .chain(versioned("/usr/local/opt", "postgresql@"))
        .chain(fixed.map(PathBuf::from))
}

/// The `bin` of each `<parent>/<prefix><version>`, the newest first.
fn versioned(parent: &str, prefix: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let version = name.to_str().and_then(|name| name.strip_prefix(prefix));
        if let Some(version) = version.and_then(|version| version.parse::<u32>().ok()) {
            found.push((Reverse(version), entry.path().join("bin")));
        }
    }
    found.sort();
    found.into_iter().map(|(_, bin)| bin).collect()
}

fn is_complete(bin: &Path) -> bool {
    bin.join("postgres").is_file() && bin.join("initdb").is_file()
}

/// The major version, as in `15` of `postgres (PostgreSQL) 15.18 (Debian 15.18-0)`.
fn version_of(bin: &Path) -> Option<String> {
    says(&bin.join("postgres"), "postgres")
}

fn says(path: &Path, program: &str) -> Option<String> {
    let output = Command::new(path).arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let number = text.strip_prefix(program)?.strip_prefix(" (PostgreSQL) ")?;
    Some(number.chars().take_while(char::is_ascii_digit).collect())
}
