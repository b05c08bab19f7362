//! The signing files that make identity the root of trust: 0600 in a folder of 0700.

use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use devsphere_error::{Error, Result};

use super::{KeyKind, KeyState, SigningKey};
use crate::TicketKey;

/// Identity's keys: the current one of each kind, and those beside it during a rotation.
#[derive(Clone)]
pub struct KeyFiles {
    /// Signs access tokens.
    pub access: SigningKey,
    /// Signs assertions.
    pub assertion: SigningKey,
    /// Signs database tickets.
    pub ticket: TicketKey,
    /// Verify access tokens too.
    pub other_access: Vec<Other<SigningKey>>,
    /// Verify assertions too.
    pub other_assertion: Vec<Other<SigningKey>>,
    /// The database must know it before it is the current one.
    pub next_ticket: Option<TicketKey>,
}

/// A key before its time, or after it.
#[derive(Clone)]
pub struct Other<K> {
    /// The key.
    pub key: K,
    /// Seconds since 1970 after which it verifies nothing; none before its time.
    pub until: Option<i64>,
}

impl<K> Other<K> {
    /// True while what it signed holds.
    pub fn verifies(&self, now: i64) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

/// A key file as it lies in the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFile {
    /// Where.
    pub path: PathBuf,
    /// What it signs.
    pub kind: KeyKind,
    /// Whether it does.
    pub state: KeyState,
    /// When it was made, in seconds since 1970.
    pub made: i64,
    /// Tells one content from another.
    stamp: (u64, i64, u64),
}

/// Every key file of the folder, by kind and state.
///
/// # Errors
/// When the folder cannot be read.
pub fn key_files(folder: &Path) -> Result<Vec<KeyFile>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(at(folder))? {
        let path = entry.map_err(at(folder))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let Some((kind, state)) = KeyState::of_file(name) else { continue };
        match fs::metadata(&path) {
            Ok(metadata) => found.push(KeyFile {
                kind,
                state,
                made: metadata.mtime(),
                stamp: (metadata.ino(), metadata.mtime_nsec(), metadata.len()),
                path,
            }),
            // It has moved on between the two looks; the next look sees where to.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(at(&path)(error)),
        }
    }
    found.sort_by_key(|file| (file.kind, file.state));
    Ok(found)
}

impl KeyFiles {
    /// Makes what is missing in the folder, and reads all of it.
    ///
    /// # Errors
    /// When the folder cannot be written, or holds something else.
    pub fn init(folder: &Path) -> Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(at(folder))?;
        for kind in KeyKind::ALL {
            let path = folder.join(KeyState::Current.file(kind));
            write_missing(&path, || kind.generate())?;
        }
        Self::read(folder)
    }

    /// Reads the folder.
    ///
    /// # Errors
    /// When a file is missing or damaged, or the folder changes again and again.
    pub fn read(folder: &Path) -> Result<Self> {
        Self::read_as_listed(folder).map(|(keys, _)| keys)
    }

    /// The same with what the folder held at that moment: all of one moment, or a key could be
    /// seen neither at its old place nor at its new one.
    ///
    /// # Errors
    /// As [`KeyFiles::read`].
    pub fn read_as_listed(folder: &Path) -> Result<(Self, Vec<KeyFile>)> {
        const TRIES: usize = 5;
        let mut last = Error::internal("the key files change all the time");
        for _ in 0..TRIES {
            let listed = key_files(folder)?;
            let read = Self::read_once(folder, &listed);
            if key_files(folder)? == listed {
                return read.map(|keys| (keys, listed));
            }
            if let Err(error) = read {
                last = error;
            }
        }
        Err(last)
    }

    fn read_once(folder: &Path, listed: &[KeyFile]) -> Result<Self> {
        let bytes = |path: &Path| fs::read(path).map_err(at(path));
        let current = |kind| bytes(&folder.join(KeyState::Current.file(kind)));
        let others = |kind| {
            let others = listed.iter().filter(move |file| file.kind == kind);
            let others = others.filter(|file| file.state != KeyState::Current);
            others.map(|file| {
                let key = SigningKey::from_pkcs8(&bytes(&file.path)?)?;
                Ok(Other { key, until: file.state.until() })
            })
        };
        let next = |file: &&KeyFile| (file.kind, file.state) == (KeyKind::Ticket, KeyState::Next);
        let next_ticket = listed.iter().find(next).map(|file| ticket(&bytes(&file.path)?));
        Ok(Self {
            access: SigningKey::from_pkcs8(&current(KeyKind::Access)?)?,
            assertion: SigningKey::from_pkcs8(&current(KeyKind::Assertion)?)?,
            ticket: ticket(&current(KeyKind::Ticket)?)?,
            other_access: others(KeyKind::Access).collect::<Result<_>>()?,
            other_assertion: others(KeyKind::Assertion).collect::<Result<_>>()?,
            next_ticket: next_ticket.transpose()?,
        })
    }
}

/// Writes a secret file that only its owner reads, unless it is there; whole or not at all.
///
/// # Errors
/// When it cannot be written.
pub fn write_missing(path: &Path, content: impl FnOnce() -> Result<Vec<u8>>) -> Result<()> {
    if path.exists() {
        return Ok(());
    }
    let new = path.with_extension(format!("{}.new", std::process::id()));
    let write = |content: Vec<u8>| {
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(&content)?;
        file.sync_all()?;
        // Never over one that came meanwhile.
        match fs::hard_link(&new, path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => fs::remove_file(&new),
        }
    };
    write(content()?).map_err(at(path))
}

/// The ticket key in a file's text.
pub(super) fn ticket(text: &[u8]) -> Result<TicketKey> {
    let damaged = || Error::internal("a ticket key is damaged");
    let text = std::str::from_utf8(text).map_err(|_| damaged())?;
    let (kid, digits) = text.trim().split_once(' ').ok_or_else(damaged)?;
    let mut secret = [0; 32];
    if digits.len() != 64 || !digits.is_ascii() {
        return Err(damaged());
    }
    for (byte, place) in secret.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(&digits[place..place + 2], 16).map_err(|_| damaged())?;
    }
    Ok(TicketKey::new(kid.to_owned(), secret))
}

pub(super) fn at(path: &Path) -> impl Fn(io::Error) -> Error {
    let path = path.display().to_string();
    move |error| Error::internal(format!("{path}: {error}"))
}
