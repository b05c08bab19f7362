//! Waiting for what happens soon, without guessing how soon.

use std::time::{Duration, Instant};

/// Asks until the answer is there, for 10 s.
///
/// # Panics
/// When it is not there by then.
pub async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(begun.elapsed() < Duration::from_secs(10), "waited 10 s for {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
