//! An answer as the chunks of a chat completion.

use serde_json::{Value, json};

use super::{
    Asked,
    script::{Answer, Tokens},
};

pub(super) fn events(answer: &Answer, asked: &Asked) -> Vec<Vec<u8>> {
    let tool = asked.tool.as_ref().map_or("tool", |tool| &tool.name);
    let first = if answer.is_tool() {
        json!({"role": "assistant", "content": null, "tool_calls": [{
            "index": 0, "id": "call_test", "type": "function",
            "function": {"name": tool, "arguments": ""},
        }]})
    } else {
        json!({"role": "assistant", "content": ""})
    };
    let chunk = |delta: Value, finish: Option<&str>| {
        json!({"id": "chatcmpl-test", "object": "chat.completion.chunk", "model": asked.model,
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], "usage": null})
    };
    let mut all = vec![chunk(first, None)];
    all.extend(answer.cut().iter().map(|piece| {
        let delta = if answer.is_tool() {
            json!({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]})
        } else {
            json!({"content": piece})
        };
        chunk(delta, None)
    }));
    all.push(chunk(json!({}), Some(finish(answer))));
    let wants_usage = asked.body["stream_options"]["include_usage"] == json!(true);
    if let Some(tokens) = answer.tokens.filter(|_| wants_usage) {
        all.push(json!({"id": "chatcmpl-test", "object": "chat.completion.chunk",
            "model": asked.model, "choices": [], "usage": usage(tokens)}));
    }
    let mut events: Vec<_> = all.iter().map(event).collect();
    events.push(b"data: [DONE]\n\n".to_vec());
    events
}

/// What a server sends that does not stream.
pub(super) fn whole(answer: &Answer) -> String {
    let said = answer.cut().concat();
    let message = if answer.is_tool() {
        json!({"role": "assistant", "content": null, "tool_calls": [{
            "id": "call_test", "type": "function",
            "function": {"name": "tool", "arguments": said},
        }]})
    } else {
        json!({"role": "assistant", "content": said})
    };
    json!({"id": "chatcmpl-test", "object": "chat.completion", "model": "whole",
        "choices": [{"index": 0, "message": message, "finish_reason": finish(answer)}],
        "usage": answer.tokens.map(usage)})
    .to_string()
}

pub(super) fn error(status: u16, kind: &str) -> Vec<u8> {
    event(&json!({"error": {"code": status, "type": kind, "message": kind}}))
}

fn finish(answer: &Answer) -> &str {
    let usual = if answer.is_tool() { "tool_calls" } else { "stop" };
    answer.stop.as_deref().unwrap_or(usual)
}

fn usage(tokens: Tokens) -> Value {
    let prompt = tokens.input + tokens.cache_read + tokens.cache_write;
    json!({"prompt_tokens": prompt, "completion_tokens": tokens.output,
    "total_tokens": prompt + tokens.output,
    "prompt_tokens_details": {
        "cached_tokens": tokens.cache_read, "cache_write_tokens": tokens.cache_write,
    }})
}

fn event(data: &Value) -> Vec<u8> {
    format!("data: {data}\n\n").into()
}
