//! How many calls at once are good: learned from how much longer they take than when it is quiet.

use std::{
    collections::HashMap,
    thread::available_parallelism,
    time::{Duration, Instant},
};

/// Slots at the beginning; they grow with the need as long as that slows nothing down.
const FIRST: usize = 128;

/// A call may take so many times as long as when it is quiet: the cores are busy then, and hardly
/// anything waits. Past it, more calls at once make all of them late and not one of them faster.
const TOLERANCE: f64 = 2.5;

/// Samples of a window, and how long it takes at least and at most.
const SAMPLES: usize = 16;
const FEW_SAMPLES: usize = 4;
const SHORTEST: Duration = Duration::from_millis(20);
const LONGEST: Duration = Duration::from_millis(250);

/// At most three quarters of the slots go at once, and a tenth is added.
const STEEPEST: f64 = 0.25;
const GROWTH: f64 = 0.1;

/// So long after the last refusal the slots of the beginning come back, so that a page's many calls
/// find them.
const CALM: Duration = Duration::from_secs(5);

/// What is known of a method grows old: after so long twice the time counts as usual.
const DOUBLING: f64 = 120.0;

/// One call that went well.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    pub(super) method: &'static str,
    pub(super) begun: Instant,
    pub(super) took: Duration,
    /// How many were at work when it began, itself included.
    pub(super) at_work: usize,
}

/// The limit, and what it is learned from.
#[derive(Debug)]
pub(super) struct Limit {
    slots: f64,
    least: f64,
    most: f64,
    /// No more entries than there are methods.
    usual: HashMap<&'static str, Usual>,
    ratios: Vec<f64>,
    since: Instant,
    was_in_the_way: bool,
    refused: Option<Instant>,
}

/// How long a method takes at its best.
#[derive(Debug)]
struct Usual {
    /// The lowest median of several calls in a row: a single one may be quick by chance.
    seconds: f64,
    since: Instant,
    latest: Vec<f64>,
}

impl Limit {
    pub(super) fn new(most: usize) -> Self {
        let cores = available_parallelism().map_or(2, std::num::NonZero::get);
        let (least, first) = ((2 * cores).min(most), FIRST.min(most));
        Self {
            slots: as_float(first),
            least: as_float(least),
            most: as_float(most),
            usual: HashMap::new(),
            ratios: Vec::with_capacity(SAMPLES),
            since: Instant::now(),
            was_in_the_way: false,
            refused: None,
        }
    }

    pub(super) fn slots(&self) -> usize {
        whole(self.slots)
    }

    /// Somebody wanted a slot more.
    pub(super) fn note_refusal(&mut self) {
        self.was_in_the_way = true;
        self.refused = Some(Instant::now());
    }

    pub(super) fn learn(&mut self, sample: Sample) {
        let ratio = self.compare(sample);
        self.was_in_the_way |= sample.at_work >= self.slots();
        // What began under another limit says nothing of this one.
        if sample.begun >= self.since {
            self.ratios.push(ratio);
        }
        let lasted = self.since.elapsed();
        let enough = if lasted >= LONGEST { FEW_SAMPLES } else { SAMPLES };
        if self.ratios.len() >= enough && lasted >= SHORTEST {
            self.decide();
        }
    }

    /// How many times its usual time a call took.
    fn compare(&mut self, sample: Sample) -> f64 {
        let (took, now) = (sample.took.as_secs_f64(), Instant::now());
        let usual = self.usual.entry(sample.method).or_insert_with(|| Usual::new(now));
        usual.latest.push(took);
        if usual.latest.len() == SAMPLES {
            let median = median(&mut usual.latest);
            usual.latest.clear();
            if median < usual.seconds(now) {
                (usual.seconds, usual.since) = (median, now);
            }
        }
        took / usual.seconds(now)
    }

    fn is_recovering(&self) -> bool {
        let is_calm = self.refused.is_none_or(|refused| refused.elapsed() > CALM);
        is_calm && self.slots < as_float(FIRST).min(self.most)
    }

    fn decide(&mut self) {
        let median = median(&mut self.ratios);
        if median > TOLERANCE {
            self.slots *= (TOLERANCE / median).max(STEEPEST);
        } else if self.was_in_the_way || self.is_recovering() {
            self.slots += (self.slots * GROWTH).max(1.0);
        }
        self.slots = self.slots.clamp(self.least, self.most);
        tracing::debug!(slots = self.slots, median, "calls at work");
        self.ratios.clear();
        self.since = Instant::now();
        self.was_in_the_way = false;
    }
}

impl Usual {
    fn new(now: Instant) -> Self {
        // Nothing is slow as long as nothing is known.
        Self { seconds: f64::INFINITY, since: now, latest: Vec::with_capacity(SAMPLES) }
    }

    fn seconds(&self, now: Instant) -> f64 {
        self.seconds * (now.duration_since(self.since).as_secs_f64() / DOUBLING).exp2()
    }
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between least and most, which are whole numbers of slots"
)]
const fn whole(slots: f64) -> usize {
    slots as usize
}

#[expect(clippy::cast_precision_loss, reason = "numbers of slots are small")]
const fn as_float(slots: usize) -> f64 {
    slots as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUIET: f64 = 0.004;

    /// A module that answers so many calls a second, however many are at work.
    fn run(limit: &mut Limit, wanted: usize, capacity: f64, windows: usize) {
        for _ in 0..windows {
            let at_work = wanted.min(limit.slots());
            let took = (as_float(at_work) / capacity).max(QUIET);
            if wanted > at_work {
                limit.note_refusal();
            }
            for _ in 0..SAMPLES {
                let took = Duration::from_secs_f64(took);
                limit.since = limit.since.checked_sub(SHORTEST * 2).unwrap();
                limit.learn(Sample { method: "a", begun: Instant::now(), took, at_work });
            }
        }
    }

    #[test]
    fn a_crowd_is_held_to_what_is_answered_in_two_and_a_half_times_the_quiet_time() {
        let mut limit = Limit::new(1024);
        run(&mut limit, 1, 1000.0, 5);
        run(&mut limit, 500, 1000.0, 50);
        // 1,000 a second in 10 ms each are 10 at a time.
        assert!((8..=12).contains(&limit.slots()), "{}", limit.slots());
    }

    #[test]
    fn what_can_take_more_is_given_more() {
        let mut limit = Limit::new(1024);
        run(&mut limit, 1, 100_000.0, 5);
        run(&mut limit, 400, 100_000.0, 60);
        assert!(limit.slots() >= 360, "{}", limit.slots());
    }

    #[test]
    fn a_limit_that_is_not_in_the_way_stays_and_never_passes_its_ends() {
        let mut limit = Limit::new(1024);
        run(&mut limit, 8, 100_000.0, 50);
        assert_eq!(limit.slots(), FIRST);
        run(&mut limit, 2000, 10.0, 50);
        assert_eq!(limit.slots(), whole(limit.least));
        let small = Limit::new(3);
        assert_eq!(small.slots(), 3);
    }

    #[test]
    fn the_first_slots_come_back_when_it_has_been_calm() {
        let mut limit = Limit::new(1024);
        run(&mut limit, 1, 1000.0, 5);
        run(&mut limit, 500, 1000.0, 50);
        run(&mut limit, 1, 1000.0, 50);
        assert!(limit.slots() < FIRST, "{}", limit.slots());
        limit.refused = limit.refused.and_then(|refused| refused.checked_sub(CALM * 2));
        run(&mut limit, 1, 1000.0, 100);
        assert!(limit.slots() >= FIRST, "{}", limit.slots());
    }

    #[test]
    fn a_slow_method_is_measured_by_itself() {
        let mut limit = Limit::new(1024);
        run(&mut limit, 1, 1000.0, 5);
        for n in 0..200 {
            let (method, millis) = if n % 2 == 0 { ("a", 4) } else { ("slow", 800) };
            let took = Duration::from_millis(millis);
            limit.since = limit.since.checked_sub(SHORTEST * 2).unwrap();
            limit.learn(Sample { method, begun: Instant::now(), took, at_work: 40 });
        }
        assert!(limit.slots() >= FIRST, "{}", limit.slots());
    }
}
