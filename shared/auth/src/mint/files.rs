//! The three signing files that make identity the root of trust: 0600 in a folder of 0700.

use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::Path,
};

use devsphere_error::{Error, Result};

use super::SigningKey;
use crate::TicketKey;

const ACCESS: &str = "access-token.pkcs8";
const ASSERTION: &str = "assertion.pkcs8";
const TICKET: &str = "ticket";

/// Identity's keys.
#[derive(Clone)]
pub struct KeyFiles {
    /// Signs access tokens.
    pub access: SigningKey,
    /// Signs assertions.
    pub assertion: SigningKey,
    /// Signs database tickets.
    pub ticket: TicketKey,
}

impl KeyFiles {
    /// Makes what is missing in the folder, and reads all of it.
    ///
    /// # Errors
    /// When the folder cannot be written, or holds something else.
    pub fn init(folder: &Path) -> Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(at(folder))?;
        for name in [ACCESS, ASSERTION] {
            write_missing(&folder.join(name), || Ok(SigningKey::generate()?.pkcs8().to_vec()))?;
        }
        write_missing(&folder.join(TICKET), || {
            let key = TicketKey::generate()?;
            let digits: Vec<_> = key.secret().iter().map(|byte| format!("{byte:02x}")).collect();
            Ok(format!("{} {}\n", key.kid(), digits.concat()).into_bytes())
        })?;
        Self::read(folder)
    }

    /// Reads the folder.
    ///
    /// # Errors
    /// When a file is missing or damaged.
    pub fn read(folder: &Path) -> Result<Self> {
        let read = |name: &str| fs::read(folder.join(name)).map_err(at(&folder.join(name)));
        Ok(Self {
            access: SigningKey::from_pkcs8(&read(ACCESS)?)?,
            assertion: SigningKey::from_pkcs8(&read(ASSERTION)?)?,
            ticket: ticket(&read(TICKET)?).ok_or_else(|| Error::internal("ticket key damaged"))?,
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

fn ticket(text: &[u8]) -> Option<TicketKey> {
    let (kid, digits) = std::str::from_utf8(text).ok()?.trim().split_once(' ')?;
    let mut secret = [0; 32];
    if digits.len() != 64 || !digits.is_ascii() {
        return None;
    }
    for (byte, place) in secret.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(&digits[place..place + 2], 16).ok()?;
    }
    Some(TicketKey::new(kid.to_owned(), secret))
}

fn at(path: &Path) -> impl Fn(io::Error) -> Error {
    let path = path.display().to_string();
    move |error| Error::internal(format!("{path}: {error}"))
}
