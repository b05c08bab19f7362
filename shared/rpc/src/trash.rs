//! The trash: what is deleted lies there for a while, and then is gone.

use chrono::{DateTime, TimeDelta, Utc};

/// The trash keeps a record so long.
const KEPT: TimeDelta = TimeDelta::days(30);

/// When a record is gone for good that is in the trash since then.
pub fn purge_time(delete_time: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    delete_time.map(|since| since + KEPT)
}
