//! What an answer cost, in tokens: as the provider counts them, or reckoned from lengths.

use std::ops::{Add, AddAssign};

/// Bytes that make a token: about right for English, a little too few for other languages, so that
/// what is reckoned is rather too much.
const BYTES_PER_TOKEN: u64 = 4;

/// Tokens, each counted in one place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Read anew.
    pub input: u64,
    /// Written, with what the model thought.
    pub output: u64,
    /// Read from the provider's cache.
    pub cache_read: u64,
    /// Written to the provider's cache.
    pub cache_write: u64,
    /// Some of it is reckoned from lengths, because the provider did not say.
    pub is_estimate: bool,
}

impl Add for Usage {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            input: self.input.saturating_add(other.input),
            output: self.output.saturating_add(other.output),
            cache_read: self.cache_read.saturating_add(other.cache_read),
            cache_write: self.cache_write.saturating_add(other.cache_write),
            is_estimate: self.is_estimate || other.is_estimate,
        }
    }
}

impl AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

/// What a provider said so far. Counts only grow, so the largest of each is the latest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) input: Option<u64>,
    pub(super) output: Option<u64>,
    pub(super) cache_read: Option<u64>,
    pub(super) cache_write: Option<u64>,
}

impl Counts {
    pub(super) fn merge(&mut self, newer: Self) {
        self.input = self.input.max(newer.input);
        self.output = self.output.max(newer.output);
        self.cache_read = self.cache_read.max(newer.cache_read);
        self.cache_write = self.cache_write.max(newer.cache_write);
    }

    /// The counts, and in place of those that are missing what so many bytes make.
    pub(super) fn usage(self, read: usize, written: usize) -> Usage {
        Usage {
            input: self.input.unwrap_or_else(|| reckon(read)),
            output: self.output.unwrap_or_else(|| reckon(written)),
            cache_read: self.cache_read.unwrap_or_default(),
            cache_write: self.cache_write.unwrap_or_default(),
            is_estimate: self.input.is_none() || self.output.is_none(),
        }
    }
}

fn reckon(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX).div_ceil(BYTES_PER_TOKEN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_provider_counted_is_no_estimate_and_what_it_left_out_is() {
        let mut counts = Counts { input: Some(7), ..Counts::default() };
        let early = counts.usage(400, 40);
        counts.merge(Counts { output: Some(3), cache_read: Some(5), ..Counts::default() });
        let late = counts.usage(400, 40);

        assert_eq!((early.input, early.output, early.is_estimate), (7, 10, true));
        assert_eq!((late.input, late.output, late.cache_read, late.is_estimate), (7, 3, 5, false));
    }

    #[test]
    fn a_sum_with_an_estimate_is_one() {
        let counted =
            Usage { input: 1, output: 2, cache_read: 3, cache_write: 4, is_estimate: false };
        let reckoned = Usage { is_estimate: true, ..counted };

        let sum = counted + reckoned;

        assert_eq!(
            sum,
            Usage { input: 2, output: 4, cache_read: 6, cache_write: 8, is_estimate: true }
        );
        assert!(!(counted + counted).is_estimate);
    }
}
