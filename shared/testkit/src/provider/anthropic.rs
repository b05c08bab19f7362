//! An answer as the events of Anthropic's Messages API.

use serde_json::{Value, json};

use super::{Asked, script::Answer};

pub(super) fn events(answer: &Answer, asked: &Asked) -> Vec<Vec<u8>> {
    let mut start = json!({"type": "message_start", "message": {
        "id": "msg_test", "type": "message", "role": "assistant", "model": asked.model,
        "content": [], "stop_reason": null, "stop_sequence": null,
    }});
    if let Some(tokens) = answer.tokens {
        start["message"]["usage"] = json!({
            "input_tokens": tokens.input, "output_tokens": 1,
            "cache_creation_input_tokens": tokens.cache_write,
            "cache_read_input_tokens": tokens.cache_read,
        });
    }
    let tool = asked.tool.as_ref().map_or("tool", |tool| &tool.name);
    let block = if answer.is_tool() {
        json!({"type": "tool_use", "id": "toolu_test", "name": tool, "input": {}})
    } else {
        json!({"type": "text", "text": ""})
    };
    let usual = if answer.is_tool() { "tool_use" } else { "end_turn" };
    let stop = answer.stop.as_deref().unwrap_or(usual);
    let mut delta = json!({"type": "message_delta",
        "delta": {"stop_reason": stop, "stop_sequence": null}});
    if let Some(tokens) = answer.tokens {
        delta["usage"] = json!({"output_tokens": tokens.output});
    }
    let mut all = vec![
        start,
        json!({"type": "content_block_start", "index": 0, "content_block": block}),
        json!({"type": "ping"}),
    ];
    all.extend(answer.cut().iter().map(|piece| {
        let delta = if answer.is_tool() {
            json!({"type": "input_json_delta", "partial_json": piece})
        } else {
            json!({"type": "text_delta", "text": piece})
        };
        json!({"type": "content_block_delta", "index": 0, "delta": delta})
    }));
    all.push(json!({"type": "content_block_stop", "index": 0}));
    all.push(delta);
    all.push(json!({"type": "message_stop"}));
    all.iter().map(event).collect()
}

pub(super) fn error(kind: &str) -> Vec<u8> {
    event(&json!({"type": "error", "error": {"type": kind, "message": kind}}))
}

fn event(data: &Value) -> Vec<u8> {
    let name = data["type"].as_str().unwrap_or_default();
    format!("event: {name}\ndata: {data}\n\n").into()
}
