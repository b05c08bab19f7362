//! A signed root: a statement over all heads, the key that signs it, and the key that checks it.

use std::{fmt, str::FromStr};

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Hash, SealError, hex, tree::sha256, unhex};

/// Begins what is signed, so that no other signature of the key passes for a root's.
const TAG: &[u8] = b"devsphere.audit.root.v1\n";

/// Signs roots. Services do not hold it.
pub struct SealKey {
    pair: Ed25519KeyPair,
    former: Vec<FormerKey>,
}

/// Checks roots: each against the one key that had to sign it.
#[derive(Clone)]
pub struct RootKey {
    own: Vec<u8>,
    /// In the order of the roots that they signed.
    former: Vec<FormerKey>,
}

/// A key that signed every root up to a number, before the log came to an installation with a key of
/// its own. As text, the public half in hexadecimal, a colon, and the number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormerKey {
    key: Vec<u8>,
    last: i64,
}

/// What a root states. Its JSON text, byte for byte, is what is signed and kept.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Statement {
    pub(super) number: i64,
    pub(super) time: DateTime<Utc>,
    /// The key that signs.
    pub(super) key: String,
    /// SHA-256 of the statement before.
    pub(super) previous: String,
    /// So many chains are under the root.
    pub(super) leaves: usize,
    pub(super) root: String,
    /// The heads that moved since the root before.
    pub(super) heads: Vec<Head>,
}

/// Where a chain ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Head {
    pub(super) chain: Uuid,
    pub(super) leaf: usize,
    pub(super) position: i64,
    pub(super) hash: String,
}

/// A statement's text with its signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Signed {
    pub(super) statement: String,
    pub(super) signature: Vec<u8>,
}

impl SealKey {
    /// A fresh key as its file has it: PKCS #8 in hexadecimal.
    ///
    /// # Errors
    /// When the machine has no randomness.
    pub fn generate() -> Result<String, SealError> {
        let key = Ed25519KeyPair::generate().map_err(|_| SealError::Key)?;
        let bytes = key.to_pkcs8().map_err(|_| SealError::Key)?;
        Ok(hex(bytes.as_ref()))
    }

    /// The key of a file's text.
    ///
    /// # Errors
    /// When it is no such key.
    pub fn parse(text: &str) -> Result<Self, SealError> {
        let bytes = unhex(text.trim()).ok_or(SealError::Key)?;
        let pair = Ed25519KeyPair::from_pkcs8(&bytes).map_err(|_| SealError::Key)?;
        Ok(Self { pair, former: Vec::new() })
    }

    /// The same, in a log whose first roots were signed by others.
    #[must_use]
    pub fn after(self, former: Vec<FormerKey>) -> Self {
        Self { former, ..self }
    }

    /// What checks its signatures.
    pub fn public(&self) -> RootKey {
        let own = self.pair.public_key().as_ref().to_vec();
        RootKey { own, former: Vec::new() }.after(self.former.clone())
    }

    pub(super) fn sign(&self, statement: &Statement) -> Result<Signed, SealError> {
        let statement = serde_json::to_string(statement).map_err(|_| SealError::Key)?;
        let signature = self.pair.sign(&[TAG, statement.as_bytes()].concat());
        Ok(Signed { signature: signature.as_ref().to_vec(), statement })
    }
}

impl RootKey {
    /// Of 32 bytes in hexadecimal.
    pub fn from_hex(text: &str) -> Option<Self> {
        public(text).map(|own| Self { own, former: Vec::new() })
    }

    /// The same, in a log whose first roots were signed by others.
    #[must_use]
    pub fn after(mut self, former: Vec<FormerKey>) -> Self {
        self.former = former;
        self.former.sort_by_key(|former| former.last);
        self
    }

    /// What an heir of this log needs to know, if this key's last root has that number.
    pub fn line_of_keys(&self, last: i64) -> Vec<FormerKey> {
        let own = FormerKey { key: self.own.clone(), last };
        self.former.iter().cloned().chain([own]).collect()
    }

    /// The 32 bytes in hexadecimal.
    pub fn to_hex(&self) -> String {
        hex(&self.own)
    }

    /// What statements call it.
    pub(super) fn name(&self) -> String {
        hex(&sha256(&self.own)[..8])
    }

    /// The statement, if the key that had to sign it did.
    pub(super) fn open(&self, signed: &Signed) -> Option<Statement> {
        let statement: Statement = serde_json::from_str(&signed.statement).ok()?;
        let former = self.former.iter().find(|former| statement.number <= former.last);
        let key = UnparsedPublicKey::new(&ED25519, former.map_or(&self.own, |former| &former.key));
        key.verify(&[TAG, signed.statement.as_bytes()].concat(), &signed.signature).ok()?;
        Some(statement)
    }
}

impl FromStr for FormerKey {
    type Err = SealError;

    fn from_str(text: &str) -> Result<Self, SealError> {
        let (key, last) = text.trim().split_once(':').ok_or(SealError::Key)?;
        let key = public(key).ok_or(SealError::Key)?;
        Ok(Self { key, last: last.parse().map_err(|_| SealError::Key)? })
    }
}

impl fmt::Display for FormerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", hex(&self.key), self.last)
    }
}

fn public(text: &str) -> Option<Vec<u8>> {
    unhex(text.trim()).filter(|bytes| bytes.len() == 32)
}

impl Signed {
    /// What the statement after it names.
    pub(super) fn digest(&self) -> Hash {
        sha256(self.statement.as_bytes())
    }

    /// As it stands in a file.
    pub(super) fn line(&self) -> String {
        format!("{} {}\n", hex(&self.signature), self.statement)
    }

    /// The reverse of [`Signed::line`].
    pub(super) fn parse(line: &str) -> Option<Self> {
        let (signature, statement) = line.trim_end().split_once(' ')?;
        Some(Self { statement: statement.to_owned(), signature: unhex(signature)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement(number: i64) -> Statement {
        Statement {
            number,
            time: DateTime::UNIX_EPOCH,
            key: "k".into(),
            previous: String::new(),
            leaves: 0,
            root: String::new(),
            heads: Vec::new(),
        }
    }

    #[test]
    fn a_root_opens_with_its_key_and_with_no_other() {
        let key = SealKey::parse(&SealKey::generate().unwrap()).unwrap();
        let other = SealKey::parse(&SealKey::generate().unwrap()).unwrap();
        let signed = key.sign(&statement(7)).unwrap();

        assert_eq!(Signed::parse(&signed.line()).as_ref(), Some(&signed));
        assert_eq!(key.public().open(&signed).map(|opened| opened.number), Some(7));
        assert!(other.public().open(&signed).is_none());
        let changed = Signed { statement: signed.statement.replace('7', "8"), ..signed };
        assert!(key.public().open(&changed).is_none());
    }

    #[test]
    fn each_root_opens_with_the_key_whose_turn_it_was() {
        let [first, second, third] =
            [(); 3].map(|()| SealKey::parse(&SealKey::generate().unwrap()).unwrap());
        let line = first.public().line_of_keys(4);
        let line = second.public().after(line).line_of_keys(7);
        let text: Vec<String> = line.iter().map(ToString::to_string).collect();
        let key = third.public().after(text.iter().map(|text| text.parse().unwrap()).collect());

        let opens =
            |by: &SealKey, number| key.open(&by.sign(&statement(number)).unwrap()).is_some();
        let opened: Vec<_> = (4..=8)
            .map(|number| [opens(&first, number), opens(&second, number), opens(&third, number)])
            .collect();

        let turn = |who: usize| [who == 0, who == 1, who == 2];
        assert_eq!(opened, [turn(0), turn(1), turn(1), turn(1), turn(2)]);
    }
}
