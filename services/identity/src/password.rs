//! Passwords: Argon2id, two at a time, and none that is easy to guess.

use std::{sync::Arc, time::Duration};

use argon2::{
    Argon2,
    password_hash::{PasswordHasher as _, PasswordVerifier as _, phc::PasswordHash},
};
use devsphere_error::{Check, Error, Result};
use tokio::sync::Semaphore;

/// Hashing is heavy on purpose: more than this many at once would starve everything else.
const AT_ONCE: usize = 2;

/// A sign-in waits this long for its turn.
const PATIENCE: Duration = Duration::from_secs(2);

/// Hashes and compares, off the async threads.
pub(crate) struct Passwords {
    turns: Arc<Semaphore>,
    /// Compared with when the address is unknown, so that it takes as long.
    dummy: String,
}

/// What comparing told.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Compared {
    pub(crate) right: bool,
}

impl Passwords {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self { turns: Arc::new(Semaphore::new(AT_ONCE)), dummy: hash(b"nobody's password")? })
    }

    /// The password's hash as a PHC string, with a salt of its own.
    pub(crate) async fn hash(&self, password: String) -> Result<String> {
        self.in_turn(move || hash(password.as_bytes())).await
    }

    /// Compares with a hash, or with nobody's: both take as long, and nobody's is never right.
    pub(crate) async fn compare(
        &self,
        password: String,
        known: Option<String>,
    ) -> Result<Compared> {
        let somebody = known.is_some();
        let hash = known.unwrap_or_else(|| self.dummy.clone());
        self.in_turn(move || {
            let parsed =
                PasswordHash::new(&hash).map_err(|error| Error::internal(error.to_string()))?;
            let same = Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok();
            Ok(Compared { right: same && somebody })
        })
        .await
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let turn = tokio::time::timeout(PATIENCE, self.turns.clone().acquire_owned()).await;
        let turn = turn.map_err(|_| Error::Overloaded)?.map_err(Error::internal)?;
        tokio::task::spawn_blocking(move || {
            // Held until the work is done, even when the caller is gone by then.
            let _turn = turn;
            work()
        })
        .await
        .map_err(Error::internal)?
    }
}

fn hash(password: &[u8]) -> Result<String> {
    let hash = Argon2::default().hash_password(password);
    Ok(hash.map_err(|error| Error::internal(error.to_string()))?.to_string())
}

/// Notes a password that common-password lists and patterns find; `known` are words that an
/// attacker would try first.
pub(crate) fn check(check: &mut Check, field: &str, password: &str, known: &[&str]) {
    if zxcvbn::zxcvbn(password, known).score() < zxcvbn::Score::Two {
        check.note(field, "is too easy to guess, use more or rarer words");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_passwords_are_refused_and_a_passphrase_is_not() {
        let refused = |password: &str| {
            let mut found = Check::default();
            check(&mut found, "password", password, &["northwind"]);
            found.done().is_err()
        };

        for common in
            ["password1234", "qwertyuiop123", "123456789012", "northwind123", "aaaaaaaaaaaaaa"]
        {
            assert!(refused(common), "{common}");
        }
        assert!(!refused("correct horse battery staple"));
    }
}
