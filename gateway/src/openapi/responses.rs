//! The answers of an operation, good and bad.

use devsphere_error::reasons;
use devsphere_proto::{Binding, Method};
use serde_json::{Value, json};

use super::schema::{Schemas, Way};

/// Every status that an error of ours has.
const STATUSES: [(&str, &str); 12] = [
    ("400", "Something in the request is not right; `details` says what."),
    ("401", "Nobody is signed in."),
    ("403", "Not allowed."),
    ("404", "Not there, or another organisation's."),
    ("405", "Not this method; `Allow` names those that are."),
    ("409", "Not in this state, or changed meanwhile."),
    ("413", "Too large."),
    ("415", "Not a content type that is read here."),
    ("429", "Too fast; `Retry-After` says how long to wait."),
    ("500", "A fault of ours."),
    ("503", "Busy or away; `Retry-After` says when to try again."),
    ("504", "It took too long."),
];

/// Refused before anything of it is read: an answer without words.
const TOO_LONG: (&str, &str) = ("431", "Path, query and headers are longer than 8 KiB.");

/// By status.
pub(super) fn of(method: &Method, binding: &Binding, schemas: &mut Schemas) -> Value {
    let output = method.descriptor.output();
    let schema = match &binding.response_body {
        Some(field) => schemas.field(field, Way::Out),
        None => schemas.refer(&output, Way::Out),
    };
    let mut headers = json!({ "devsphere-request-id": request_id() });
    if output.get_field_by_name("etag").is_some() && !method.streams {
        headers["ETag"] = json!({
            "description": "The version, for `If-Match`.",
            "schema": { "type": "string" },
        });
    }
    let (kind, words) = if method.streams {
        ("application/x-ndjson", "A message a line; a last line with `error` says that it broke.")
    } else {
        ("application/json", "It went well.")
    };
    // A stream's lines are no document that a schema could describe.
    let content =
        if method.streams { json!({ "itemSchema": schema }) } else { json!({ "schema": schema }) };
    let mut responses = json!({
        "200": { "description": words, "headers": headers, "content": { kind: content } },
    });
    for (status, _) in STATUSES.into_iter().chain([TOO_LONG]) {
        responses[status] = json!({ "$ref": format!("#/components/responses/{status}") });
    }
    responses
}

/// The bad ones, for all operations.
pub(super) fn shared() -> Value {
    let mut responses = json!({});
    for (status, words) in STATUSES {
        let mut headers = json!({ "devsphere-request-id": request_id() });
        if matches!(status, "429" | "503") {
            headers["Retry-After"] = json!({
                "description": "Seconds to wait.",
                "schema": { "type": "integer", "minimum": 1 },
            });
        }
        responses[status] = json!({
            "description": words,
            "headers": headers,
            "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Error" } } },
        });
    }
    let (status, words) = TOO_LONG;
    responses[status] = json!({ "description": words });
    responses
}

fn request_id() -> Value {
    json!({
        "description": "The name of the request, for complaints.",
        "schema": { "type": "string", "format": "uuid" },
    })
}

/// What every bad answer says.
pub(super) fn error() -> Value {
    let codes: Vec<_> = reasons().map(str::to_lowercase).collect();
    json!({
        "type": "object",
        "required": ["error", "message", "cause", "details", "request_id"],
        "properties": {
            "error": { "type": "string", "enum": codes, "description": "For programs." },
            "message": { "type": "string", "description": "For developers." },
            "cause": { "type": "string", "description": "The finer cause; empty where there is none." },
            "need": { "type": "string", "description": "The scope that an API key lacks." },
            "request_id": { "type": "string", "format": "uuid" },
            "details": {
                "type": "array",
                "description": "The details of `google.rpc`, each with its type.",
                "items": {
                    "type": "object",
                    "required": ["@type"],
                    "properties": { "@type": { "type": "string" } },
                },
            },
        },
    })
}
