//! Errors as providers and servers write them.

use serde_json::json;

use super::*;

const KEY: &str = "a-very-secret-key";

fn complaint(body: &Value) -> Complaint {
    Complaint::read(body.to_string().as_bytes(), &KEY.to_owned().into())
}

fn error(kind: &str, message: &str) -> Value {
    json!({"type": "error", "error": {"type": kind, "message": message}})
}

fn cause(status: u16, body: &Value) -> Cause {
    complaint(body).cause(status, None)
}

#[test]
fn each_status_has_its_meaning() {
    for (status, word) in [
        (400, "rejected"),
        (401, "unauthorized"),
        (402, "out_of_credit"),
        (403, "unauthorized"),
        (404, "rejected"),
        (408, "overloaded"),
        (413, "rejected"),
        (422, "rejected"),
        (429, "rate_limited"),
        (500, "overloaded"),
        (503, "overloaded"),
        (529, "overloaded"),
        (302, "rejected"),
    ] {
        assert_eq!(cause(status, &json!({})).as_str(), word, "{status}");
    }
}

#[test]
fn a_model_is_unknown_in_many_words() {
    for (status, body) in [
        (404, error("not_found_error", "model: claude-9")),
        (
            404,
            json!({"error": {"message": "The model `x` does not exist", "code": "model_not_found"}}),
        ),
        (403, json!({"error": {"message": "Project has no access", "code": "model_not_found"}})),
        (404, json!({"object": "error", "message": "The model `x` does not exist.", "code": 404})),
        (404, json!({"error": "model 'x' not found, try pulling it first"})),
    ] {
        assert_eq!(cause(status, &body).as_str(), "unknown_model", "{body}");
    }
    assert_eq!(cause(404, &json!({"detail": "Not Found"})).as_str(), "rejected");
}

#[test]
fn an_empty_account_is_not_a_rate_limit() {
    let details = json!({"error_code": "enforced_spend_limit_reached"});
    for (status, body) in [
        (429, json!({"error": {"type": "insufficient_quota", "code": "credit_balance_exhausted"}})),
        (429, json!({"error": {"type": "rate_limit_error", "details": details}})),
        (400, error("invalid_request_error", "You have reached your specified API usage limits.")),
        (402, error("billing_error", "Check your payment details")),
    ] {
        assert_eq!(cause(status, &body).as_str(), "out_of_credit", "{body}");
    }
}

#[test]
fn an_error_in_the_middle_means_what_its_type_or_code_says() {
    for (kind, word) in [
        ("overloaded_error", "overloaded"),
        ("api_error", "overloaded"),
        ("rate_limit_error", "rate_limited"),
        ("authentication_error", "unauthorized"),
        ("permission_error", "unauthorized"),
        ("billing_error", "out_of_credit"),
        ("invalid_request_error", "rejected"),
        ("request_too_large", "rejected"),
        ("something_new", "overloaded"),
    ] {
        assert_eq!(complaint(&error(kind, "")).late().as_str(), word, "{kind}");
    }
    let context =
        json!({"error": {"code": 400, "type": "exceed_context_size_error", "message": "m"}});
    let rejected = Cause::Rejected { status: 400, message: "m".into() };
    assert_eq!(complaint(&context).late(), rejected);
    assert_eq!(Complaint::of(&Value::Null, &KEY.to_owned().into()).late().as_str(), "overloaded");
}

#[test]
fn a_message_is_one_line_of_bounded_length_without_keys() {
    let words =
        format!("bad\r\nkey \u{7} {KEY}, or sk-ant-123 or \"sk-proj-9***\" {}", "é".repeat(999));
    let complaint = complaint(&error("x", &words));

    assert!(complaint.message.starts_with("bad key …, or … or … é"), "{}", complaint.message);
    assert_eq!(complaint.message.chars().count(), 300);
}

#[test]
fn whoever_does_not_know_the_key_is_told_nothing_of_it() {
    let said = error("authentication_error", "Incorrect API key provided: abcd***wxyz");
    assert_eq!(cause(401, &said), Cause::Unauthorized { message: String::new() });
}

#[test]
fn what_is_no_json_says_nothing() {
    for body in ["", "<html>Bad gateway</html>", "null", "[1]", "\"text\"", "{\"error\": null}"] {
        let complaint = Complaint::read(body.as_bytes(), &KEY.to_owned().into());
        assert_eq!(complaint.message, "", "{body}");
    }
}

#[test]
fn an_objection_names_the_field() {
    let body = json!({"error": {"message": "Unsupported", "param": "max_tokens"}});
    assert_eq!(complaint(&body).objection(), "max_tokens Unsupported");
}
