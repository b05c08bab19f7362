//! The public keys that verify assertions, fetched where the process does not hold them.

use std::{
    collections::HashMap,
    future::Future,
    pin::Pin,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use devsphere_error::{Error, Result};
use jsonwebtoken::DecodingKey;

/// An unknown key is looked for at most this often.
const REFETCH_AFTER: Duration = Duration::from_secs(30);

/// An Ed25519 public key and its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    /// The `kid` of what it signed.
    pub kid: String,
    /// 32 bytes.
    pub bytes: Vec<u8>,
}

/// Where public keys come from: identity's own files, or its `ListKeys`.
pub trait KeySource: Send + Sync {
    /// Every key that is valid now.
    fn fetch(&self) -> Pin<Box<dyn Future<Output = Result<Vec<PublicKey>>> + Send + '_>>;
}

impl KeySource for Vec<PublicKey> {
    fn fetch(&self) -> Pin<Box<dyn Future<Output = Result<Vec<PublicKey>>> + Send + '_>> {
        Box::pin(async { Ok(self.clone()) })
    }
}

/// The keys known so far, and the way to more.
pub(crate) struct KeyRing {
    source: Box<dyn KeySource>,
    known: Mutex<Known>,
    fetching: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Known {
    keys: HashMap<String, DecodingKey>,
    fetched: Option<Instant>,
    generation: Generation,
}

/// Which keys are known: another one each time they are fetched.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Generation(u64);

impl KeyRing {
    pub(crate) fn new(source: Box<dyn KeySource>) -> Self {
        Self { source, known: Mutex::default(), fetching: tokio::sync::Mutex::default() }
    }

    /// The key of that name; asks the source for an unknown one, but no more than once in 30 s.
    pub(crate) async fn get(&self, kid: &str) -> Result<DecodingKey> {
        if let Some(key) = self.known(kid) {
            return Ok(key);
        }
        let _one_at_a_time = self.fetching.lock().await;
        if let Some(key) = self.known(kid) {
            return Ok(key);
        }
        if self.lock().fetched.is_some_and(|fetched| fetched.elapsed() < REFETCH_AFTER) {
            return Err(Error::Unauthenticated);
        }
        self.fetch().await?;
        self.known(kid).ok_or(Error::Unauthenticated)
    }

    /// Which keys are known now.
    pub(crate) fn generation(&self) -> Generation {
        self.lock().generation
    }

    /// Asks the source, unless exactly the published keys are known.
    pub(crate) async fn learn(&self, published: &[String]) -> Result<()> {
        let is_known = || {
            let known = self.lock();
            known.keys.len() == published.len()
                && published.iter().all(|kid| known.keys.contains_key(kid))
        };
        if is_known() {
            return Ok(());
        }
        let _one_at_a_time = self.fetching.lock().await;
        if is_known() { Ok(()) } else { self.fetch().await }
    }

    async fn fetch(&self) -> Result<()> {
        let keys = self.source.fetch().await?;
        let mut known = self.lock();
        // Replaced, not added to: a key that is gone at the source verifies nothing any more.
        known.keys =
            keys.into_iter().map(|key| (key.kid, DecodingKey::from_ed_der(&key.bytes))).collect();
        known.fetched = Some(Instant::now());
        known.generation.0 += 1;
        Ok(())
    }

    fn known(&self, kid: &str) -> Option<DecodingKey> {
        self.lock().keys.get(kid).cloned()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
