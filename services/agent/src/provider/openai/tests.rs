//! Requests and chunks as `OpenAI`, llama.cpp, Ollama, vLLM and proxies write them.

use super::*;
use crate::provider::{Message, Tool};

fn question() -> Question {
    Question {
        model: "gpt".into(),
        system: "Be brief.".into(),
        messages: vec![Message { role: Role::User, text: "Hello".into() }],
        tool: Some(Tool {
            name: "draft".into(),
            description: "A draft".into(),
            schema: json!({"type": "object"}),
        }),
        max_output_tokens: 64,
        temperature: Some(0.5),
    }
}

fn all(chunks: &[Value]) -> Vec<Heard> {
    let mut decoder = Decoder::default();
    chunks.iter().flat_map(|chunk| decoder.read(&chunk.to_string()).unwrap()).collect()
}

fn delta(delta: Value) -> Value {
    json!({"choices": [{"index": 0, "delta": delta, "finish_reason": null}], "usage": null})
}

fn finish(reason: Value) -> Value {
    json!({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
}

#[test]
fn a_question_is_streamed_with_its_usage_and_its_tool_forced() {
    let request = request(&question(), Shape::default());

    assert_eq!(
        request,
        json!({
            "model": "gpt", "stream": true, "stream_options": {"include_usage": true},
            "max_tokens": 64, "temperature": 0.5,
            "messages": [
                {"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"},
            ],
            "tools": [{"type": "function", "function": {
                "name": "draft", "description": "A draft", "parameters": {"type": "object"}}}],
            "tool_choice": {"type": "function", "function": {"name": "draft"}},
        })
    );
}

#[test]
fn what_is_not_taken_is_left_out() {
    let shape = Shape {
        is_forced: false,
        has_temperature: false,
        has_stream_options: false,
        has_max_tokens: false,
    };
    let request = request(&question(), shape);

    for field in ["temperature", "stream_options", "max_tokens"] {
        assert!(request.get(field).is_none(), "{field}");
    }
    assert_eq!(request["max_completion_tokens"], 64);
    assert_eq!(request["tool_choice"], "auto");
    assert!(request["messages"][0]["content"].as_str().unwrap().contains("`draft`"));
}

#[test]
fn a_text_is_heard_with_what_it_cost() {
    let mut decoder = Decoder::default();
    let heard = all(&[
        json!({"model": "gpt-x", "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]}),
        delta(json!({"reasoning_content": "hmm"})),
        delta(json!({"content": "Hi"})),
        json!({"choices": [{"index": 1, "delta": {"content": "another choice"}}]}),
        finish(json!("stop")),
        json!({"choices": [], "usage": {"prompt_tokens": 32, "completion_tokens": 15,
            "prompt_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 3}}}),
    ]);

    let counts =
        Counts { input: Some(25), output: Some(15), cache_read: Some(4), cache_write: Some(3) };
    assert_eq!(
        heard,
        [
            Heard::Model("gpt-x".into()),
            Heard::Text(String::new()),
            Heard::Thought(3),
            Heard::Text("Hi".into()),
            Heard::Stop(Stop::Done),
            Heard::Counts(counts),
        ]
    );
    assert_eq!(decoder.read("[DONE]"), Ok(vec![Heard::Over]));
    assert_eq!(decoder.read(""), Ok(Vec::new()));
}

#[test]
fn a_call_is_heard_however_a_server_writes_it() {
    let call = |call: Value| delta(json!({"tool_calls": [call]}));
    let usual = all(&[
        call(json!({"index": 0, "id": "c", "function": {"name": "draft", "arguments": ""}})),
        call(json!({"index": 0, "function": {"arguments": "{\"a\""}})),
        call(json!({"index": 0, "function": {"arguments": ": 1}"}})),
        call(json!({"index": 1, "function": {"name": "draft", "arguments": "{}"}})),
    ]);
    let unnumbered = all(&[call(json!({"function": {"arguments": "{\"a\":1}"}}))]);
    let object = all(&[call(json!({"index": 0, "function": {"arguments": {"a": 1}}}))]);

    assert_eq!(usual, ["", "{\"a\"", ": 1}"].map(|piece| Heard::Tool(piece.into())));
    assert_eq!(unnumbered, [Heard::Tool("{\"a\":1}".into())]);
    assert_eq!(object, unnumbered);
}

#[test]
fn each_reason_to_finish_has_its_meaning() {
    for (reason, meaning) in [
        (json!("stop"), Some(Stop::Done)),
        (json!("tool_calls"), Some(Stop::Done)),
        (json!("eos"), Some(Stop::Done)),
        (json!("length"), Some(Stop::Length)),
        (json!("content_filter"), Some(Stop::Declined)),
        (json!(null), None),
        (json!(""), None),
    ] {
        let heard = all(&[finish(reason.clone())]);
        assert_eq!(heard, Vec::from_iter(meaning.map(Heard::Stop)), "{reason}");
    }
    assert_eq!(all(&[delta(json!({"refusal": "No"}))]), [Heard::Stop(Stop::Declined)]);
}

#[test]
fn zeros_are_no_counts() {
    let usage = json!({"prompt_tokens": 0, "completion_tokens": 0});
    assert_eq!(all(&[json!({"choices": [], "usage": usage})]), []);
}

#[test]
fn a_whole_completion_is_read_like_its_pieces() {
    let heard = all(&[json!({"model": "m", "object": "chat.completion",
        "choices": [{"index": 0, "finish_reason": "tool_calls", "message": {"content": null,
            "tool_calls": [{"id": "c", "function": {"name": "draft", "arguments": "{}"}}]}}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 2}})]);

    let counts = Counts { input: Some(1), output: Some(2), ..Counts::default() };
    let call = [Heard::Tool("{}".into()), Heard::Stop(Stop::Done)];
    assert_eq!(heard[..2], [Heard::Model("m".into()), Heard::Counts(counts)]);
    assert_eq!(heard[2..], call);
}

#[test]
fn an_error_ends_the_answer_and_so_does_what_is_no_chunk() {
    for error in [
        json!({"error": {"code": 400, "message": "too much"}}),
        json!({"error": "too much"}),
        json!({"object": "error", "message": "too much", "code": 400}),
    ] {
        let reported = Error::Reported(error.clone());
        assert_eq!(Decoder::default().read(&error.to_string()), Err(reported));
    }
    let reported = Error::Reported(Value::Null);
    assert_eq!(Decoder::default().read(&finish(json!("error")).to_string()), Err(reported));
    for malformed in ["{", "[]", "null", "{\"choices\": 1}"] {
        assert_eq!(Decoder::default().read(malformed), Err(Error::Malformed), "{malformed}");
    }
}
