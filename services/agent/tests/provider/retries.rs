//! When a provider is asked again, and when it is not.

use std::time::{Duration, Instant};

use devsphere_agent::provider::{Cause, Usage};
use devsphere_testkit::provider::{Script, Wire};

use crate::stage::{Stage, question, soon};

fn busy(name: &str, value: &str) -> Script {
    Script::refusal(429, "rate_limit_error", "slow down").header(name, value)
}

/// The time between each call and the next.
fn gaps(stage: &Stage) -> Vec<Duration> {
    let calls = stage.scripted.calls();
    calls.windows(2).map(|pair| pair[1].at - pair[0].at).collect()
}

#[tokio::test]
async fn what_passes_is_answered_the_second_time_and_paid_once() {
    for wire in Wire::ALL {
        let overloaded = Script::refusal(529, "overloaded_error", "Overloaded");
        let stage = Stage::first(wire, overloaded).await;

        let reply = stage.ask(&question()).await.unwrap();

        assert_eq!((reply.text.as_str(), reply.attempts), ("At last.", 2));
        assert_eq!(reply.usage, Usage { input: 100, output: 20, ..Usage::default() });
    }
}

#[tokio::test]
async fn an_attempt_that_was_cut_is_paid_for_too() {
    for (wire, before) in [(Wire::Anthropic, 3), (Wire::OpenAi, 1)] {
        let stage = Stage::first(wire, Script::text("Once").cut_after(before)).await;

        let (reply, told) = stage.heard(&question()).await;

        let reply = reply.unwrap();
        assert!(reply.usage.input > 100 && reply.usage.is_estimate, "{:?}", reply.usage);
        // Anthropic says at once what it has read.
        assert!(wire != Wire::Anthropic || reply.usage.input == 200);
        assert_eq!((reply.text.as_str(), told.text.as_str()), ("At last.", "At last."));
        assert_eq!(told.usage, reply.usage);
    }
}

#[tokio::test]
async fn the_providers_own_pause_is_kept() {
    for wire in Wire::ALL {
        let millis = |millis| Duration::from_millis(millis);
        for (name, value, pause) in [
            ("retry-after", "1", millis(1000)),
            ("retry-after", "0.3", millis(300)),
            ("retry-after-ms", "200", millis(200)),
        ] {
            let stage = Stage::first(wire, busy(name, value)).await;

            stage.ask(&question()).await.unwrap();

            let [gap] = <[_; 1]>::try_from(gaps(&stage)).unwrap();
            assert!(gap >= pause, "{name}: {value} and asked after {gap:?}");
        }
    }
}

#[tokio::test]
async fn a_pause_that_is_too_long_is_told_instead_of_waited_for() {
    for wire in Wire::ALL {
        let mut stage = Stage::always(wire, busy("retry-after", "2")).await;
        stage.patience.longest_pause = Duration::from_secs(1);

        let failure = stage.ask(&question()).await.unwrap_err();

        let retry_after = Some(Duration::from_secs(2));
        assert_eq!(failure.cause, Cause::RateLimited { retry_after });
        assert_eq!((failure.attempts, failure.is_retryable()), (1, true));
    }
}

#[tokio::test]
async fn a_pause_beyond_the_deadline_is_not_begun() {
    for wire in Wire::ALL {
        let stage = Stage::always(wire, busy("retry-after", "30")).await;
        let begun = Instant::now();

        let failure = stage.provider().ask(&question(), soon(), &mut |_| {}).await.unwrap_err();

        assert_eq!((failure.cause.as_str(), failure.attempts), ("rate_limited", 1));
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
}

#[tokio::test]
async fn our_own_pauses_grow_twofold() {
    for wire in Wire::ALL {
        let mut stage = Stage::always(wire, Script::refusal(500, "api_error", "oh")).await;
        stage.patience.pause = Duration::from_millis(50);

        let failure = stage.ask(&question()).await.unwrap_err();

        assert_eq!(failure.attempts, 4);
        for (gap, least) in gaps(&stage).into_iter().zip([50, 100, 200]) {
            assert!(gap >= Duration::from_millis(least), "{gap:?} of {least} ms");
        }
    }
}
