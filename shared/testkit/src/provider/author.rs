//! A model that does as it is asked: an outline, a text along it, and one flag on that text.

use serde_json::{Value, json};

use super::{Asked, Script};

/// What the text says that no source has, and the second reader flags.
pub const CLAIM: &str = "Every shop saves exactly 40 hours a year.";

/// Fills in whichever form it is asked to, or says hello.
pub fn author(asked: &Asked) -> Script {
    match asked.tool.as_ref().map(|tool| tool.name.as_str()) {
        Some("outline") => Script::tool(&outline()),
        Some("draft") => Script::tool(&draft()).pieces(20),
        Some("flags") => Script::tool(&flags()),
        _ => Script::text("Hello."),
    }
}

/// Two headings.
pub fn outline() -> Value {
    json!({"outline": [
        {"level": 2, "text": "What the law asks for"},
        {"level": 2, "text": "Where to begin"},
    ]})
}

/// A text with all that a page needs around it.
pub fn draft() -> Value {
    json!({
        "title": "Accessible web design: what it costs",
        "slug": "accessible-web-design",
        "meta_description": "What accessible web design costs, what the law asks for, and where to begin.",
        "body": format!(
            "Accessible web design is the law for shops now.\n\n## What the law asks for\n\n\
             Shops must work with a keyboard. {CLAIM}\n\n## Where to begin\n\n\
             Put the mouse aside and buy something in your own shop."
        ),
        "outline": outline()["outline"],
        "faq": [{"question": "Must a small shop be accessible?", "answer": "Mostly."}],
        "json_ld": "{\"@context\": \"https://schema.org\", \"@type\": \"Article\"}",
        "internal_links": [],
        "images": [{"subject": "A keyboard", "alt": "A keyboard on a desk of oak"}],
        "sources": [],
    })
}

/// One flag, on what stands in [`draft`].
pub fn flags() -> Value {
    json!({"flags": [{
        "quote": CLAIM,
        "kind": "unsupported_claim",
        "severity": "error",
        "message": "no source says how many hours a shop saves",
    }]})
}
