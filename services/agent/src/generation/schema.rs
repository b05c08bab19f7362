//! The forms that a model fills in, as JSON schemas that every provider takes.

use serde_json::{Value, json};

pub(super) fn object(properties: Value, required: &[&str]) -> Value {
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

pub(super) fn headings() -> Value {
    let heading = object(
        json!({
            "level": {"type": "integer", "enum": [2, 3, 4]},
            "text": {"type": "string"},
        }),
        &["level", "text"],
    );
    json!({"type": "array", "items": heading})
}

/// `devsphere.type.v1.Content`, as a form.
pub(super) fn form() -> Value {
    let text = |description: &str| json!({"type": "string", "description": description});
    let pair = |first: &str, second: &str| {
        let properties = json!({first: {"type": "string"}, second: {"type": "string"}});
        json!({"type": "array", "items": object(properties, &[first, second])})
    };
    let sources = json!({
        "type": "array",
        "items": {"type": "string"},
        "description": "Addresses of the sources in the material that the text stands on",
    });
    object(
        json!({
            "title": text("At most 60 characters"),
            "slug": text("The last part of the page's address: small letters, digits and hyphens"),
            "meta_description": text("At most 155 characters"),
            "body": text("Markdown (CommonMark), without the title"),
            "outline": headings(),
            "faq": pair("question", "answer"),
            "json_ld": text("Structured data of schema.org for the page, as JSON-LD; empty if none fits"),
            "internal_links": pair("anchor", "url"),
            "images": pair("subject", "alt"),
            "sources": sources,
            "for_the_editor": json!({
                "type": "array",
                "items": {"type": "string"},
                "description": "What the editor should check or know, a sentence each",
            }),
        }),
        &["title", "slug", "meta_description", "body", "outline", "faq", "sources"],
    )
}
