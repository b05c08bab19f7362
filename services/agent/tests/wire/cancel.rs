//! Whoever hangs up stops the model.

use std::time::{Duration, Instant};

use devsphere_proto::r#type::v1::AiUsageState;
use devsphere_testkit::{
    eventually,
    provider::{Script, Wire, author::author},
};

use crate::stage::{Stage, task};

/// A model that thinks for a minute over its text.
fn slow(asked: &devsphere_testkit::provider::Asked) -> Script {
    match asked.tool.as_ref().unwrap().name.as_str() {
        "draft" => author(asked).pieces(600).pause(Duration::from_millis(100)),
        _ => author(asked),
    }
}

#[tokio::test]
async fn the_providers_call_ends_within_a_second_and_what_it_cost_is_noted_once() {
    for wire in Wire::ALL {
        let stage = Stage::new(wire, slow).await;
        let (_north, writer) = stage.org("north").await;
        let mut stream = stage.stream(&writer, task()).await.unwrap();
        while stream.message().await.unwrap().is_some() {
            if stage.model.calls().len() == 2 {
                break;
            }
        }

        let hung_up = Instant::now();
        drop(stream);

        let left = eventually("the provider's call ends", async || {
            stage.model.hung_up().first().map(|call| call.at)
        })
        .await;
        assert!(left - hung_up < Duration::from_secs(1), "{wire:?}: {:?}", left - hung_up);
        let usage = eventually("its cost is noted", async || {
            let newest = stage.usages(&writer).await.swap_remove(0);
            (newest.state() != AiUsageState::Running).then_some(newest)
        })
        .await;
        assert_eq!(usage.state(), AiUsageState::Cancelled);
        assert!(usage.input_tokens > 0, "{usage:?}");
        assert_eq!(stage.model.calls().len(), 2, "nothing is asked afterwards");
        let tokens: i64 = stage
            .usages(&writer)
            .await
            .iter()
            .map(|one| one.input_tokens + one.output_tokens)
            .sum();
        assert_eq!(stage.spending(&writer).await.tokens, tokens);
    }
}

#[tokio::test]
async fn whoever_waits_for_a_turn_can_leave_the_queue_and_costs_nothing() {
    let stage = Stage::new(Wire::Anthropic, slow).await;
    let (_north, writer) = stage.org("north").await;
    let mut busy = Vec::new();
    for _ in 0..4 {
        busy.push(stage.stream(&writer, task()).await.unwrap());
    }
    let asked = || stage.model.calls().len();
    eventually("four write their texts", async || (asked() == 8).then_some(())).await;
    let mut waiting = stage.stream(&writer, task()).await.unwrap();
    let first = waiting.message().await.unwrap().unwrap();
    let before = asked();

    drop(waiting);
    drop(busy);

    let step = match first.event.unwrap() {
        devsphere_proto::agent::v1::generate_draft_response::Event::Progress(told) => told.step(),
        other => unreachable!("{other:?}"),
    };
    assert_eq!(step, devsphere_proto::r#type::v1::GenerationStep::Waiting);
    eventually("all of them end", async || (stage.model.open() == 0).then_some(())).await;
    assert_eq!((before, asked()), (8, 8), "four are at work, and the fifth asks nothing");
    let noted: std::collections::BTreeSet<_> =
        stage.usages(&writer).await.into_iter().map(|usage| usage.generation_id).collect();
    assert_eq!(noted.len(), 4);
}
