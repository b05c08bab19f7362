//! The signing keys: as files, for whoever runs an installation, and in memory, for identity itself.

mod store;

use std::{path::Path, time::Duration};

use devsphere_auth::{
    LIFETIME, TicketKey,
    mint::{self, KeyFile, KeyFiles, KeyKind},
};
use devsphere_error::Result;

use crate::secret::{ACCESS_LIFETIME, now};

pub use devsphere_auth::mint::{KeyKind as Kind, KeyState as State};
pub(crate) use store::{KeyStore, Keys, OwnKeys};

/// Beside the life of what it signed, an old key verifies for so long: clocks differ, and a replica
/// of identity signs with it until it has looked at the folder.
const SLACK: Duration = Duration::from_secs(60);

/// The keys of tickets, by where they stand: what the database must know.
pub struct TicketKeys {
    /// Signs.
    pub current: TicketKey,
    /// Will sign.
    pub next: Option<TicketKey>,
}

/// Makes the key files that the folder lacks, forgets those that are over, and answers the keys that
/// the database shares.
///
/// # Errors
/// When the folder cannot be written, or a file in it is damaged.
pub fn init(folder: &Path) -> Result<TicketKeys> {
    KeyFiles::init(folder)?;
    mint::sweep(folder, now())?;
    let files = KeyFiles::read(folder)?;
    Ok(TicketKeys { current: files.ticket, next: files.next_ticket })
}

/// Every key file, by kind and state.
///
/// # Errors
/// When the folder cannot be read.
pub fn list(folder: &Path) -> Result<Vec<KeyFile>> {
    mint::key_files(folder)
}

/// The first half of a rotation: publishes a next key, or goes on with the one that is there.
///
/// # Errors
/// When the folder cannot be written.
pub fn publish_next(folder: &Path, kind: KeyKind) -> Result<()> {
    mint::publish_next(folder, kind)
}

/// The second half, once everybody knows the next key: it signs, and the one before it only
/// verifies what it has signed; answers until when, in seconds since 1970.
///
/// # Errors
/// As [`publish_next`].
pub fn promote(folder: &Path, kind: KeyKind) -> Result<i64> {
    let life = match kind {
        KeyKind::Access => ACCESS_LIFETIME,
        KeyKind::Assertion | KeyKind::Ticket => LIFETIME,
    };
    let until = now() + (life + SLACK).as_secs().cast_signed();
    mint::promote(folder, kind, until)?;
    Ok(until)
}
