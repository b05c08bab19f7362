//! The end of a certificate's life, which the library that verifies it does not tell.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// When a certificate ends; none where it is not as RFC 5280 has it.
pub(crate) fn not_after(certificate: &[u8]) -> Option<SystemTime> {
    let (_, certificate) = x509_parser::parse_x509_certificate(certificate).ok()?;
    let end = u64::try_from(certificate.validity().not_after.timestamp()).ok()?;
    Some(UNIX_EPOCH + Duration::from_secs(end))
}

#[cfg(test)]
mod tests {
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
