//! The two files of a backup: there wholly, under their names, or not at all.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use aws_lc_rs::digest::{Context as Digest, SHA256};
use tokio::task::spawn_blocking;

use super::manifest::{Manifest, Measure};
use crate::{cli::BadConfig, out, secret};

const DUMP: &str = "dump";
const SAY_EVERY: Duration = Duration::from_secs(5);

/// Where a backup lies.
#[derive(Debug)]
pub(crate) struct Files {
    pub(crate) dump: PathBuf,
    pub(crate) manifest: PathBuf,
}

/// A dump that is being written; gone again unless it is finished.
pub(super) struct Part<'f> {
    files: &'f Files,
    path: PathBuf,
    file: File,
}

impl Files {
    fn of(dump: PathBuf) -> Self {
        let mut manifest = dump.clone().into_os_string();
        manifest.push(".json");
        Self { dump, manifest: manifest.into() }
    }

    /// Files that are not there yet.
    pub(super) fn fresh(path: &Path, stamp: &str) -> Result<Self> {
        let path = std::path::absolute(path)?;
        let files = Self::of(if path.is_dir() {
            path.join(format!("devsphere-{stamp}.{DUMP}"))
        } else {
            path
        });
        for file in [&files.dump, &files.manifest] {
            if file.exists() {
                return Err(BadConfig(format!("{} is there already", file.display())).into());
            }
        }
        Ok(files)
    }

    /// The files of the backup named, or of the newest in a directory.
    pub(crate) fn find(path: &Path) -> Result<Self> {
        let path = std::path::absolute(path)?;
        let files = Self::of(if path.is_dir() { newest(&path)? } else { path });
        for file in [&files.dump, &files.manifest] {
            if !file.is_file() {
                let problem = format!("{} is missing: a backup is two files", file.display());
                return Err(BadConfig(problem).into());
            }
        }
        Ok(files)
    }

    /// The manifest, once the dump is known to be what it says.
    pub(crate) async fn read(&self) -> Result<Manifest> {
        let text = fs::read_to_string(&self.manifest)
            .with_context(|| format!("cannot read {}", self.manifest.display()))?;
        let manifest: Manifest = serde_json::from_str(&text)
            .with_context(|| format!("{} is no manifest", self.manifest.display()))?;
        let found = measure(&self.dump).await?;
        let told = &manifest.dump;
        ensure!(
            found.bytes == told.bytes,
            "{} is damaged: it has {} bytes, its manifest says {}",
            self.dump.display(),
            found.bytes,
            told.bytes
        );
        ensure!(
            found.sha256 == told.sha256,
            "{} is damaged: its SHA-256 is {}, its manifest says {}",
            self.dump.display(),
            found.sha256,
            told.sha256
        );
        Ok(manifest)
    }

    pub(super) fn part(&self) -> Result<Part<'_>> {
        let mut path = self.dump.clone().into_os_string();
        path.push(".part");
        let path = PathBuf::from(path);
        let opened = File::options().write(true).create_new(true).mode(0o600).open(&path);
        let file = opened.with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Part { files: self, path, file })
    }
}

impl Part<'_> {
    /// For the program that writes it.
    pub(super) fn stdout(&self) -> Result<Stdio> {
        Ok(self.file.try_clone()?.into())
    }

    pub(super) async fn measure(&self) -> Result<Measure> {
        measure(&self.path).await
    }

    /// Gives the dump its name, and the manifest after it: a dump without one is no backup.
    pub(super) fn finish(self, manifest: &Manifest) -> Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.path, &self.files.dump)?;
        secret::write(&self.files.manifest, &serde_json::to_string_pretty(manifest)?)?;
        let folder = self.files.dump.parent().context("a file lies in a directory")?;
        Ok(File::open(folder)?.sync_all()?)
    }
}

impl Drop for Part<'_> {
    fn drop(&mut self) {
        // Gone already, where it was finished.
        let _ = fs::remove_file(&self.path);
    }
}

fn newest(folder: &Path) -> Result<PathBuf> {
    let mut newest = None;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == DUMP) {
            newest = newest.max(Some((fs::metadata(&path)?.modified()?, path)));
        }
    }
    match newest {
        Some((_, path)) => Ok(path),
        None => bail!("{} holds no backup", folder.display()),
    }
}

async fn measure(path: &Path) -> Result<Measure> {
    let path = path.to_owned();
    spawn_blocking(move || {
        let reading = || format!("cannot read {}", path.display());
        let (mut file, mut digest) =
            (File::open(&path).with_context(reading)?, Digest::new(&SHA256));
        let (mut bytes, mut buffer, mut said) = (0_u64, vec![0; 1 << 20], Instant::now());
        loop {
            let read = match file.read(&mut buffer) {
                Ok(0) => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                read => read.with_context(reading)?,
            };
            digest.update(&buffer[..read]);
            bytes += u64::try_from(read)?;
            if said.elapsed() >= SAY_EVERY {
                said = Instant::now();
                out::say(&format!("{}: {bytes} bytes checked", path.display()));
            }
        }
        Ok(Measure { bytes, sha256: hex(digest.finish().as_ref()) })
    })
    .await?
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
