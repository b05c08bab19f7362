//! Keys and addresses of both formats, and streams that arrive in any pieces.

use bytes::Bytes;
use serde_json::json;

use super::*;
use crate::provider::{Reply, Tool, answer::Answer, sse::Events};

#[test]
fn a_base_is_taken_as_people_write_it() {
    let anthropic = "https://api.anthropic.com/v1/messages";
    for base in ["https://api.anthropic.com", "https://api.anthropic.com/v1/"] {
        assert_eq!(Kind::Anthropic.url(base), anthropic);
    }
    for base in ["http://localhost:11434/v1", " http://localhost:11434/v1/ "] {
        assert_eq!(Kind::OpenAi.url(base), "http://localhost:11434/v1/chat/completions");
    }
}

#[test]
fn a_key_stands_in_its_header_and_is_not_shown() {
    let headers = |kind: Kind, key: &str| kind.headers(&key.to_owned().into());

    let anthropic = headers(Kind::Anthropic, "secret").unwrap();
    let open = headers(Kind::OpenAi, "secret").unwrap();

    assert_eq!(anthropic["x-api-key"], "secret");
    assert_eq!(anthropic["anthropic-version"], "2023-06-01");
    assert_eq!(open["authorization"], "Bearer secret");
    assert!(!format!("{anthropic:?}{open:?}").contains("secret"));
    assert!(!headers(Kind::OpenAi, "").unwrap().contains_key("authorization"));
    let refused = headers(Kind::OpenAi, "sec\nret").unwrap_err();
    assert!(matches!(&refused, Cause::Unauthorized { message } if !message.contains("sec\n")));
}

/// What the chunks of a stream come to.
fn reply(kind: Kind, chunks: &[&[u8]]) -> Reply {
    let mut answer = Answer::to(40);
    answer.pay();
    let (mut events, mut decoder) = (Events::new(), kind.decoder());
    for chunk in chunks {
        let mut bytes = Bytes::copy_from_slice(chunk);
        while let Some(event) = events.next(&mut bytes) {
            for heard in decoder.read(&event.unwrap()).unwrap() {
                answer.hear(heard).unwrap();
            }
        }
    }
    let tool = Tool { name: "draft".into(), description: String::new(), schema: json!({}) };
    let question = Question {
        model: "asked".into(),
        system: String::new(),
        messages: Vec::new(),
        tool: Some(tool),
        max_output_tokens: 1,
        temperature: None,
    };
    answer.reply(&question, 1).unwrap()
}

const ANTHROPIC: &str = r#"event: message_start
data: {"type":"message_start","message":{"model":"claude","usage":{"input_tokens":9,"output_tokens":1,"cache_read_input_tokens":4}}}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Here: 🌱"}}

event: content_block_stop
data: {"type":"content_block_stop","index":0}

event: ping
data: {"type":"ping"}

event: content_block_start
data: {"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"t","name":"draft","input":{}}}

event: content_block_delta
data: {"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\"title\": \"G\u00e4"}}

event: content_block_delta
data: {"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"rten 🌱\"}"}}

event: content_block_stop
data: {"type":"content_block_stop","index":1}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"output_tokens":15}}

event: message_stop
data: {"type":"message_stop"}

"#;

const OPENAI: &str = r#": connected

data: {"model":"gpt","choices":[{"index":0,"delta":{"role":"assistant","content":"Here: 🌱"},"finish_reason":null}],"usage":null}

data: {"model":"gpt","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"c","type":"function","function":{"name":"draft","arguments":""}}]},"finish_reason":null}]}

data: {"model":"gpt","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"title\": \"G\u00e4"}}]},"finish_reason":null}]}

data: {"model":"gpt","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"rten 🌱\"}"}}]},"finish_reason":null}]}

data: {"model":"gpt","choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}

data: {"model":"gpt","choices":[],"usage":{"prompt_tokens":13,"completion_tokens":15,"prompt_tokens_details":{"cached_tokens":4}}}

data: [DONE]

"#;

#[test]
fn a_stream_split_at_any_byte_comes_to_the_same_reply() {
    for (kind, stream) in [(Kind::Anthropic, ANTHROPIC), (Kind::OpenAi, OPENAI)] {
        for stream in [stream.to_owned(), stream.replace('\n', "\r\n"), stream.replace('\n', "\r")]
        {
            let whole = reply(kind, &[stream.as_bytes()]);
            assert_eq!(whole.text, "Here: 🌱");
            assert_eq!(whole.structured, Some(json!({"title": "Gärten 🌱"})));
            let usage = whole.usage;
            assert_eq!((usage.input, usage.output, usage.cache_read), (9, 15, 4));

            for at in 0..stream.len() {
                let (left, right) = stream.as_bytes().split_at(at);
                assert_eq!(reply(kind, &[left, right]), whole, "split at {at}");
            }
            assert_eq!(reply(kind, &stream.as_bytes().chunks(1).collect::<Vec<_>>()), whole);
        }
    }
}
