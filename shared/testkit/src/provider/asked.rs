//! What a client asked, read from either wire format.

use std::time::Instant;

use http::{HeaderMap, request::Parts};
use serde_json::Value;

/// Which of the two formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    /// Anthropic's Messages API.
    Anthropic,
    /// `OpenAI`'s chat completions, and whoever imitates them.
    OpenAi,
}

impl Wire {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Anthropic, Self::OpenAi];
}

/// A tool that the model may call.
#[derive(Debug, Clone, PartialEq)]
pub struct AskedTool {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The JSON schema of its arguments.
    pub schema: Value,
    /// The model has no choice but to call it.
    pub is_forced: bool,
}

/// One call.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Which call, counted from 0.
    pub number: usize,
    /// The format, known by the path.
    pub wire: Wire,
    /// When it came.
    pub at: Instant,
    /// Its headers.
    pub headers: HeaderMap,
    /// The key, however it was sent; empty without one.
    pub key: String,
    /// The model's name.
    pub model: String,
    /// The system prompt, as one text.
    pub system: String,
    /// Role and text of each message but the system's.
    pub messages: Vec<(String, String)>,
    /// The first tool.
    pub tool: Option<AskedTool>,
    /// Whether the answer is to be streamed.
    pub stream: bool,
    /// The body as it came.
    pub body: Value,
}

impl Asked {
    /// Reads a request; nothing where it speaks neither format.
    pub(super) fn read(parts: &Parts, body: &[u8]) -> Option<Self> {
        let wire = match parts.uri.path() {
            "/v1/messages" => Wire::Anthropic,
            "/v1/chat/completions" => Wire::OpenAi,
            _ => return None,
        };
        let body: Value = serde_json::from_slice(body).ok()?;
        let all = body["messages"].as_array()?.iter();
        let all = all.map(|message| (text(&message["role"]), text(&message["content"])));
        let (system, messages): (Vec<_>, Vec<_>) = all.partition(|(role, _)| role == "system");
        let mut system: String = system.into_iter().map(|(_, text)| text).collect();
        system.push_str(&text(&body["system"]));
        Some(Self {
            number: 0,
            wire,
            at: Instant::now(),
            headers: parts.headers.clone(),
            key: key(&parts.headers, wire),
            model: text(&body["model"]),
            system,
            messages,
            tool: tool(&body, wire),
            stream: body["stream"].as_bool().unwrap_or(false),
            body,
        })
    }
}

/// The text of a string, or of a list of text blocks.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(blocks) => {
            blocks.iter().filter_map(|block| block["text"].as_str()).collect::<Vec<_>>().join("\n")
        }
        _ => String::new(),
    }
}

fn key(headers: &HeaderMap, wire: Wire) -> String {
    let of = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match wire {
        Wire::Anthropic => of("x-api-key").to_owned(),
        Wire::OpenAi => of("authorization").trim_start_matches("Bearer ").to_owned(),
    }
}

fn tool(body: &Value, wire: Wire) -> Option<AskedTool> {
    let tool = body["tools"].get(0)?;
    let choice = &body["tool_choice"];
    let (tool, schema, chosen) = match wire {
        Wire::Anthropic => (tool, &tool["input_schema"], &choice["name"]),
        Wire::OpenAi => {
            let function = &tool["function"];
            (function, &function["parameters"], &choice["function"]["name"])
        }
    };
    Some(AskedTool {
        name: text(&tool["name"]),
        description: text(&tool["description"]),
        schema: schema.clone(),
        is_forced: chosen == &tool["name"],
    })
}
