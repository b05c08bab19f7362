//! Etags: the version of a record, as a text that clients only hand back.

use devsphere_error::{Error, Result};

/// The etag of a version.
pub fn of(version: i64) -> String {
    format!("W{version}")
}

/// The version of an etag, if it is one of ours.
pub fn parse(etag: &str) -> Option<i64> {
    let version = etag.strip_prefix('W')?.parse().ok()?;
    // One text per version: no sign, no leading zeros.
    (of(version) == etag).then_some(version)
}

/// Refuses a change of a record that is no longer what the caller read; an empty etag asks for no check.
pub fn check(given: &str, current: i64) -> Result<()> {
    if given.is_empty() || parse(given) == Some(current) {
        return Ok(());
    }
    Err(Error::Conflict { etag: Some(of(current)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_etag_reads_back_and_nothing_else_does() {
        assert_eq!(parse(&of(7)), Some(7));
        assert_eq!(of(7), "W7");
        for other in ["", "7", "W", "w7", "W+7", "W07", "W 7", "\"W7\"", "W9223372036854775808"] {
            assert_eq!(parse(other), None, "{other}");
        }
    }

    #[test]
    fn only_the_current_etag_or_none_passes() {
        assert!(check("W7", 7).is_ok());
        assert!(check("", 7).is_ok());
        for stale in ["W6", "W8", "other"] {
            let Err(Error::Conflict { etag }) = check(stale, 7) else { panic!("{stale} passed") };
            assert_eq!(etag.as_deref(), Some("W7"));
        }
    }
}
