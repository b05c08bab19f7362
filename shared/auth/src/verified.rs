//! Assertions that were verified already. A signature holds for ever, so it is checked once; whatever may
//! have changed since is looked at each time.

use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use lru::LruCache;

use crate::{Caller, keys::Generation};

/// Those used last are remembered, 4 kB each at most; more callers at once are only slower.
const MOST: NonZeroUsize = NonZeroUsize::new(2048).unwrap();

/// Callers by the very bytes of their assertion.
pub(crate) struct Verified(Mutex<LruCache<Arc<str>, Kept>>);

struct Kept {
    caller: Caller,
    /// The keys of its time: with others its own may be gone.
    keys: Generation,
}

impl Verified {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(LruCache::new(MOST)))
    }

    /// The caller, while the assertion is good (`now` in seconds since 1970) and the keys are those
    /// that it was verified with.
    pub(crate) fn get(&self, assertion: &str, keys: Generation, now: i64) -> Option<Caller> {
        let mut kept = self.lock();
        let found = kept.get(assertion)?;
        if found.keys == keys && found.caller.is_good_at(now) {
            return Some(found.caller.clone());
        }
        kept.pop(assertion);
        None
    }

    /// Remembers one that was verified with keys that are no older than those.
    pub(crate) fn put(&self, caller: &Caller, keys: Generation) {
        let kept = Kept { caller: caller.clone(), keys };
        self.lock().put(caller.shared_assertion(), kept);
    }

    fn lock(&self) -> MutexGuard<'_, LruCache<Arc<str>, Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::{future::Future, pin::Pin, time::SystemTime};

    use devsphere_error::Result;
    use devsphere_proto::Contract;
    use uuid::Uuid;

    use super::*;
    use crate::{
        KeySource, Kind, PermissionSet, PublicKey, Subject, TicketKey, Verifier,
        mint::{Minter, SigningKey},
    };

    /// Keys that change.
    #[derive(Clone)]
    struct Published(Arc<Mutex<Vec<PublicKey>>>);

    impl KeySource for Published {
        fn fetch(&self) -> Pin<Box<dyn Future<Output = Result<Vec<PublicKey>>> + Send + '_>> {
            Box::pin(async { Ok(self.0.lock().unwrap().clone()) })
        }
    }

    fn now() -> i64 {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        now.as_secs().cast_signed()
    }

    fn assertion(key: &SigningKey, begun: i64) -> String {
        let ticket_key = TicketKey::generate().unwrap();
        let minter = Minter::new(Contract::get().unwrap(), key.clone(), ticket_key);
        let subject = Subject {
            kind: Kind::User,
            id: Uuid::now_v7(),
            session: None,
            organization: None,
            client: None,
            permissions: PermissionSet::EMPTY,
        };
        minter.assertion(&subject, begun).unwrap().0
    }

    #[tokio::test]
    async fn a_key_that_is_gone_takes_what_it_signed_with_it() {
        let (old, new) = (SigningKey::generate().unwrap(), SigningKey::generate().unwrap());
        let published = Published(Arc::new(Mutex::new(vec![old.public(), new.public()])));
        let verifier = Verifier::new(published.clone());
        let [of_old, of_new] = [&old, &new].map(|key| assertion(key, now()));
        for good in [&of_old, &of_new, &of_old, &of_new] {
            verifier.caller(good).await.unwrap();
        }

        *published.0.lock().unwrap() = vec![new.public()];
        verifier.learn(&[new.public().kid]).await.unwrap();

        assert!(verifier.caller(&of_old).await.is_err());
        assert_eq!(verifier.caller(&of_new).await.unwrap().assertion(), of_new);
    }

    #[tokio::test]
    async fn an_assertion_is_remembered_until_its_end_and_not_a_second_longer() {
        let key = SigningKey::generate().unwrap();
        let verifier = Verifier::new(vec![key.public()]);
        let begun = now();
        let caller = verifier.caller(&assertion(&key, begun)).await.unwrap();
        let (verified, keys) = (Verified::new(), Generation::default());
        let get = |at| verified.get(caller.assertion(), keys, at).is_some();
        let remembered = [(-6, false), (-5, true), (0, true), (59, true), (60, false)];
        for (later, expected) in remembered {
            verified.put(&caller, keys);
            assert_eq!(get(begun + later), expected, "{later}");
        }
        assert!(!get(begun), "what was over once is verified anew");
    }

    #[tokio::test]
    async fn only_the_very_bytes_are_remembered() {
        let key = SigningKey::generate().unwrap();
        let verifier = Verifier::new(vec![key.public()]);
        let good = assertion(&key, now());
        verifier.caller(&good).await.unwrap();

        for place in 0..good.len() {
            let mut bytes = good.clone().into_bytes();
            bytes[place] ^= 1;
            let Ok(other) = String::from_utf8(bytes) else { continue };
            assert!(verifier.caller(&other).await.is_err(), "{place}");
        }
    }

    #[tokio::test]
    async fn there_are_never_too_many_and_those_used_last_stay() {
        let key = SigningKey::generate().unwrap();
        let verifier = Verifier::new(vec![key.public()]);
        let (verified, keys) = (Verified::new(), Generation::default());
        let first = verifier.caller(&assertion(&key, now())).await.unwrap();
        verified.put(&first, keys);
        for _ in 0..MOST.get() + 5 {
            let other = verifier.caller(&assertion(&key, now())).await.unwrap();
            verified.put(&other, keys);
            assert!(verified.get(first.assertion(), keys, now()).is_some());
        }
        assert_eq!(verified.lock().len(), MOST.get());
    }
}
