//! Until when a call may last: as long as its client waits, and never past the cap.

use std::time::Duration;

use devsphere_error::{Error, Result};
use devsphere_proto::Method;
use tokio::time::{Instant, timeout_at};

use crate::Limits;

/// Metadata entry with the time that the caller waits.
pub(crate) const TIMEOUT: &str = "grpc-timeout";

/// No unit of `grpc-timeout` may have more than eight digits.
const LARGEST: u128 = 99_999_999;

/// The moment after which nobody waits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline(Instant);

impl Deadline {
    /// The deadline of a call that begins now.
    pub(crate) fn of(method: &Method, patience: Option<Duration>, limits: &Limits) -> Self {
        let (default, cap) = if method.streams {
            (limits.longest_stream, limits.longest_stream)
        } else {
            (limits.default_deadline, limits.longest_deadline)
        };
        Self(Instant::now() + patience.unwrap_or(default).min(cap))
    }

    /// What is left, for the next hop.
    pub(crate) fn left(self) -> String {
        write(self.0.saturating_duration_since(Instant::now()))
    }

    /// Waits for the work, and not a moment longer.
    pub(crate) async fn hold<T>(self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let done = timeout_at(self.0, work).await.unwrap_or(Err(Error::DeadlineExceeded));
        // The channel and the service keep the same time: what they say of it may come first.
        if Instant::now() < self.0 { done } else { Err(Error::DeadlineExceeded) }
    }

    /// Ends with the deadline.
    pub(crate) async fn passed(self) {
        tokio::time::sleep_until(self.0).await;
    }
}

/// Rounded up: a hop that gave up before us would hide our own answer.
fn write(left: Duration) -> String {
    match left.as_nanos().div_ceil(1000) {
        micros @ ..=LARGEST => format!("{micros}u"),
        micros => format!("{}m", micros.div_ceil(1000).min(LARGEST)),
    }
}

#[cfg(test)]
mod tests {
    use devsphere_boot::grpc_timeout;

    use super::*;

    #[test]
    fn what_is_written_is_never_less_and_reads_back() {
        for nanos in [0, 1, 999, 1000, 250_000_001, 99_999_999_001, 610_000_000_000] {
            let left = Duration::from_nanos(nanos);
            let written = grpc_timeout(&write(left)).unwrap();
            assert!(written >= left && written - left < Duration::from_millis(1), "{nanos}");
        }
    }
}
