//! Copies of a stopped data directory, so that many tests can start from one that is prepared.

use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt, MetadataExt, lchown},
    path::Path,
};

use super::{
    error::{ClusterError, Context},
    lock_file,
};

/// Copies a stopped data directory to `to`, which must be missing or empty, with owners and modes.
pub fn copy_template(from: &Path, to: &Path) -> Result<(), ClusterError> {
    if lock_file::exists(from) {
        return Err(ClusterError::NotStopped { dir: from.into() });
    }
    let copying = || format!("cannot copy {} to {}", from.display(), to.display());
    if to.exists() && fs::read_dir(to).context(copying)?.next().is_some() {
        return Err(ClusterError::NotEmpty { dir: to.into() });
    }
    fs::create_dir_all(to).context(copying)?;
    copy_entries(from, to).context(copying)
}

fn copy_entries(from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (kind, target) = (entry.file_type()?, to.join(entry.file_name()));
        if kind.is_dir() {
            fs::DirBuilder::new().mode(0o700).create(&target)?;
            copy_entries(&entry.path(), &target)?;
        } else if kind.is_symlink() {
            // Copy and original would share a write-ahead log, or a tablespace.
            return Err(io::Error::other(format!("{} is a link", entry.path().display())));
        } else if kind.is_file() {
            fs::copy(entry.path(), &target)?;
            own_alike(&entry.metadata()?, &target)?;
        }
    }
    // Last, so that a mode without write permission cannot stop the copy.
    let found = fs::metadata(from)?;
    fs::set_permissions(to, found.permissions())?;
    own_alike(&found, to)
}

/// Owner and group as found; only root can change them, and only root needs to.
fn own_alike(found: &fs::Metadata, target: &Path) -> io::Result<()> {
    let made = fs::metadata(target)?;
    if (made.uid(), made.gid()) == (found.uid(), found.gid()) {
        return Ok(());
    }
    lchown(target, Some(found.uid()), Some(found.gid()))
}
