//! A future dropped at a random point, as a client does that hangs up.

use std::{
    pin::pin,
    task::Poll,
    time::{Duration, Instant},
};

use futures_util::future::poll_fn;

use crate::counts::Chance;

/// The future's output, or none when it was dropped: after a few polls, or at the first poll after
/// a moment of its own.
pub(super) async fn cut<F: Future>(chance: &Chance, future: F) -> Option<F::Output> {
    let mut polls = chance.below(12);
    let until = Instant::now() + Duration::from_micros(chance.below(3000));
    let by_time = chance.below(2) == 0;
    let mut future = pin!(future);
    poll_fn(|context| {
        if if by_time { Instant::now() >= until } else { polls == 0 } {
            return Poll::Ready(None);
        }
        polls = polls.saturating_sub(1);
        if by_time {
            // Asked again at once, so that it ends on time.
            context.waker().wake_by_ref();
        }
        future.as_mut().poll(context).map(Some)
    })
    .await
}
