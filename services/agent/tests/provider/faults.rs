//! Everything that goes wrong ends in one clear failure, and says what it cost.

use std::{net::TcpListener, time::Duration};

use devsphere_agent::provider::{Cause, Connection, Patience, Provider, Question, Usage};
use devsphere_testkit::provider::{Script, Wire};

use crate::stage::{Stage, client, form, kind, question, soon};

/// What a fault is to cost.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Cost {
    /// Nothing, for certain.
    Nothing,
    /// What the provider counted.
    Counted,
    /// What was reckoned, at least in part.
    Reckoned,
}

impl Cost {
    fn of(usage: Usage) -> Self {
        match usage {
            usage if usage == Usage::default() => Self::Nothing,
            Usage { is_estimate: false, .. } => Self::Counted,
            _ => Self::Reckoned,
        }
    }
}

async fn expect(wire: Wire, question: &Question, script: Script, ends: (&str, u32, Cost)) {
    let told = format!("{wire:?}: {script:.300?}");
    let stage = Stage::always(wire, script).await;

    let failure = stage.ask(question).await.expect_err(&told);

    let (word, attempts, cost) = ends;
    assert_eq!(failure.cause.as_str(), word, "{told}");
    assert_eq!(failure.attempts, attempts, "{told}");
    assert_eq!(stage.scripted.calls().len(), usize::try_from(attempts).unwrap(), "{told}");
    assert_eq!(Cost::of(failure.usage), cost, "{told}");
    assert_eq!(failure.is_retryable(), failure.cause.is_retryable());
}

#[tokio::test]
async fn a_refusal_costs_nothing_and_is_repeated_only_where_it_may_pass() {
    for wire in Wire::ALL {
        for (status, kind, message, word, attempts) in [
            (400, "invalid_request_error", "messages: too many", "rejected", 1),
            (401, "authentication_error", "invalid x-api-key", "unauthorized", 1),
            (402, "billing_error", "no money", "out_of_credit", 1),
            (403, "permission_error", "not for you", "unauthorized", 1),
            (404, "not_found_error", "model: model-1", "unknown_model", 1),
            (404, "not_found_error", "no such path", "rejected", 1),
            (413, "request_too_large", "too large", "rejected", 1),
            (429, "rate_limit_error", "slow down", "rate_limited", 4),
            (429, "insufficient_quota", "no money", "out_of_credit", 1),
            (500, "api_error", "oh", "overloaded", 4),
            (503, "unavailable_error", "Loading model", "overloaded", 4),
            (529, "overloaded_error", "Overloaded", "overloaded", 4),
        ] {
            let script = Script::refusal(status, kind, message);
            expect(wire, &question(), script, (word, attempts, Cost::Nothing)).await;
        }
    }
}

#[tokio::test]
async fn what_the_provider_said_is_told() {
    for wire in Wire::ALL {
        let script = Script::refusal(400, "invalid_request_error", "messages: too many");
        let failure = Stage::always(wire, script).await.ask(&question()).await.unwrap_err();

        let message = "messages: too many".to_owned();
        assert_eq!(failure.cause, Cause::Rejected { status: 400, message });
        assert_eq!(
            failure.to_string(),
            "the provider refused the request (400): messages: too many"
        );
    }
}

#[tokio::test]
async fn a_cut_is_repeated_until_something_was_seen() {
    // What comes before the first piece, and after it.
    for (wire, before, after) in [(Wire::Anthropic, 3, 4), (Wire::OpenAi, 1, 2)] {
        let script = Script::text("Once upon a time").pieces(3);
        for events in [0, before] {
            let cut = script.clone().cut_after(events);
            expect(wire, &question(), cut, ("cut", 4, Cost::Reckoned)).await;
            let end = script.clone().raw_after(events, "");
            expect(wire, &question(), end, ("cut", 4, Cost::Reckoned)).await;
        }
        let cut = script.clone().cut_after(after);
        expect(wire, &question(), cut, ("cut", 1, Cost::Reckoned)).await;
        let torn = script.clone().raw_after(after, "data: {\"type\":");
        expect(wire, &question(), torn, ("cut", 1, Cost::Reckoned)).await;
    }
}

#[tokio::test]
async fn an_error_in_the_middle_is_repeated_until_something_was_seen() {
    for (wire, before, after) in [(Wire::Anthropic, 3, 4), (Wire::OpenAi, 1, 2)] {
        let script = Script::text("Once upon a time").pieces(3);
        for (status, kind, word, attempts) in [
            (529, "overloaded_error", "overloaded", 4),
            (429, "rate_limit_error", "rate_limited", 4),
            (500, "api_error", "overloaded", 4),
            (400, "invalid_request_error", "rejected", 1),
        ] {
            let early = script.clone().error_after(before, status, kind);
            expect(wire, &question(), early, (word, attempts, Cost::Reckoned)).await;
            let late = script.clone().error_after(after, status, kind);
            expect(wire, &question(), late, (word, 1, Cost::Reckoned)).await;
        }
    }
}

#[tokio::test]
async fn what_is_no_event_ends_the_call() {
    let endless = format!("data: {}", "x".repeat(3 * 1024 * 1024));
    for wire in Wire::ALL {
        for nonsense in ["data: {nonsense\n\n", "data: [1, 2]\n\n", "data: 7\n\n", &endless] {
            let script = Script::text("Once").raw_after(1, nonsense);
            expect(wire, &question(), script, ("malformed", 1, Cost::Reckoned)).await;
        }
        let page = Script::bytes("<html>Sign in</html>").header("content-type", "text/html");
        expect(wire, &question(), page, ("malformed", 1, Cost::Nothing)).await;
        let json = Script::bytes("{}").header("content-type", "application/json");
        expect(wire, &question(), json, ("malformed", 1, Cost::Reckoned)).await;
    }
}

#[tokio::test]
async fn an_answer_that_answers_nothing_is_paid_for_and_no_reply() {
    for wire in Wire::ALL {
        for (question, script) in [
            (question(), Script::text("")),
            (form(), Script::text("I would rather not.")),
            (form(), Script::broken_tool("{\"title\": \"Gard")),
            (form(), Script::broken_tool("[1]")),
        ] {
            expect(wire, &question, script, ("malformed", 1, Cost::Counted)).await;
        }
    }
}

#[tokio::test]
async fn an_answer_that_is_too_long_or_declined_is_paid_for_and_no_reply() {
    for (wire, length, declined) in
        [(Wire::Anthropic, "max_tokens", "refusal"), (Wire::OpenAi, "length", "content_filter")]
    {
        let form = form();
        let torn = Script::broken_tool("{\"title\": \"Gard").stop(length);
        expect(wire, &form, torn, ("too_long", 1, Cost::Counted)).await;
        let torn = Script::text("Once upon").stop(length);
        expect(wire, &question(), torn, ("too_long", 1, Cost::Counted)).await;
        let no = Script::text("I cannot.").stop(declined);
        expect(wire, &form, no, ("declined", 1, Cost::Counted)).await;
    }
}

fn elsewhere(wire: Wire, base_url: &str) -> Connection {
    let patience = Patience { pause: Duration::from_millis(1), ..Patience::default() };
    let key = "key".to_owned().into();
    Connection { kind: kind(wire), base_url: base_url.to_owned(), key, patience }
}

#[tokio::test]
async fn where_nobody_listens_is_asked_four_times_for_nothing() {
    // A port that was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for wire in Wire::ALL {
        let there = elsewhere(wire, &format!("http://127.0.0.1:{port}"));
        let provider = Provider::new(there, &client()).unwrap();

        let failure = provider.ask(&question(), soon(), &mut |_| {}).await.unwrap_err();

        assert_eq!((failure.cause, failure.attempts), (Cause::Unreachable, 4));
        assert_eq!(failure.usage, Usage::default());
    }
}

#[tokio::test]
async fn an_address_of_our_own_is_not_called() {
    for base in [
        "http://10.0.0.1",
        "https://169.254.169.254",
        "https://localhost",
        "http://api.example.com",
        "ftp://api.example.com",
        "https://name:word@api.example.com",
        "",
    ] {
        for wire in Wire::ALL {
            let failure = Provider::new(elsewhere(wire, base), &client()).unwrap_err();
            assert_eq!(failure.cause.as_str(), "blocked", "{base}");
            assert!(!failure.is_retryable());
        }
    }
}
