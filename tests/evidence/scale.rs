//! A million records are verified in half a minute.

use std::time::{Duration, Instant};

use super::history::History;
use crate::counts::{full_or, is_soak};

const ORGANIZATIONS: usize = 10;

#[tokio::test]
async fn a_million_records_are_verified_within_half_a_minute() {
    let records = full_or(1_000_000, 10_000);
    let each = i32::try_from(records / ORGANIZATIONS).unwrap();
    let history = History::empty(ORGANIZATIONS).await;
    for part in (0..4).rev() {
        history.write(each / 4, part * each / 200).await;
        history.seal().await;
        history.sign().await;
    }

    let begun = Instant::now();
    let report = history.verify().await;
    let took = begun.elapsed();

    println!("{} records verified in {took:.2?}", report.sealed);
    assert_eq!((report.broken.len(), report.sealed, report.unsigned), (0, records as u64, 0));
    assert!(took < Duration::from_secs(30), "{took:?}");
    assert!(!is_soak() || report.sealed == 1_000_000);
}
