//! What answers come to.

use serde_json::json;

use super::*;

fn question(has_tool: bool) -> Question {
    let tool = Tool { name: "draft".into(), description: String::new(), schema: json!({}) };
    Question {
        model: "asked".into(),
        system: String::new(),
        messages: Vec::new(),
        tool: has_tool.then_some(tool),
        max_output_tokens: 1,
        temperature: None,
    }
}

fn reply(has_tool: bool, all: impl IntoIterator<Item = Heard>) -> Result<Reply, Cause> {
    let mut answer = Answer::to(40);
    answer.pay();
    for heard in all {
        answer.hear(heard)?;
    }
    answer.reply(&question(has_tool), 1)
}

fn text(text: &str) -> Heard {
    Heard::Text(text.into())
}

fn tool(json: &str) -> Heard {
    Heard::Tool(json.into())
}

#[test]
fn a_form_is_the_tools_call_or_a_text_that_is_its_json() {
    let form = Some(json!({"a": 1}));
    for said in [
        vec![tool("{\"a\""), tool(": 1}")],
        vec![text("Here it is."), tool("{\"a\": 1}")],
        vec![text(" {\"a\": 1} ")],
        vec![text("```json\n{\"a\": 1}\n```")],
        vec![text("```\n{\"a\": 1}\n```")],
    ] {
        let reply = reply(true, said).unwrap();
        assert_eq!(reply.structured, form);
    }
    assert_eq!(reply(true, [tool("")]).unwrap().structured, Some(json!({})));
    assert_eq!(reply(false, [text("{\"a\": 1}")]).unwrap().structured, None);
}

#[test]
fn what_fills_in_no_form_is_no_reply() {
    let nested = "[".repeat(100_000);
    for said in ["Sorry.", "{\"a\": 1", "[1]", "1", "", "{\"a\": 1} and more", &nested] {
        assert!(matches!(reply(true, [text(said)]), Err(Cause::Malformed(_))), "{said:.20}");
    }
    assert!(matches!(reply(true, [tool("{\"a\": ")]), Err(Cause::Malformed(_))));
    assert!(matches!(reply(false, [text("")]), Err(Cause::Malformed(_))));
}

#[test]
fn too_long_is_what_ends_before_its_own_end() {
    let length = || Heard::Stop(Stop::Length);
    assert_eq!(reply(true, [tool("{\"a\": "), length()]), Err(Cause::TooLong));
    assert_eq!(reply(false, [text("Once upon"), length()]), Err(Cause::TooLong));
    assert!(reply(true, [tool("{\"a\": 1}"), length()]).is_ok());
}

#[test]
fn a_refusal_stays_one_whatever_follows() {
    let said = [Heard::Stop(Stop::Declined), text("No."), Heard::Stop(Stop::Done)];
    assert_eq!(reply(false, said), Err(Cause::Declined));
}

#[test]
fn an_answer_has_an_end() {
    let mut answer = Answer::to(1);
    let piece = || Heard::Text("x".repeat(1024 * 1024));
    for _ in 0..4 {
        assert!(answer.hear(piece()).is_ok());
    }
    assert!(matches!(answer.hear(piece()), Err(Cause::Malformed(_))));
}

#[test]
fn what_was_not_counted_is_reckoned_and_what_did_not_begin_is_free() {
    let mut answer = Answer::to(40);
    assert_eq!(answer.usage(), Usage::default());

    answer.pay();
    let _ = answer.hear(Heard::Thought(4));
    let _ = answer.hear(text("écrit"));
    let usage = answer.usage();

    assert_eq!((usage.input, usage.output, usage.is_estimate), (10, 3, true));
    assert_eq!(answer.characters(), 5);
    assert_eq!(reply(false, [text("x")]).unwrap().model, "asked");
    let named = reply(false, [Heard::Model("other".into()), text("x")]).unwrap();
    assert_eq!(named.model, "other");
}
