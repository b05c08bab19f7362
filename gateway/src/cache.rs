//! Assertions by the hash of their credential: as many as fit, and none for longer than it is good.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tokio::time::Instant;

use crate::{exchange::Exchanged, flights::Key};

/// Never forwarded with less than this left.
const LEAST_LEFT: Duration = Duration::from_secs(15);

/// The most that are kept, about 2 kB each.
const MOST: usize = 16_384;

/// The assertions that may be used again.
#[derive(Default)]
pub(crate) struct Cache(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    entries: HashMap<Key, Arc<Entry>>,
    /// As they came, which is as they go: what came first is good for the shortest.
    order: VecDeque<(Instant, Key)>,
}

/// An assertion, and how long it may be used.
pub(crate) struct Entry {
    pub(crate) exchanged: Arc<Exchanged>,
    until: Instant,
    /// From then on it should be renewed: after two thirds of an assertion's life.
    due: Instant,
    renewing: AtomicBool,
}

impl Entry {
    /// What was asked for at `begun`; none when it is not worth keeping.
    fn new(exchanged: Arc<Exchanged>, begun: Instant) -> Option<Self> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
        let left = |end: i64| Duration::from_secs(u64::try_from(end).ok()?).checked_sub(now);
        // A clock of ours that is behind must not stretch it.
        let life = left(exchanged.expires)?.min(devsphere_auth::LIFETIME);
        let mut good = life.checked_sub(LEAST_LEFT)?;
        if let Some(end) = exchanged.credential_expires {
            good = good.min(left(end)?);
        }
        let until = begun + good;
        (until > Instant::now()).then(|| Self {
            exchanged,
            until,
            due: begun + life.saturating_sub(devsphere_auth::LIFETIME / 3),
            renewing: AtomicBool::new(false),
        })
    }

    /// True for the one who is to renew it.
    pub(crate) fn is_due(&self) -> bool {
        Instant::now() >= self.due && !self.renewing.swap(true, Ordering::Relaxed)
    }

    /// Lets another try to renew it.
    pub(crate) fn is_not_renewed(&self) {
        self.renewing.store(false, Ordering::Relaxed);
    }
}

impl Cache {
    /// What is kept for the credential and still good.
    pub(crate) fn get(&self, key: &Key) -> Option<Arc<Entry>> {
        let entry = self.lock().entries.get(key).cloned()?;
        (entry.until > Instant::now()).then_some(entry)
    }

    /// Keeps an assertion that was asked for at `begun`, instead of an earlier one.
    pub(crate) fn put(&self, key: Key, exchanged: Arc<Exchanged>, begun: Instant) {
        let Some(entry) = Entry::new(exchanged, begun) else { return };
        let until = entry.until;
        let mut kept = self.lock();
        kept.entries.insert(key, Arc::new(entry));
        kept.order.push_back((until, key));
        kept.tidy();
    }

    pub(crate) fn remove(&self, key: &Key) {
        self.lock().entries.remove(key);
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// Lets go of what is over, and of the oldest where there are too many.
    fn tidy(&mut self) {
        let now = Instant::now();
        while let Some((until, key)) = self.order.front()
            && (*until <= now || self.order.len() > MOST)
        {
            // A later one of the same credential has its own place in the order.
            if self.entries.get(key).is_some_and(|entry| entry.until == *until) {
                self.entries.remove(key);
            }
            self.order.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> i64 {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().cast_signed()
    }

    fn sizes(cache: &Cache) -> (usize, usize) {
        let kept = cache.lock();
        (kept.entries.len(), kept.order.len())
    }

    fn good_for(seconds: i64) -> Arc<Exchanged> {
        Arc::new(Exchanged { expires: now() + seconds, ..Exchanged::nobody() })
    }

    fn key(number: usize) -> Key {
        let mut key = Key::default();
        key[..8].copy_from_slice(&number.to_be_bytes());
        key
    }

    #[tokio::test(start_paused = true)]
    async fn one_is_due_after_two_thirds_and_over_with_fifteen_seconds_left() {
        let cache = Cache::default();
        cache.put(key(1), good_for(61), Instant::now());
        assert!(!cache.get(&key(1)).unwrap().is_due());
        tokio::time::advance(Duration::from_secs(41)).await;
        let entry = cache.get(&key(1)).unwrap();
        assert!(entry.is_due() && !entry.is_due(), "one renews it, once");
        entry.is_not_renewed();
        assert!(entry.is_due());
        tokio::time::advance(Duration::from_secs(5)).await;
        assert!(cache.get(&key(1)).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn an_assertion_does_not_outlive_its_credential() {
        let cache = Cache::default();
        let ends = Exchanged { credential_expires: Some(now() + 8), ..Exchanged::nobody() };
        let ends = Arc::new(Exchanged { expires: now() + 60, ..ends });
        cache.put(key(1), ends, Instant::now());
        assert!(cache.get(&key(1)).is_some());
        tokio::time::advance(Duration::from_secs(8)).await;
        assert!(cache.get(&key(1)).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_no_good_for_long_is_not_kept() {
        let cache = Cache::default();
        let over = Exchanged { credential_expires: Some(now() - 1), ..Exchanged::nobody() };
        cache.put(key(1), Arc::new(Exchanged { expires: now() + 60, ..over }), Instant::now());
        cache.put(key(2), good_for(15), Instant::now());
        cache.put(key(3), good_for(60), Instant::now() - Duration::from_secs(46));
        cache.put(key(4), Arc::new(Exchanged::nobody()), Instant::now());
        assert!(cache.lock().entries.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn there_are_never_too_many_and_the_oldest_go_first() {
        let cache = Cache::default();
        for number in 0..MOST + 10 {
            cache.put(key(number), good_for(60), Instant::now());
        }
        assert_eq!(sizes(&cache), (MOST, MOST));
        assert!(cache.get(&key(9)).is_none() && cache.get(&key(10)).is_some());

        tokio::time::advance(Duration::from_secs(46)).await;
        cache.put(key(0), good_for(60), Instant::now());
        assert_eq!(sizes(&cache), (1, 1));
    }
}
