//! One meter for each party, and never more meters than we have room for.

use std::{
    hash::Hash,
    num::NonZeroU32,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use governor::{
    Quota, RateLimiter,
    clock::{Clock as _, DefaultClock},
    middleware::StateInformationMiddleware,
    state::{InMemoryState, NotKeyed},
};
use lru::LruCache;

/// After so long without a call every meter is full again, and as good as forgotten.
const REST: Duration = Duration::from_secs(60);

/// The meters of one kind, by party.
pub(super) struct Meters<K: Hash + Eq> {
    policy: &'static str,
    most: usize,
    kept: Mutex<LruCache<K, Meter>>,
}

struct Meter {
    per_minute: NonZeroU32,
    limiter: RateLimiter<NotKeyed, InMemoryState, DefaultClock, StateInformationMiddleware>,
    used: Instant,
    shut_until: Option<Instant>,
}

/// What a meter shows after a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reading {
    pub(super) policy: &'static str,
    pub(super) per_minute: u32,
    pub(super) left: u32,
    /// Until all of it is there again; after a refusal, until one call is.
    pub(super) reset: Duration,
}

/// One call too many.
#[derive(Debug)]
pub(super) struct Over {
    pub(super) reading: Reading,
    pub(super) wait: Duration,
}

impl<K: Hash + Eq> Meters<K> {
    pub(super) fn new(policy: &'static str, most: usize) -> Self {
        Self { policy, most, kept: Mutex::new(LruCache::unbounded()) }
    }

    /// Counts one call of that party; nothing is counted at a rate of 0.
    pub(super) fn take(&self, party: K, per_minute: u32) -> Result<Option<Reading>, Over> {
        let Some(per_minute) = NonZeroU32::new(per_minute) else { return Ok(None) };
        let now = Instant::now();
        let mut kept = self.lock();
        let meter = kept.get_or_insert_mut(party, || Meter::new(per_minute, now));
        if meter.per_minute != per_minute {
            *meter = Meter::new(per_minute, now);
        }
        let taken = meter.take(self.policy, now);
        self.forget(&mut kept, now);
        taken.map(Some)
    }

    /// Counts nothing, but refuses while the last call counted was one too many.
    pub(super) fn peek(&self, party: K) -> Result<Option<Reading>, Over> {
        let now = Instant::now();
        let kept = self.lock();
        let Some(meter) = kept.peek(&party) else { return Ok(None) };
        let wait = meter.shut_until.map(|until| until.saturating_duration_since(now));
        match wait.filter(|wait| !wait.is_zero()) {
            Some(wait) => Err(meter.over(self.policy, wait)),
            None => Ok(None),
        }
    }

    fn forget(&self, kept: &mut LruCache<K, Meter>, now: Instant) {
        while let Some((_, oldest)) = kept.peek_lru()
            && (kept.len() > self.most || now.duration_since(oldest.used) > REST)
        {
            kept.pop_lru();
        }
    }

    fn lock(&self) -> MutexGuard<'_, LruCache<K, Meter>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Meter {
    fn new(per_minute: NonZeroU32, now: Instant) -> Self {
        let limiter = RateLimiter::direct(Quota::per_minute(per_minute)).with_middleware();
        Self { per_minute, limiter, used: now, shut_until: None }
    }

    fn take(&mut self, policy: &'static str, now: Instant) -> Result<Reading, Over> {
        self.used = now;
        match self.limiter.check() {
            Ok(state) => {
                let (per_minute, left) = (self.per_minute.get(), state.remaining_burst_capacity());
                let reset = REST / per_minute * per_minute.saturating_sub(left);
                self.shut_until = None;
                Ok(Reading { policy, per_minute, left, reset })
            }
            Err(refused) => {
                let wait = refused.wait_time_from(DefaultClock::default().now());
                self.shut_until = Some(now + wait);
                Err(self.over(policy, wait))
            }
        }
    }

    const fn over(&self, policy: &'static str, wait: Duration) -> Over {
        let reading = Reading { policy, per_minute: self.per_minute.get(), left: 0, reset: wait };
        Over { reading, wait }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_meter_shows_what_is_left_and_when_it_is_full_again() {
        let meters = Meters::new("a", 10);
        let first = meters.take(1, 60).unwrap().unwrap();
        assert_eq!((first.per_minute, first.left, first.reset.as_secs()), (60, 59, 1));
        let readings: Vec<_> = (0..59).map(|_| meters.take(1, 60).unwrap().unwrap()).collect();
        assert_eq!((readings[58].left, readings[58].reset.as_secs()), (0, 60));
        let over = meters.take(1, 60).unwrap_err();
        assert!(over.wait <= Duration::from_secs(1) && !over.wait.is_zero(), "{over:?}");
    }

    #[test]
    fn however_many_come_only_so_many_are_remembered_those_seen_last() {
        let meters = Meters::new("a", 10);
        for party in 0..1000 {
            meters.take(0, 3000).unwrap();
            meters.take(party, 5).unwrap();
        }
        let kept = meters.lock();
        assert_eq!(kept.len(), 10);
        assert!(kept.contains(&0) && kept.contains(&999) && !kept.contains(&500));
    }

    #[test]
    fn who_has_not_called_for_a_minute_is_forgotten() {
        let meters = Meters::new("a", 10);
        meters.take(1, 5).unwrap();
        let Some(long_ago) = Instant::now().checked_sub(REST * 2) else { return };
        meters.lock().get_mut(&1).unwrap().used = long_ago;
        meters.take(2, 5).unwrap();
        assert!(!meters.lock().contains(&1));
    }
}
