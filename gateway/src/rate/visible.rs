//! The limits as a client sees them: `RateLimit` of the IETF's draft, and the names in wide use.

use devsphere_error::Result;
use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::{Over, Reading, seconds};

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const USUAL: [HeaderName; 3] = [
    HeaderName::from_static("x-ratelimit-limit"),
    HeaderName::from_static("x-ratelimit-remaining"),
    HeaderName::from_static("x-ratelimit-reset"),
];

/// What the meters showed for one call.
#[derive(Debug, Clone, Default)]
pub(crate) struct Readings {
    shown: Vec<Reading>,
    wait: Option<u64>,
}

impl Readings {
    /// Notes what a meter showed, refusal or not.
    pub(super) fn note(&mut self, shown: Result<Option<Reading>, Over>) -> Result<()> {
        match shown {
            Ok(reading) => self.shown.extend(reading),
            Err(over) => {
                self.shown.push(over.reading);
                self.wait = Some(seconds(over.wait));
                return Err(over.into());
            }
        }
        Ok(())
    }

    /// Puts it on the answer.
    pub(crate) fn show(&self, headers: &mut HeaderMap) {
        let Some(tightest) = self.shown.iter().min_by_key(|reading| reading.left) else { return };
        let list = |write: fn(&Reading) -> String| {
            self.shown.iter().map(write).collect::<Vec<_>>().join(", ")
        };
        let usual =
            [u64::from(tightest.per_minute), u64::from(tightest.left), seconds(tightest.reset)];
        let mut put = |name, value: String| {
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(name, value);
            }
        };
        put(POLICY, list(|of| format!("\"{}\";q={};w=60", of.policy, of.per_minute)));
        put(LIMIT, list(|of| format!("\"{}\";r={};t={}", of.policy, of.left, seconds(of.reset))));
        for (name, value) in USUAL.into_iter().zip(usual) {
            put(name, value.to_string());
        }
        if let Some(wait) = self.wait {
            put(header::RETRY_AFTER, wait.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn reading(policy: &'static str, left: u32) -> Reading {
        Reading { policy, per_minute: 600, left, reset: Duration::from_millis(1500) }
    }

    fn shown(readings: &Readings) -> Vec<String> {
        let mut headers = HeaderMap::new();
        readings.show(&mut headers);
        let line = |(name, value): (&HeaderName, &HeaderValue)| {
            format!("{name}: {}", value.to_str().unwrap())
        };
        let mut lines: Vec<_> = headers.iter().map(line).collect();
        lines.sort();
        lines
    }

    #[test]
    fn every_meter_is_shown_and_the_tightest_under_the_usual_names() {
        let mut readings = Readings::default();
        readings.note(Ok(Some(reading("principal", 599)))).unwrap();
        readings.note(Ok(Some(reading("organization", 7)))).unwrap();
        let lines = [
            "ratelimit-policy: \"principal\";q=600;w=60, \"organization\";q=600;w=60",
            "ratelimit: \"principal\";r=599;t=2, \"organization\";r=7;t=2",
            "x-ratelimit-limit: 600",
            "x-ratelimit-remaining: 7",
            "x-ratelimit-reset: 2",
        ];
        assert_eq!(shown(&readings), lines);
    }

    #[test]
    fn a_refusal_says_how_long_to_wait() {
        let mut readings = Readings::default();
        let wait = Duration::from_millis(100);
        readings.note(Err(Over { reading: reading("address", 0), wait })).unwrap_err();
        assert_eq!(shown(&readings)[2], "retry-after: 1");
    }

    #[test]
    fn nothing_is_shown_where_nothing_was_counted() {
        assert!(shown(&Readings::default()).is_empty());
    }
}
