//! Secrets at rest: sealed for one place, so that what is moved to another organisation or column does
//! not open there.

use std::{fmt, fs, path::Path, sync::Arc};

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey},
    digest::{SHA256, digest},
    rand,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use devsphere_error::{Error, Result};
use uuid::Uuid;

use crate::mint::write_missing;

/// The file in the folder of keys: a key in base64 on each line. The first seals, all of them open.
pub const VAULT_FILE: &str = "vault.key";

const KEY: usize = 32;
/// Bytes that name a key, before the nonce.
const NAME: usize = 4;

/// Seals and opens secrets, with keys that lie beside the database and never in it.
#[derive(Clone)]
pub struct Vault {
    keys: Arc<[Named]>,
}

struct Named {
    name: [u8; NAME],
    key: RandomizedNonceKey,
}

/// Where a sealed secret lies.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// Whose it is.
    pub organization: Uuid,
    /// As in `administration.ai_provider.api_key`; a record's id belongs into it where there are several.
    pub column: &'static str,
}

impl Vault {
    /// Makes the file in the folder of keys, if it is missing.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn init(folder: &Path) -> Result<()> {
        write_missing(&folder.join(VAULT_FILE), fresh_line)
    }

    /// The file's text with a fresh key first; what was sealed before opens as before.
    ///
    /// # Errors
    /// When there is no randomness to be had.
    pub fn turned(text: &str) -> Result<Vec<u8>> {
        let mut turned = fresh_line()?;
        turned.extend_from_slice(text.as_bytes());
        Ok(turned)
    }

    /// Reads the file.
    ///
    /// # Errors
    /// When it is missing or damaged.
    pub fn open_folder(folder: &Path) -> Result<Self> {
        let path = folder.join(VAULT_FILE);
        let text = fs::read_to_string(&path)
            .map_err(|error| Error::internal(format!("{}: {error}", path.display())))?;
        let keys: Option<Vec<_>> = text.lines().map(Named::read).collect();
        match keys {
            Some(keys) if !keys.is_empty() => Ok(Self { keys: keys.into() }),
            _ => Err(Error::internal(format!("{} is damaged", path.display()))),
        }
    }

    /// Seals a secret for a place.
    ///
    /// # Errors
    /// When there is no randomness to be had.
    pub fn seal(&self, place: Place, secret: &str) -> Result<Vec<u8>> {
        let Named { name, key } = &self.keys[0];
        let mut sealed = secret.as_bytes().to_vec();
        let nonce = key.seal_in_place_append_tag(Aad::from(place.bytes()), &mut sealed);
        let nonce = nonce.map_err(|_| Error::internal("a secret cannot be sealed"))?;
        Ok([name.as_slice(), nonce.as_ref(), &sealed].concat())
    }

    /// Opens what was sealed for that very place.
    ///
    /// # Errors
    /// `Internal` for anything else, and for a key that is not there any more.
    pub fn open(&self, place: Place, sealed: &[u8]) -> Result<String> {
        let shut = || Error::internal(format!("a secret of {} does not open", place.column));
        let (name, rest) = sealed.split_at_checked(NAME).ok_or_else(shut)?;
        let (nonce, secret) = rest.split_at_checked(NONCE_LEN).ok_or_else(shut)?;
        let named = self.keys.iter().find(|named| named.name == name).ok_or_else(shut)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| shut())?;
        let mut secret = secret.to_vec();
        let aad = Aad::from(place.bytes());
        let opened = named.key.open_in_place(nonce, aad, &mut secret).map_err(|_| shut())?;
        String::from_utf8(opened.to_vec()).map_err(|_| shut())
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault")
    }
}

impl Named {
    fn read(line: &str) -> Option<Self> {
        let bytes = STANDARD.decode(line.trim()).ok().filter(|bytes| bytes.len() == KEY)?;
        let mut name = [0; NAME];
        name.copy_from_slice(&digest(&SHA256, &bytes).as_ref()[..NAME]);
        Some(Self { name, key: RandomizedNonceKey::new(&AES_256_GCM, &bytes).ok()? })
    }
}

impl Place {
    fn bytes(&self) -> Vec<u8> {
        [self.organization.as_bytes().as_slice(), self.column.as_bytes()].concat()
    }
}

fn fresh_line() -> Result<Vec<u8>> {
    let mut key = [0; KEY];
    rand::fill(&mut key).map_err(|_| Error::internal("no randomness"))?;
    Ok(format!("{}\n", STANDARD.encode(key)).into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMN: &str = "administration.ai_provider.api_key";

    fn folder() -> std::path::PathBuf {
        let folder = std::env::temp_dir().join(format!("devsphere-vault-{}", Uuid::new_v4()));
        fs::create_dir_all(&folder).unwrap();
        Vault::init(&folder).unwrap();
        folder
    }

    fn place(organization: u128) -> Place {
        Place { organization: Uuid::from_u128(organization), column: COLUMN }
    }

    #[test]
    fn a_secret_opens_where_it_was_sealed_and_is_never_sealed_the_same() {
        let vault = Vault::open_folder(&folder()).unwrap();

        let sealed = vault.seal(place(1), "sk-secret").unwrap();

        assert_eq!(vault.open(place(1), &sealed).unwrap(), "sk-secret");
        assert_ne!(vault.seal(place(1), "sk-secret").unwrap(), sealed);
        assert!(!sealed.windows(9).any(|bytes| bytes == b"sk-secret"));
    }

    #[test]
    fn of_a_thousand_secrets_moved_elsewhere_none_opens() {
        let vault = Vault::open_folder(&folder()).unwrap();
        let other = Place { column: "seo.site.password", ..place(0) };

        for number in 0..1000 {
            let sealed = vault.seal(place(number), "sk-secret").unwrap();
            assert!(vault.open(place(number + 1), &sealed).is_err());
            let organization = Uuid::from_u128(number);
            assert!(vault.open(Place { organization, ..other }, &sealed).is_err());
        }
    }

    #[test]
    fn a_changed_byte_or_a_lost_end_shuts_it() {
        let vault = Vault::open_folder(&folder()).unwrap();
        let sealed = vault.seal(place(1), "sk-secret").unwrap();

        for byte in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[byte] ^= 1;
            assert!(vault.open(place(1), &changed).is_err(), "byte {byte}");
            assert!(vault.open(place(1), &sealed[..byte]).is_err(), "{byte} bytes");
        }
    }

    #[test]
    fn a_turned_key_opens_what_the_last_one_sealed() {
        let folder = folder();
        let old = Vault::open_folder(&folder).unwrap();
        let sealed = old.seal(place(1), "sk-secret").unwrap();
        let text = fs::read_to_string(folder.join(VAULT_FILE)).unwrap();
        fs::write(folder.join(VAULT_FILE), Vault::turned(&text).unwrap()).unwrap();

        let new = Vault::open_folder(&folder).unwrap();

        assert_eq!(new.open(place(1), &sealed).unwrap(), "sk-secret");
        assert!(old.open(place(1), &new.seal(place(1), "x").unwrap()).is_err());
    }

    #[test]
    fn a_damaged_file_is_none() {
        let folder = folder();
        for damaged in ["", "no key\n", "YQ==\n"] {
            fs::write(folder.join(VAULT_FILE), damaged).unwrap();
            assert!(Vault::open_folder(&folder).is_err(), "{damaged:?}");
        }
    }
}
