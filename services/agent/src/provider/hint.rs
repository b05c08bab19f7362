//! When a provider wants to be asked again, by the headers of its refusal.

use std::time::{Duration, SystemTime};

use http::HeaderMap;

/// Longer than anybody waits; what is larger is cut to it.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// The two limits whose end `OpenAI` announces.
const LIMITS: [[&str; 2]; 2] = [
    ["x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"],
    ["x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"],
];

/// How long to wait from now on.
pub(super) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let millis = text("retry-after-ms").and_then(|text| seconds(text, 1e-3));
    let plain = || {
        let text = text("retry-after")?;
        seconds(text, 1.0).or_else(|| {
            let then = httpdate::parse_http_date(text).ok()?;
            Some(then.duration_since(now).unwrap_or_default())
        })
    };
    let reset = || {
        let used_up = LIMITS.iter().filter(|[left, _]| text(left) == Some("0"));
        used_up.filter_map(|[_, reset]| parts(text(reset)?)).max()
    };
    millis.or_else(plain).or_else(reset).map(|wait| wait.min(LONGEST))
}

/// A number of units, each of that many seconds.
fn seconds(text: &str, unit: f64) -> Option<Duration> {
    let number = text.parse::<f64>().ok().filter(|number| !number.is_nan())?;
    Duration::try_from_secs_f64((number * unit).min(LONGEST.as_secs_f64())).ok()
}

/// A duration as Go writes it: `1s`, `6m0s`, `1h2m3.5s`, `120ms`.
fn parts(mut text: &str) -> Option<Duration> {
    let mut sum = Duration::ZERO;
    while !text.is_empty() {
        let number =
            text.find(|character: char| !character.is_ascii_digit() && character != '.')?;
        let (digits, rest) = text.split_at(number);
        let unit = rest.find(|character: char| character.is_ascii_digit()).unwrap_or(rest.len());
        let (unit, rest) = rest.split_at(unit);
        let unit = match unit {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        sum = sum.saturating_add(seconds(digits, unit)?);
        text = rest;
    }
    (!sum.is_zero()).then_some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hint(pairs: &[(&'static str, &str)]) -> Option<Duration> {
        let now = httpdate::parse_http_date("Wed, 21 Oct 2026 07:28:00 GMT").unwrap();
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(*name, value.parse().unwrap());
        }
        retry_after(&headers, now)
    }

    #[test]
    fn every_way_to_say_it_is_understood() {
        let second = Some(Duration::from_secs(1));
        assert_eq!(hint(&[("retry-after", "1")]), second);
        assert_eq!(hint(&[("retry-after", "1.0")]), second);
        assert_eq!(hint(&[("retry-after-ms", "1000"), ("retry-after", "7")]), second);
        assert_eq!(hint(&[("retry-after", "Wed, 21 Oct 2026 07:28:01 GMT")]), second);
        assert_eq!(hint(&[("retry-after", "Wed, 21 Oct 2026 07:27:00 GMT")]), Some(Duration::ZERO));
        let used_up = ("x-ratelimit-remaining-requests", "0");
        assert_eq!(hint(&[used_up, ("x-ratelimit-reset-requests", "1s")]), second);
        let tokens =
            [("x-ratelimit-remaining-tokens", "0"), ("x-ratelimit-reset-tokens", "6m1.5s")];
        assert_eq!(hint(&tokens), Some(Duration::from_millis(361_500)));
    }

    #[test]
    fn what_says_nothing_is_no_hint_and_what_says_too_much_is_cut() {
        assert_eq!(hint(&[]), None);
        for nonsense in ["", "soon", "-1", "NaN", "-inf"] {
            assert_eq!(hint(&[("retry-after", nonsense)]), None, "{nonsense}");
        }
        let left = ("x-ratelimit-remaining-requests", "3");
        assert_eq!(hint(&[left, ("x-ratelimit-reset-requests", "1s")]), None);
        let used_up = ("x-ratelimit-remaining-requests", "0");
        for nonsense in ["", "1", "s", "1x", "1.2.3s", "0s"] {
            assert_eq!(
                hint(&[used_up, ("x-ratelimit-reset-requests", nonsense)]),
                None,
                "{nonsense}"
            );
        }
        assert_eq!(hint(&[("retry-after", "1e300")]), Some(LONGEST));
        assert_eq!(hint(&[("retry-after", "inf")]), Some(LONGEST));
    }
}
