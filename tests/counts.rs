//! How much a heavy proof does: all of it in a soak, a hundredth otherwise; and the seed of its chances.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::SystemTime,
};

/// The whole count with `DEVSPHERE_SOAK=1`, else a hundredth of it.
pub fn full_or_hundredth(full: usize) -> usize {
    full_or(full, full / 100)
}

/// The whole count with `DEVSPHERE_SOAK=1`, else the other one.
pub fn full_or(full: usize, otherwise: usize) -> usize {
    if is_soak() { full } else { otherwise }
}

/// Whether proofs are made in full.
pub fn is_soak() -> bool {
    variable("DEVSPHERE_SOAK").is_some_and(|soak| soak == "1")
}

/// Whether the mesh of a test is to run as processes of their own.
pub fn is_apart() -> bool {
    variable("DEVSPHERE_APART").is_some_and(|apart| apart == "1")
}

/// Chances that `DEVSPHERE_SEED` repeats; what it was this time stands in the test's output.
pub struct Chance(AtomicU64);

impl Chance {
    /// Begins with the given seed, or with the time.
    #[expect(clippy::print_stdout, reason = "shown when the test fails")]
    pub fn seeded() -> Self {
        let given = variable("DEVSPHERE_SEED").map(|seed| seed.parse().unwrap());
        let now = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        let seed = given.unwrap_or_else(now);
        println!("DEVSPHERE_SEED={seed}");
        Self(AtomicU64::new(seed))
    }

    /// A number below `limit` (splitmix64).
    pub fn below(&self, limit: u64) -> u64 {
        let step = 0x9e37_79b9_7f4a_7c15;
        let mut bits = self.0.fetch_add(step, Ordering::Relaxed).wrapping_add(step);
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (bits ^ (bits >> 31)) % limit
    }
}

#[expect(clippy::disallowed_methods, reason = "a test asks its environment here and nowhere else")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
