//! The instances of a service: found by their names, and chosen by how busy they are.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{net::lookup_host, sync::watch, time::Instant};
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

use super::{
    Failed,
    instance::{Busy, Instance, Standing, Tended},
    line::Line,
};
use crate::Remote;

/// How often names are looked up again, and how soon after a name had no address.
const LOOK_UP_EVERY: Duration = Duration::from_secs(5);
const LOOK_UP_AGAIN: Duration = Duration::from_millis(500);

/// The instances of one service. Looking up and asking end with it.
pub(super) struct Set {
    shared: Arc<Shared>,
    _end: DropGuard,
}

struct Shared {
    remote: Remote,
    instances: Mutex<Found>,
    changed: watch::Sender<()>,
    chance: AtomicU64,
}

#[derive(Default)]
struct Found {
    instances: BTreeMap<SocketAddr, Tended>,
    /// Why there may be none.
    failed: Option<String>,
}

impl Set {
    pub(super) fn begin(remote: Remote) -> Self {
        let end = CancellationToken::new();
        let shared = Arc::new(Shared {
            remote,
            instances: Mutex::default(),
            changed: watch::Sender::new(()),
            chance: AtomicU64::new(0),
        });
        let (looking, ended) = (shared.clone().look_up(), end.clone());
        TaskTracker::new().spawn(async move { ended.run_until_cancelled(looking).await });
        Self { shared, _end: end.drop_guard() }
    }

    /// A connection for one call: of two by chance, that of the instance that is less busy.
    pub(super) async fn choose(&self, patience: Duration) -> Result<(Arc<Line>, Busy), Failed> {
        if let Some(chosen) = self.shared.pick(false).and_then(|found| found.take()) {
            return Ok(chosen);
        }
        let until = Instant::now() + patience;
        // Before the next look: what comes in between wakes it.
        let mut changed = self.shared.changed.subscribe();
        loop {
            let impatient = Instant::now() >= until;
            if let Some(chosen) = self.shared.pick(impatient).and_then(|found| found.take()) {
                return Ok(chosen);
            }
            if impatient {
                return Err(self.shared.why());
            }
            // What has changed, or is over, is looked at again.
            let _ = tokio::time::timeout_at(until, changed.changed()).await;
        }
    }
}

impl Shared {
    /// One that serves; where none does, and none is still to be heard of, one that at least is
    /// there: what it answers says more than we could.
    fn pick(&self, impatient: bool) -> Option<Arc<Instance>> {
        let found = self.instances();
        let of = |wanted: Standing| {
            let instances = found.instances.values().map(|tended| &tended.instance);
            instances.filter(|instance| instance.standing() == wanted).collect::<Vec<_>>()
        };
        let mut able = of(Standing::In);
        if able.is_empty() && (impatient || of(Standing::Untried).is_empty()) {
            able = of(Standing::Out);
        }
        match able.as_slice() {
            [] => None,
            [only] => Some((*only).clone()),
            several => {
                let (one, other) = two_of(&self.chance, several.len());
                let (one, other) = (several[one], several[other]);
                Some(if other.load() < one.load() { other } else { one }.clone())
            }
        }
    }

    fn why(&self) -> Failed {
        let found = self.instances();
        let place = self.remote.service.to_owned();
        let reasons = found.instances.values().map(|tended| tended.instance.why());
        let reasons: Vec<_> = found.failed.iter().cloned().chain(reasons).collect();
        Failed::Unreached { place, cause: reasons.join("; ") }
    }

    async fn look_up(self: Arc<Self>) {
        loop {
            let pause = match self.addresses().await {
                Ok(addresses) => {
                    self.adopt(&addresses);
                    LOOK_UP_EVERY
                }
                Err(why) => {
                    // Those that are known stay: names may be away, and the service not.
                    let mut found = self.instances();
                    if found.failed.replace(why.clone()).is_none() {
                        tracing::warn!(service = self.remote.service, why, "not looked up");
                    }
                    if found.instances.is_empty() { LOOK_UP_AGAIN } else { LOOK_UP_EVERY }
                }
            };
            tokio::time::sleep(pause).await;
        }
    }

    async fn addresses(&self) -> Result<BTreeSet<SocketAddr>, String> {
        let mut addresses = BTreeSet::new();
        let mut failed = None;
        for (host, port) in &self.remote.hosts {
            match lookup_host((host.as_str(), *port)).await {
                Ok(found) => addresses.extend(found),
                Err(error) => failed = Some(format!("{host}: {error}")),
            }
        }
        match failed {
            Some(failed) if addresses.is_empty() => Err(failed),
            _ if addresses.is_empty() => Err(io::Error::from(io::ErrorKind::NotFound).to_string()),
            _ => Ok(addresses),
        }
    }

    fn adopt(&self, addresses: &BTreeSet<SocketAddr>) {
        let mut found = self.instances();
        found.failed = None;
        let before = found.instances.len();
        found.instances.retain(|address, _| addresses.contains(address));
        for address in addresses {
            found.instances.entry(*address).or_insert_with(|| {
                let instance = Instance::new(*address, self.changed.clone());
                Tended::begin(instance, self.remote.clone())
            });
        }
        let now = found.instances.len();
        drop(found);
        if before != now {
            self.changed.send_replace(());
        }
    }

    fn instances(&self) -> MutexGuard<'_, Found> {
        self.instances.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Two different places of several, by chance (splitmix64).
fn two_of(chance: &AtomicU64, length: usize) -> (usize, usize) {
    let step = 0x9e37_79b9_7f4a_7c15;
    let mut bits = chance.fetch_add(step, Ordering::Relaxed).wrapping_add(step);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^= bits >> 31;
    let (high, low) = ((bits >> 32) as usize, (bits & 0xffff_ffff) as usize);
    let one = high % length;
    (one, (one + 1 + low % (length - 1)) % length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_by_chance_are_never_the_same_and_each_is_drawn_as_often() {
        let chance = AtomicU64::new(0);
        for length in 2..6 {
            let mut drawn = vec![0; length];
            for _ in 0..10_000 {
                let (one, other) = two_of(&chance, length);
                assert_ne!(one, other);
                drawn[one] += 1;
                drawn[other] += 1;
            }
            let even = 20_000 / length;
            assert!(drawn.iter().all(|times| even.abs_diff(*times) < even / 10), "{drawn:?}");
        }
    }
}
