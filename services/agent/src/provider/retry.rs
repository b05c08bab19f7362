//! Asking again: where it helps, nobody has seen anything yet, and the deadline leaves time for it.

use std::time::{Duration, Instant};

use tower::{
    retry::backoff::{Backoff as _, ExponentialBackoff, ExponentialBackoffMaker, MakeBackoff as _},
    util::rng::HasherRng,
};

use super::{
    Cause, Failure, OnProgress, Patience, Provider, Question, Reply, Usage,
    attempt::{Attempt, Failed},
    shape::Shape,
};

/// Attempts at the same request, the first among them.
const ATTEMPTS: u32 = 4;

/// By chance, a pause is up to so much longer.
const JITTER: f64 = 0.5;

/// So many times the first pause is the longest one of our own.
const GROWTH: u32 = 16;

pub(super) async fn ask(
    provider: &Provider,
    question: &Question,
    deadline: Instant,
    progress: OnProgress<'_>,
) -> Result<Reply, Failure> {
    let mut spent = Usage::default();
    let mut shape = Shape::default();
    let mut pauses = Pauses::new(provider.patience);
    let mut number = 0;
    loop {
        number += 1;
        let attempt = Attempt { provider, question, shape, deadline, number, spent };
        let Failed { cause, usage, has_begun, objection } = match attempt.make(progress).await {
            Ok(reply) => return Ok(Reply { usage: spent + reply.usage, ..reply }),
            Err(failed) => failed,
        };
        spent += usage;
        // Another request, so it is no attempt at the same one: each thing is left out only once.
        let simpler = matches!(cause, Cause::Rejected { .. })
            .then(|| shape.without(&objection, question))
            .flatten();
        if let Some(simpler) = simpler {
            tracing::debug!(model = question.model, ?simpler, "asking without what is not taken");
            shape = simpler;
            continue;
        }
        let pause = if has_begun { None } else { pauses.after(&cause) };
        let again = pause.map(|pause| Instant::now() + pause).filter(|again| *again < deadline);
        let Some(again) = again else {
            return Err(Failure { cause, usage: spent, attempts: number });
        };
        tracing::info!(cause = cause.as_str(), attempt = number, "asking the provider again");
        tokio::time::sleep_until(again.into()).await;
    }
}

/// The pauses of one question.
struct Pauses {
    left: u32,
    longest: Duration,
    own: ExponentialBackoff,
}

impl Pauses {
    fn new(patience: Patience) -> Self {
        let longest = patience.pause.saturating_mul(GROWTH);
        let own = ExponentialBackoffMaker::new(patience.pause, longest, JITTER, HasherRng::new());
        // Only a pause of nothing has no such maker, and it has the usual ones instead.
        let own = own.unwrap_or_default().make_backoff();
        Self { left: ATTEMPTS - 1, longest: patience.longest_pause, own }
    }

    /// How long to wait before the next attempt, if there is to be one.
    fn after(&mut self, cause: &Cause) -> Option<Duration> {
        let helps = matches!(
            cause,
            Cause::RateLimited { .. } | Cause::Overloaded { .. } | Cause::Unreachable | Cause::Cut
        );
        if !helps {
            return None;
        }
        self.left = self.left.checked_sub(1)?;
        let own = self.own.next_backoff().deadline().into_std();
        let own = own.saturating_duration_since(Instant::now());
        match cause.retry_after() {
            // Whoever asks earlier than it is told to is refused again.
            Some(hint) if hint > self.longest => None,
            Some(hint) if !hint.is_zero() => Some(hint),
            _ => Some(own),
        }
    }
}
