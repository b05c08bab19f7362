//! Answers, as models and servers give them.

use std::time::{Duration, Instant};

use devsphere_agent::provider::{Question, Usage};
use devsphere_testkit::provider::{Script, Tokens, Wire};
use serde_json::json;

use crate::stage::{KEY, Stage, form, question};

#[tokio::test]
async fn a_text_comes_in_pieces_and_says_what_it_cost() {
    let text = "Gärten 🌱 für alle, die gern draußen sind.";
    for wire in Wire::ALL {
        let stage = Stage::always(wire, Script::text(text).pieces(7)).await;

        let (reply, told) = stage.heard(&question()).await;

        let reply = reply.unwrap();
        let usage = Usage { input: 100, output: 20, ..Usage::default() };
        assert_eq!((reply.text.as_str(), reply.structured), (text, None));
        assert_eq!((reply.usage, reply.attempts), (usage, 1));
        assert_eq!(reply.model, "model-1");
        assert_eq!((told.text.as_str(), told.characters), (text, text.chars().count()));
        assert_eq!(told.usage, usage);
    }
}

#[tokio::test]
async fn the_provider_is_asked_what_the_question_says() {
    for wire in Wire::ALL {
        let stage = Stage::always(wire, Script::tool(&json!({"title": "Gardens"}))).await;
        let question = Question { temperature: Some(0.3), ..form() };

        stage.ask(&question).await.unwrap();

        let [asked] = <[_; 1]>::try_from(stage.scripted.calls()).unwrap();
        assert_eq!((asked.key.as_str(), asked.model.as_str()), (KEY, "model-1"));
        assert_eq!(asked.system, "You write for agencies.");
        assert_eq!(asked.messages, [("user".to_owned(), "About gardens, please.".to_owned())]);
        let tool = asked.tool.unwrap();
        assert_eq!((tool.name.as_str(), tool.is_forced), ("draft", true));
        assert_eq!(Some(&tool.schema), question.tool.as_ref().map(|tool| &tool.schema));
        assert_eq!((asked.stream, &asked.body["max_tokens"]), (true, &json!(500)));
        assert_eq!(asked.body["temperature"], 0.3);
    }
}

#[tokio::test]
async fn a_form_comes_back_filled_in() {
    let filled = json!({"title": "Gärten", "outline": ["one", "two"], "quote": "\"\\ \u{1f331}"});
    for wire in Wire::ALL {
        for pieces in [1, 3, 1000] {
            let stage = Stage::always(wire, Script::tool(&filled).pieces(pieces)).await;

            let (reply, told) = stage.heard(&form()).await;

            let reply = reply.unwrap();
            assert_eq!((reply.structured.as_ref(), reply.text.as_str()), (Some(&filled), ""));
            assert_eq!(told.text, filled.to_string());
        }
    }
}

#[tokio::test]
async fn cached_tokens_are_counted_once() {
    let tokens = Tokens { input: 7, output: 5, cache_read: 900, cache_write: 30 };
    for wire in Wire::ALL {
        let stage = Stage::always(wire, Script::text("Gardens").tokens(tokens)).await;

        let usage = stage.ask(&question()).await.unwrap().usage;

        let expected =
            Usage { input: 7, output: 5, cache_read: 900, cache_write: 30, is_estimate: false };
        assert_eq!(usage, expected);
    }
}

#[tokio::test]
async fn a_server_that_counts_nothing_is_reckoned_with() {
    for wire in Wire::ALL {
        let stage = Stage::always(wire, Script::text("x".repeat(400)).without_tokens()).await;

        let usage = stage.ask(&question()).await.unwrap().usage;

        assert!(usage.is_estimate && usage.input > 20, "{usage:?}");
        assert_eq!(usage.output, 100);
    }
}

#[tokio::test]
async fn a_stream_split_into_single_bytes_says_the_same() {
    let filled = json!({"title": "Gärten 🌱"});
    for wire in Wire::ALL {
        let script = Script::tool(&filled).pieces(4);
        let whole = Stage::always(wire, script.clone()).await.ask(&form()).await;
        let split = Stage::always(wire, script.drip(Duration::ZERO)).await;

        assert_eq!(split.ask(&form()).await, whole);
        assert_eq!(whole.unwrap().structured, Some(filled.clone()));
    }
}

#[tokio::test]
async fn a_stream_may_end_without_its_last_word() {
    for (wire, without_end) in [(Wire::Anthropic, 6), (Wire::OpenAi, 4)] {
        for script in [
            Script::text("Gardens").raw_after(without_end, ""),
            Script::text("Gardens").cut_after(without_end),
        ] {
            let stage = Stage::always(wire, script).await;

            let reply = stage.ask(&question()).await.unwrap();

            assert_eq!((reply.text.as_str(), reply.usage.is_estimate), ("Gardens", false));
        }
    }
}

#[tokio::test]
async fn what_comes_after_the_end_is_not_waited_for() {
    for (wire, events) in [(Wire::Anthropic, 7), (Wire::OpenAi, 5)] {
        let stage = Stage::always(wire, Script::text("Gardens").silent_after(events)).await;
        let begun = Instant::now();

        let reply = stage.ask(&question()).await.unwrap();

        assert_eq!(reply.text, "Gardens");
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
}

#[tokio::test]
async fn a_server_that_does_not_stream_is_understood() {
    let filled = json!({"title": "Gardens"});
    let stage = Stage::always(Wire::OpenAi, Script::tool(&filled).whole()).await;

    let (reply, told) = stage.heard(&form()).await;

    let reply = reply.unwrap();
    assert_eq!(reply.structured, Some(filled));
    assert_eq!((reply.usage.input, reply.usage.output, reply.model.as_str()), (100, 20, "whole"));
    assert!(told.characters > 0);
}

#[tokio::test]
async fn a_local_server_may_write_its_own_dialect() {
    let stream = ":\r\n\r\ndata: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":null}}]}\r\n\r\n\
                  : ping\r\n\r\n\
                  data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Gardens\"},\"finish_reason\":\"\"}]}\r\n\r\n\
                  data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"eos\"}],\
                  \"usage\":{\"prompt_tokens\":0,\"completion_tokens\":0}}\r\n\r\n";
    let stage = Stage::always(Wire::OpenAi, Script::bytes(stream)).await;

    let reply = stage.ask(&question()).await.unwrap();

    assert_eq!((reply.text.as_str(), reply.model.as_str()), ("Gardens", "model-1"));
    assert!(reply.usage.is_estimate);
}

#[tokio::test]
async fn a_model_that_takes_less_is_asked_with_less_and_that_is_free() {
    for wire in Wire::ALL {
        let stage = Stage::new(wire, move |asked| {
            let refuse = |message| Script::refusal(400, "invalid_request_error", message);
            let forced = asked.tool.as_ref().is_some_and(|tool| tool.is_forced);
            match &asked.body {
                _ if forced => refuse("tool_choice: this model cannot be forced to use a tool"),
                body if body.get("temperature").is_some() => refuse("`temperature` is deprecated"),
                body if body.get("stream_options").is_some() => refuse("stream_options: unknown"),
                body if wire == Wire::OpenAi && body.get("max_tokens").is_some() => {
                    refuse("Use 'max_completion_tokens' instead.")
                }
                _ => Script::text("```json\n{\"title\": \"Gardens\"}\n```"),
            }
        })
        .await;

        let reply = stage.ask(&Question { temperature: Some(0.3), ..form() }).await.unwrap();

        assert_eq!(reply.structured, Some(json!({"title": "Gardens"})));
        assert_eq!(reply.attempts, if wire == Wire::OpenAi { 5 } else { 3 });
        // Whoever may not be asked what it costs does not say it.
        assert_eq!(reply.usage.is_estimate, wire == Wire::OpenAi);
        assert!(wire == Wire::OpenAi || reply.usage.input == 100);
    }
}
