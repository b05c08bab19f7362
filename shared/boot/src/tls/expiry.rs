//! The end of a certificate's life, which the library that verifies it does not tell.

use std::time::SystemTime;

use chrono::NaiveDateTime;

const INTEGER: u8 = 0x02;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;

/// When a certificate ends; none where it is not as RFC 5280 has it.
pub(crate) fn not_after(certificate: &[u8]) -> Option<SystemTime> {
    let mut signed = Der(Der(certificate).take(SEQUENCE)?);
    let mut parts = Der(signed.take(SEQUENCE)?);
    // A first version names none.
    parts.take(VERSION);
    parts.take(INTEGER)?;
    let (_algorithm, _issuer) = (parts.take(SEQUENCE)?, parts.take(SEQUENCE)?);
    let mut validity = Der(parts.take(SEQUENCE)?);
    validity.time()?;
    validity.time()
}

/// What is left of some DER.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    /// The next element, if it is of that kind.
    fn take(&mut self, kind: u8) -> Option<&'a [u8]> {
        let (&tag, rest) = self.0.split_first()?;
        if tag != kind {
            return None;
        }
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            0x81..=0x83 => {
                let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
                (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some(content)
    }

    fn time(&mut self) -> Option<SystemTime> {
        let text = match self.take(UTC_TIME) {
            // Two digits of a year are of 1950 to 2049.
            Some(short) => {
                let short = str::from_utf8(short).ok()?;
                format!("{}{short}", if short < "50" { "20" } else { "19" })
            }
            None => str::from_utf8(self.take(GENERALIZED_TIME)?).ok()?.to_owned(),
        };
        let time = NaiveDateTime::parse_from_str(&text, "%Y%m%d%H%M%SZ").ok()?;
        Some(time.and_utc().into())
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    fn ending(year: i32) -> Vec<u8> {
        let mut params = CertificateParams::new(vec!["a".repeat(200)]).unwrap();
        params.not_before = date_time_ymd(1999, 1, 1);
        params.not_after = date_time_ymd(year, 2, 3);
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    #[test]
    fn the_end_is_found_on_both_sides_of_2050() {
        for (year, days) in [(2026, 20_487), (2051, 29_618)] {
            let end = UNIX_EPOCH + Duration::from_secs(days * 86_400);
            assert_eq!(not_after(&ending(year)), Some(end), "{year}");
        }
    }

    #[test]
    fn what_is_cut_short_has_no_end_and_ends_nothing() {
        let whole = ending(2026);
        for length in 0..whole.len() {
            not_after(&whole[..length]);
        }
        assert_eq!(not_after(&whole[..40]), None);
    }
}
