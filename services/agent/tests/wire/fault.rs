//! Every fault of a provider ends in one clear state, and is counted once.

use std::time::Duration;

use devsphere_auth::Role;
use devsphere_proto::{administration::v1::AiProvider, r#type::v1::AiUsageState};
use devsphere_testkit::{
    Caller, StatusExt as _,
    provider::{Script, Wire, author::author},
};
use tonic::Code;

use crate::stage::{Stage, prices, task};

/// Each fault, and what whoever asked for a draft is told of it.
fn faults() -> Vec<(&'static str, Script, &'static str)> {
    let refusal = |status, kind: &str| Script::refusal(status, kind, "in its own words");
    let text = || Script::text("half of an answer").pieces(8);
    vec![
        ("wrong key", refusal(401, "authentication_error"), "provider_unauthorized"),
        ("forbidden", refusal(403, "permission_error"), "provider_unauthorized"),
        ("no credit", refusal(402, "insufficient_quota"), "provider_out_of_credit"),
        ("bad request", refusal(400, "invalid_request_error"), "provider_rejected"),
        (
            "no model",
            Script::refusal(404, "not_found_error", "the model does not exist"),
            "provider_unknown_model",
        ),
        (
            "too fast",
            refusal(429, "rate_limit_error").header("retry-after", "3600"),
            "provider_rate_limited",
        ),
        (
            "overloaded",
            refusal(529, "overloaded_error").header("retry-after", "3600"),
            "provider_overloaded",
        ),
        ("cut in the middle", text().cut_after(5), "provider_cut"),
        (
            "error in the middle",
            text().error_after(5, 529, "overloaded_error"),
            "provider_overloaded",
        ),
        ("noise in the middle", text().raw_after(4, "data: {broken\n\n"), "answer_malformed"),
        ("broken form", Script::broken_tool("{\"outline\": [").pieces(2), "answer_malformed"),
        ("no form", Script::text("I would rather chat."), "answer_malformed"),
        (
            "web page",
            Script::bytes("<html>").header("content-type", "text/html"),
            "answer_malformed",
        ),
    ]
}

#[tokio::test]
async fn every_fault_ends_in_one_clear_state_and_is_counted_once() {
    for wire in Wire::ALL {
        // The model's name says which fault it has.
        let stage = Stage::new(wire, |asked| {
            let fault =
                faults().into_iter().find(|(name, ..)| name.replace(' ', "-") == asked.model);
            fault.unwrap().1
        })
        .await;
        for (name, _, cause) in faults() {
            let org = stage.world.org(name).await;
            let model = name.replace(' ', "-");
            stage
                .connect(&org, AiProvider { model, prices: Some(prices()), ..stage.provider() })
                .await;
            let writer = org.member("signe", Role::Seo).await;

            let refused = stage.draft(&writer, task()).await.1.unwrap_err();

            assert_eq!(refused.reason(), "AI_FAILED", "{name} {wire:?}");
            assert_eq!(refused.cause(), cause, "{name} {wire:?}: {}", refused.message());
            assert!(matches!(refused.code(), Code::Internal | Code::Unavailable), "{name}");
            counted_once(&stage, &writer, name).await;
            assert_eq!(stage.model.open(), 0, "{name} {wire:?}");
        }
    }
}

/// The ledger has one line, of a failure, and its month that line's sum.
async fn counted_once(stage: &Stage, writer: &Caller<'_>, name: &str) {
    let usages = stage.usages(writer).await;
    let [usage] = usages.as_slice() else { unreachable!("{name}: {usages:?}") };
    assert_eq!(usage.state(), AiUsageState::Failed, "{name}");
    assert!(usage.end_time.is_some() && !usage.failure.is_empty());
    let month = stage.spending(writer).await;
    let spent = usage.input_tokens
        + usage.output_tokens
        + usage.cache_read_tokens
        + usage.cache_write_tokens;
    assert_eq!((month.tokens, month.cost_micros), (spent, usage.cost_micros), "{name}");
}

#[tokio::test]
async fn a_provider_that_says_when_to_come_back_is_asked_again_then() {
    for (status, kind) in [(429, "rate_limit_error"), (529, "overloaded_error"), (503, "api_error")]
    {
        let stage = Stage::new(Wire::Anthropic, move |asked| match asked.number {
            0 => Script::refusal(status, kind, "later").header("retry-after-ms", "50"),
            _ => author(asked),
        })
        .await;
        let (_north, writer) = stage.org("north").await;

        let draft = stage.draft(&writer, task()).await.1.unwrap();

        assert_eq!(draft.usages[0].attempts, 2, "{status}");
        let calls = stage.model.calls();
        assert_eq!(calls.len(), 4);
        assert!(calls[1].at - calls[0].at >= Duration::from_millis(50));
    }
}

#[tokio::test]
async fn an_answer_that_drips_is_heard_to_its_end() {
    let stage =
        Stage::new(Wire::OpenAi, |asked| author(asked).drip(Duration::from_micros(50))).await;
    let (_north, writer) = stage.org("north").await;

    let draft = stage.draft(&writer, task()).await.1.unwrap();

    assert_eq!(draft.usages.len(), 3);
}
