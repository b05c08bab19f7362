//! Deadline: the caller's, or the default, and never more than the cap.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use devsphere_auth::Facts;
use devsphere_error::Error;
use devsphere_proto::Method;

use super::{Shared, refuse};

pub(super) async fn layer(
    State(shared): State<Arc<Shared>>,
    mut request: Request,
    next: Next,
) -> Response {
    let streams =
        request.extensions().get::<&'static Method>().is_some_and(|method| method.streams);
    if streams {
        return next.run(request).await;
    }
    let header = request.headers().get("grpc-timeout").and_then(|value| value.to_str().ok());
    let wanted = header.and_then(timeout).unwrap_or(shared.limits.default_deadline);
    let left = wanted.min(shared.limits.longest_deadline);
    if let Some(facts) = request.extensions_mut().get_mut::<Facts>() {
        facts.deadline = Some(Instant::now() + left);
    }
    let answered = tokio::time::timeout(left, next.run(request)).await;
    answered.unwrap_or_else(|_| refuse(Error::DeadlineExceeded))
}

/// The value of `grpc-timeout`: up to eight digits and a unit.
pub fn timeout(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if !(1..=8).contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let count: u64 = digits.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(count * 3600),
        "M" => Duration::from_secs(count * 60),
        "S" => Duration::from_secs(count),
        "m" => Duration::from_millis(count),
        "u" => Duration::from_micros(count),
        "n" => Duration::from_nanos(count),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_has_up_to_eight_digits_and_a_unit() {
        assert_eq!(timeout("250m"), Some(Duration::from_millis(250)));
        assert_eq!(timeout("99999999H"), Some(Duration::from_secs(99_999_999 * 3600)));
        for bad in ["", "m", "1", "123456789S", "-1S", "+1S", "1 S", "1s", "1é"] {
            assert_eq!(timeout(bad), None, "{bad}");
        }
    }
}
