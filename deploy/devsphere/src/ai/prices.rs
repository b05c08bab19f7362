//! What a million tokens cost, as operators write it.

use std::str::FromStr;

use devsphere_proto::administration::v1::AiPrices;

/// Nobody asks for more, and the contract takes no more.
const MOST_MICROS: i64 = 1_000_000_000_000;
/// Digits behind the point: prices are kept in millionths.
const FRACTION: usize = 6;

/// Prices in the form `USD:3:15`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Prices(pub(super) AiPrices);

impl FromStr for Prices {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = "is no CURRENCY:INPUT:OUTPUT, as in USD:3:15";
        let (currency, amounts) = text.split_once(':').ok_or(form)?;
        if currency.len() != 3 || !currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return Err(format!("{currency} is no currency, as in USD"));
        }
        let amounts: Vec<i64> = amounts.split(':').map(micros).collect::<Result<_, _>>()?;
        let (input, output, cache) = match amounts[..] {
            [input, output, ref cache @ ..] if cache.len() <= 2 => (input, output, cache),
            _ => return Err(form.into()),
        };
        // To the ledger, 0 means as much as the input.
        if input > 0 && cache.contains(&0) {
            return Err("has a cache for nothing, which cannot be told".into());
        }
        Ok(Self(AiPrices {
            currency_code: currency.to_owned(),
            input_micros: input,
            output_micros: output,
            cache_read_micros: cache.first().copied().unwrap_or_default(),
            cache_write_micros: cache.get(1).copied().unwrap_or_default(),
        }))
    }
}

/// Millionths of a decimal number, without ever being a float.
fn micros(text: &str) -> Result<i64, String> {
    let bad = || format!("{text:?} is no price, as in 3 or 0.25");
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || fraction.len() > FRACTION {
        return Err(bad());
    }
    let micros: i64 = format!("{whole}{fraction:0<FRACTION$}").parse().map_err(|_| bad())?;
    if micros <= MOST_MICROS {
        Ok(micros)
    } else {
        Err(format!("{text} is more than anybody asks"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amounts(text: &str) -> [i64; 4] {
        let Prices(prices) = text.parse().unwrap();
        assert_eq!(prices.currency_code, text[..3]);
        let AiPrices { input_micros, output_micros, .. } = prices;
        [input_micros, output_micros, prices.cache_read_micros, prices.cache_write_micros]
    }

    #[test]
    fn prices_are_kept_to_the_millionth() {
        assert_eq!(amounts("USD:3:15"), [3_000_000, 15_000_000, 0, 0]);
        assert_eq!(amounts("EUR:0.25:1.5:0.03"), [250_000, 1_500_000, 30_000, 0]);
        assert_eq!(amounts("USD:3:15:0.3:3.75"), [3_000_000, 15_000_000, 300_000, 3_750_000]);
        assert_eq!(amounts("USD:0.000001:1000000"), [1, MOST_MICROS, 0, 0]);
        assert_eq!(amounts("CHF:0:0:0:0"), [0; 4]);
    }

    #[test]
    fn what_is_no_price_is_refused() {
        for bad in ["", "USD", "USD:3", "usd:3:15", "US:3:15", "USDX:3:15", "USD:3:15:1:1:1"] {
            assert!(bad.parse::<Prices>().is_err(), "{bad}");
        }
        for bad in ["", "-3", "+3", "3.", ".3", "3,5", "1e3", "0.0000001", "1000000.1", "3 "] {
            assert!(format!("USD:{bad}:15").parse::<Prices>().is_err(), "{bad}");
        }
        assert!("USD:3:15:0".parse::<Prices>().is_err());
    }
}
