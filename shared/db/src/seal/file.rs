//! The outside copy of the roots: one line for each, at the end of a file that the database cannot reach.

use std::{
    fs::{self, OpenOptions},
    io::{self, BufRead as _, BufReader, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use super::{SealError, root::Signed};

/// The file of roots.
pub(super) struct RootFile(PathBuf);

impl RootFile {
    pub(super) const fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// Every line; one that is none of ours is an error in its place.
    pub(super) fn read(path: &Path) -> Result<Vec<Result<Signed, usize>>, SealError> {
        let failed = |source| SealError::File { path: path.to_owned(), source };
        let file = fs::File::open(path).map_err(failed)?;
        let lines = BufReader::new(file).lines().zip(1..);
        lines
            .map(|(line, number)| Ok(Signed::parse(&line.map_err(failed)?).ok_or(number)))
            .collect()
    }

    /// The last root in it, if there is one.
    pub(super) fn last(&self) -> Result<Option<Signed>, SealError> {
        let failed = |source| SealError::File { path: self.0.clone(), source };
        let file = match fs::File::open(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(failed)?,
        };
        let mut last = None;
        for line in BufReader::new(file).lines() {
            last = Some(line.map_err(failed)?);
        }
        let Some(line) = last else { return Ok(None) };
        let damaged = || SealError::Tampered(format!("{} ends in the middle", self.0.display()));
        Signed::parse(&line).map(Some).ok_or_else(damaged)
    }

    /// Adds roots, and waits until the disk has them.
    pub(super) fn append(&self, roots: &[Signed]) -> Result<(), SealError> {
        let write = || {
            let mut file =
                OpenOptions::new().create(true).append(true).mode(0o600).open(&self.0)?;
            let lines: String = roots.iter().map(Signed::line).collect();
            file.write_all(lines.as_bytes())?;
            file.sync_data()
        };
        write().map_err(|source| SealError::File { path: self.0.clone(), source })
    }
}
