//! Requests and events as Anthropic's documentation shows them.

use super::*;
use crate::provider::{Message as Turn, Tool};

fn question() -> Question {
    Question {
        model: "claude".into(),
        system: "Be brief.".into(),
        messages: vec![
            Turn { role: Role::User, text: "Hello".into() },
            Turn { role: Role::Assistant, text: "Yes?".into() },
        ],
        tool: None,
        max_output_tokens: 64,
        temperature: Some(0.5),
    }
}

fn tool() -> Tool {
    Tool { name: "draft".into(), description: "A draft".into(), schema: json!({"type": "object"}) }
}

fn all(events: &[Value]) -> Vec<Heard> {
    let mut decoder = Decoder::default();
    events.iter().flat_map(|event| decoder.read(&event.to_string()).unwrap()).collect()
}

#[test]
fn a_question_is_streamed_and_its_system_prompt_cached() {
    let request = request(&question(), Shape::default());

    assert_eq!(
        request,
        json!({
            "model": "claude", "max_tokens": 64, "stream": true, "temperature": 0.5,
            "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
            "messages": [
                {"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Yes?"},
            ],
        })
    );
}

#[test]
fn a_tool_is_forced_unless_the_model_does_not_take_that() {
    let question = Question { tool: Some(tool()), ..question() };
    let forced = request(&question, Shape::default());
    let asked = request(&question, Shape { is_forced: false, ..Shape::default() });

    let schema = json!({"type": "object"});
    let tools = json!([{"name": "draft", "description": "A draft", "input_schema": schema}]);
    assert_eq!(forced["tools"], tools);
    assert_eq!(forced["tool_choice"]["type"], "tool");
    assert_eq!(forced["tool_choice"]["name"], "draft");
    assert_eq!(asked["tool_choice"]["type"], "auto");
    assert_eq!(asked["system"].as_array().unwrap().len(), 2);
    assert_eq!(asked["system"][0], forced["system"][0]);
}

#[test]
fn what_is_not_there_is_not_sent() {
    let bare = Question { system: String::new(), ..question() };
    let request = request(&bare, Shape { has_temperature: false, ..Shape::default() });

    for field in ["system", "temperature", "tools", "tool_choice"] {
        assert!(request.get(field).is_none(), "{field}");
    }
}

#[test]
fn a_text_is_heard_with_what_it_cost() {
    let heard = all(&[
        json!({"type": "message_start", "message": {"model": "claude-x", "usage": {
            "input_tokens": 25, "output_tokens": 1,
            "cache_creation_input_tokens": 3, "cache_read_input_tokens": 4}}}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "hmm"}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "x"}}),
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "ping"}),
        json!({"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}}),
        json!({"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "Hi"}}),
        json!({"type": "something_new", "index": 9}),
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": null},
            "usage": {"output_tokens": 15}}),
        json!({"type": "message_stop"}),
    ]);

    let start = Counts { input: Some(25), cache_read: Some(4), cache_write: Some(3), output: None };
    assert_eq!(
        heard,
        [
            Heard::Model("claude-x".into()),
            Heard::Counts(start),
            Heard::Thought(3),
            Heard::Text(String::new()),
            Heard::Text("Hi".into()),
            Heard::Counts(Counts { output: Some(15), ..Counts::default() }),
            Heard::Stop(Stop::Done),
            Heard::Over,
        ]
    );
}

#[test]
fn only_the_first_call_of_a_tool_is_heard() {
    let start = |index: u64| {
        json!({"type": "content_block_start", "index": index,
            "content_block": {"type": "tool_use", "id": "t", "name": "draft", "input": {}}})
    };
    let piece = |index: u64, piece: &str| {
        json!({"type": "content_block_delta", "index": index,
            "delta": {"type": "input_json_delta", "partial_json": piece}})
    };
    let heard = all(&[start(1), piece(1, "{\"a\""), piece(1, ": 1}"), start(2), piece(2, "{}")]);

    let said = ["", "{\"a\"", ": 1}"].map(|piece| Heard::Tool(piece.into()));
    assert_eq!(heard, said);
}

#[test]
fn each_reason_to_stop_has_its_meaning() {
    for (reason, meaning) in [
        ("end_turn", Stop::Done),
        ("tool_use", Stop::Done),
        ("stop_sequence", Stop::Done),
        ("something_new", Stop::Done),
        ("max_tokens", Stop::Length),
        ("model_context_window_exceeded", Stop::Length),
        ("refusal", Stop::Declined),
    ] {
        let event = json!({"type": "message_delta", "delta": {"stop_reason": reason}});
        assert_eq!(all(&[event]), [Heard::Stop(meaning)], "{reason}");
    }
}

#[test]
fn an_error_ends_the_answer_and_so_does_what_is_no_event() {
    let error = json!({"type": "overloaded_error", "message": "Overloaded"});
    let event = json!({"type": "error", "error": error}).to_string();

    let reported = Error::Reported(json!({"error": error}));
    assert_eq!(Decoder::default().read(&event), Err(reported));
    for malformed in ["", "{", "[]", "{}", "{\"type\": \"message_start\"}"] {
        assert_eq!(Decoder::default().read(malformed), Err(Error::Malformed), "{malformed}");
    }
}
