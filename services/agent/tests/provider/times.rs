//! How long a provider may take, within the caller's deadline.

use std::time::{Duration, Instant};

use devsphere_agent::provider::Failure;
use devsphere_testkit::provider::{Script, Wire};

use crate::stage::{Stage, question};

const SHORT: Duration = Duration::from_millis(200);
const LONG: Duration = Duration::from_secs(60);

/// Asks until that deadline, and says how long it took to fail.
async fn fails(stage: &Stage, deadline: Duration) -> (Failure, Duration) {
    let begun = Instant::now();
    let failure = stage.provider().ask(&question(), begun + deadline, &mut |_| {}).await;
    (failure.unwrap_err(), begun.elapsed())
}

fn is_late(failure: &Failure, taken: Duration) {
    assert_eq!((failure.cause.as_str(), failure.attempts), ("timed_out", 1), "{failure:?}");
    assert!(failure.usage.input > 0 && failure.usage.is_estimate, "{failure:?}");
    assert!(failure.is_retryable());
    assert!((SHORT..SHORT + Duration::from_secs(5)).contains(&taken), "{taken:?}");
}

#[tokio::test]
async fn an_answer_has_to_begin_in_time() {
    for wire in Wire::ALL {
        for script in [Script::text("Once").late(LONG), Script::text("Once").silent_after(0)] {
            let mut stage = Stage::always(wire, script).await;
            stage.patience.first = SHORT;

            let (failure, taken) = fails(&stage, LONG).await;

            is_late(&failure, taken);
        }
    }
}

#[tokio::test]
async fn an_answer_has_to_go_on_in_time() {
    for (wire, events) in [(Wire::Anthropic, 4), (Wire::OpenAi, 2)] {
        let mut stage = Stage::always(wire, Script::text("Once").silent_after(events)).await;
        stage.patience.silence = SHORT;

        let (failure, taken) = fails(&stage, LONG).await;

        is_late(&failure, taken);
    }
}

#[tokio::test]
async fn an_answer_that_lacks_only_its_last_word_is_one() {
    for (wire, events) in [(Wire::Anthropic, 6), (Wire::OpenAi, 4)] {
        let mut stage = Stage::always(wire, Script::text("Once").silent_after(events)).await;
        stage.patience.silence = SHORT;

        let reply = stage.ask(&question()).await.unwrap();

        assert_eq!((reply.text.as_str(), reply.usage.is_estimate), ("Once", false));
    }
}

#[tokio::test]
async fn the_callers_deadline_holds_whatever_the_provider_does() {
    let drip = Script::text("Once upon a time").drip(Duration::from_millis(20));
    for wire in Wire::ALL {
        for script in
            [Script::text("x").late(LONG), Script::text("x").silent_after(1), drip.clone()]
        {
            let stage = Stage::always(wire, script).await;

            let (failure, taken) = fails(&stage, SHORT).await;

            is_late(&failure, taken);
        }
    }
}

#[tokio::test]
async fn a_slow_answer_that_goes_on_is_waited_for() {
    for wire in Wire::ALL {
        let script = Script::text("Once upon a time").pieces(8).pause(SHORT / 4);
        let mut stage = Stage::always(wire, script).await;
        (stage.patience.first, stage.patience.silence) = (SHORT * 5, SHORT * 2);
        let begun = Instant::now();

        let reply = stage.ask(&question()).await.unwrap();

        assert_eq!(reply.text, "Once upon a time");
        assert!(begun.elapsed() > stage.patience.silence);
    }
}

#[tokio::test]
async fn a_server_that_still_reads_the_question_may_say_so() {
    let comments = ":\n\n".repeat(150);
    let answer =
        "data: {\"choices\":[{\"delta\":{\"content\":\"x\"},\"finish_reason\":\"stop\"}]}\n\n";
    let script = Script::bytes(comments + answer).drip(Duration::from_millis(1));
    let mut stage = Stage::always(Wire::OpenAi, script).await;
    stage.patience.first = SHORT;
    let begun = Instant::now();

    let reply = stage.ask(&question()).await.unwrap();

    assert_eq!(reply.text, "x");
    assert!(begun.elapsed() > SHORT);
}
