//! Instants on the wire and in the database.

use chrono::{DateTime, Utc};
use prost_types::Timestamp;

/// An instant of the database as a timestamp of the wire.
pub fn timestamp(instant: DateTime<Utc>) -> Timestamp {
    Timestamp {
        seconds: instant.timestamp(),
        nanos: instant.timestamp_subsec_nanos().cast_signed(),
    }
}
