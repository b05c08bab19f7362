//! What tokens cost.

use devsphere_proto::administration::v1::AiPrices;

use crate::provider;

const MILLION: i128 = 1_000_000;

/// No answer has more tokens; whoever says so would only break the sums.
const MOST_TOKENS: u64 = 1_000_000_000;

/// Tokens and what they cost, each counted in one place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Bill {
    pub(super) input_tokens: i64,
    pub(super) output_tokens: i64,
    pub(super) cache_read_tokens: i64,
    pub(super) cache_write_tokens: i64,
    pub(super) estimated: bool,
    pub(super) cost_micros: i64,
}

impl Bill {
    /// What these tokens cost at those prices, to the next millionth.
    pub(crate) fn of(usage: provider::Usage, prices: &AiPrices) -> Self {
        let tokens = |count: u64| count.min(MOST_TOKENS).cast_signed();
        let [input, output] = [usage.input, usage.output].map(tokens);
        let [cache_read, cache_write] = [usage.cache_read, usage.cache_write].map(tokens);
        let or_input = |price: i64| if price == 0 { prices.input_micros } else { price };
        let parts = [
            (input, prices.input_micros),
            (output, prices.output_micros),
            (cache_read, or_input(prices.cache_read_micros)),
            (cache_write, or_input(prices.cache_write_micros)),
        ];
        let sum: i128 =
            parts.map(|(count, price)| i128::from(count) * i128::from(price)).iter().sum();
        Self {
            input_tokens: input,
            output_tokens: output,
            cache_read_tokens: cache_read,
            cache_write_tokens: cache_write,
            estimated: usage.is_estimate,
            cost_micros: i64::try_from((sum + MILLION - 1) / MILLION).unwrap_or(i64::MAX),
        }
    }

    pub(super) const fn tokens(&self) -> i64 {
        self.input_tokens + self.output_tokens + self.cache_read_tokens + self.cache_write_tokens
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRICES: AiPrices = AiPrices {
        currency_code: String::new(),
        input_micros: 3_000_000,
        output_micros: 15_000_000,
        cache_read_micros: 300_000,
        cache_write_micros: 0,
    };

    fn usage(input: u64, output: u64, cache_read: u64, cache_write: u64) -> provider::Usage {
        provider::Usage { input, output, cache_read, cache_write, is_estimate: false }
    }

    #[test]
    fn each_kind_of_token_has_its_price_and_what_has_none_costs_as_input() {
        let cost = |usage| Bill::of(usage, &PRICES).cost_micros;

        assert_eq!(cost(usage(1000, 0, 0, 0)), 3_000);
        assert_eq!(cost(usage(0, 1000, 0, 0)), 15_000);
        assert_eq!(cost(usage(0, 0, 1000, 0)), 300);
        assert_eq!(cost(usage(0, 0, 0, 1000)), 3_000);
        assert_eq!(Bill::of(usage(1, 2, 3, 4), &PRICES).tokens(), 10);
    }

    #[test]
    fn a_part_of_a_millionth_is_paid_as_a_whole_one_and_nothing_overflows() {
        let cent = AiPrices { input_micros: 1, ..AiPrices::default() };

        assert_eq!(Bill::of(usage(1, 0, 0, 0), &cent).cost_micros, 1);
        assert_eq!(Bill::of(usage(0, 0, 0, 0), &cent).cost_micros, 0);
        let absurd = Bill::of(usage(u64::MAX, u64::MAX, u64::MAX, u64::MAX), &PRICES);
        assert_eq!(absurd.tokens(), 4_000_000_000);
        assert_eq!(
            absurd.cost_micros,
            1_000_000_000 * 3 + 15_000_000_000 + 300_000_000 + 3_000_000_000
        );
    }
}
