//! How a key comes, signs and goes: three states, which are names of files, each step a rename.

use std::{fs, io, path::Path};

use devsphere_error::Result;

use super::{
    KeyFile, SigningKey,
    files::{at, key_files, ticket, write_missing},
};
use crate::TicketKey;

/// What a key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyKind {
    /// Access tokens.
    Access,
    /// Assertions.
    Assertion,
    /// Database tickets.
    Ticket,
}

/// Where a key stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyState {
    /// Published, so that everybody knows it before it signs.
    Next,
    /// Signs.
    Current,
    /// Only verifies, until those seconds since 1970.
    Old {
        /// The end of all that it signed.
        until: i64,
    },
}

const NEXT: &str = ".next";
const OLD: &str = ".old-";

impl KeyKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Access, Self::Assertion, Self::Ticket];

    const fn file(self) -> &'static str {
        match self {
            Self::Access => "access-token.pkcs8",
            Self::Assertion => "assertion.pkcs8",
            Self::Ticket => "ticket",
        }
    }

    /// A fresh key as the content of its file.
    pub(super) fn generate(self) -> Result<Vec<u8>> {
        if self != Self::Ticket {
            return Ok(SigningKey::generate()?.pkcs8().to_vec());
        }
        let key = TicketKey::generate()?;
        let digits: Vec<_> = key.secret().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(format!("{} {}\n", key.kid(), digits.concat()).into_bytes())
    }
}

impl KeyState {
    /// The file of a key of that kind in this state.
    pub fn file(self, kind: KeyKind) -> String {
        let name = kind.file();
        match self {
            Self::Next => format!("{name}{NEXT}"),
            Self::Current => name.to_owned(),
            Self::Old { until } => format!("{name}{OLD}{until}"),
        }
    }

    /// What a file of that name is; none when it is no key's.
    pub fn of_file(name: &str) -> Option<(KeyKind, Self)> {
        KeyKind::ALL.into_iter().find_map(|kind| {
            let state = match name.strip_prefix(kind.file())? {
                "" => Self::Current,
                NEXT => Self::Next,
                old => Self::Old { until: old.strip_prefix(OLD)?.parse().ok()? },
            };
            Some((kind, state))
        })
    }

    /// The end of an old key.
    pub const fn until(self) -> Option<i64> {
        match self {
            Self::Old { until } => Some(until),
            Self::Next | Self::Current => None,
        }
    }
}

impl KeyFile {
    /// The key's name.
    ///
    /// # Errors
    /// When the file cannot be read, or is damaged.
    pub fn kid(&self) -> Result<String> {
        let bytes = fs::read(&self.path).map_err(at(&self.path))?;
        match self.kind {
            KeyKind::Ticket => Ok(ticket(&bytes)?.kid().to_owned()),
            _ => Ok(SigningKey::from_pkcs8(&bytes)?.kid),
        }
    }
}

/// Publishes a next key, unless there is one already: a rotation that broke off goes on with it.
///
/// # Errors
/// When the folder cannot be written.
pub fn publish_next(folder: &Path, kind: KeyKind) -> Result<()> {
    write_missing(&folder.join(KeyState::Next.file(kind)), || kind.generate())
}

/// Makes the next key the current one, which verifies until then. Broken off in between, the
/// current key stands at two places, which is as good as at one, and the next call ends it.
///
/// # Errors
/// When there is no next key, or the folder cannot be written.
pub fn promote(folder: &Path, kind: KeyKind, until: i64) -> Result<()> {
    let path = |state: KeyState| folder.join(state.file(kind));
    let (next, current, old) =
        (path(KeyState::Next), path(KeyState::Current), path(KeyState::Old { until }));
    match fs::hard_link(&current, &old) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(at(&old)(error)),
        _ => {}
    }
    fs::rename(&next, &current).map_err(at(&next))?;
    let folder_file = fs::File::open(folder).map_err(at(folder))?;
    folder_file.sync_all().map_err(at(folder))
}

/// Removes the old keys whose time is over.
///
/// # Errors
/// When the folder cannot be read or written.
pub fn sweep(folder: &Path, now: i64) -> Result<()> {
    let over = |file: &KeyFile| file.state.until().is_some_and(|until| until <= now);
    for file in key_files(folder)?.into_iter().filter(over) {
        match fs::remove_file(&file.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(at(&file.path)(error));
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::mint::KeyFiles;

    struct Folder(PathBuf);

    impl Folder {
        fn fresh(name: &str) -> Self {
            let name = format!("devsphere-keys-{}-{name}", std::process::id());
            let folder = std::env::temp_dir().join(name);
            KeyFiles::init(&folder).unwrap();
            Self(folder)
        }

        fn states(&self, kind: KeyKind) -> Vec<(KeyState, String)> {
            let files = key_files(&self.0).unwrap().into_iter();
            let files = files.filter(|file| file.kind == kind);
            files.map(|file| (file.state, file.kid().unwrap())).collect()
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_key_is_next_then_current_then_old_and_then_gone() {
        let folder = Folder::fresh("states");
        for kind in KeyKind::ALL {
            let [(KeyState::Current, first)] = &folder.states(kind)[..] else { panic!() };
            publish_next(&folder.0, kind).unwrap();
            publish_next(&folder.0, kind).unwrap();
            let [(KeyState::Next, next), (KeyState::Current, current)] = &folder.states(kind)[..]
            else {
                panic!()
            };
            assert!(current == first && next != first);

            promote(&folder.0, kind, 100).unwrap();
            let old = KeyState::Old { until: 100 };
            let expected = vec![(KeyState::Current, next.clone()), (old, first.clone())];
            assert_eq!(folder.states(kind), expected);
            assert!(promote(&folder.0, kind, 200).is_err(), "there is no next one");
            sweep(&folder.0, 99).unwrap();
            assert!(folder.states(kind).contains(&(old, first.clone())));
            sweep(&folder.0, 200).unwrap();
            assert_eq!(folder.states(kind), vec![(KeyState::Current, next.clone())]);
        }
    }

    #[test]
    fn both_keys_are_read_wherever_a_rotation_breaks_off() {
        let folder = Folder::fresh("broken-off");
        let before = KeyFiles::read(&folder.0).unwrap();
        publish_next(&folder.0, KeyKind::Assertion).unwrap();
        let path = |state: KeyState| folder.0.join(state.file(KeyKind::Assertion));
        // Between the link and the rename.
        fs::hard_link(path(KeyState::Current), path(KeyState::Old { until: 50 })).unwrap();
        let read = KeyFiles::read(&folder.0).unwrap();
        assert_eq!(read.assertion.public(), before.assertion.public());
        assert_eq!(read.other_assertion.len(), 2);

        promote(&folder.0, KeyKind::Assertion, 60).unwrap();
        let read = KeyFiles::read(&folder.0).unwrap();
        assert_ne!(read.assertion.public(), before.assertion.public());
        let old = |other: &super::super::Other<SigningKey>| other.key.public();
        assert!(read.other_assertion.iter().all(|other| old(other) == before.assertion.public()));
    }

    #[test]
    fn other_files_are_no_keys() {
        for name in ["ticket.1.new", "ticket.old", "ticket.old-x", "tickets", "postgres.password"] {
            assert_eq!(KeyState::of_file(name), None, "{name}");
        }
    }
}
