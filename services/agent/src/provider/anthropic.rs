//! Anthropic's Messages API: its request, and the events of its answer.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Question, Role,
    answer::{Heard, Stop},
    shape::Shape,
    usage::Counts,
    wire::Error,
};

/// The version of the format that this file speaks.
pub(super) const VERSION: &str = "2023-06-01";

pub(super) fn request(question: &Question, shape: Shape) -> Value {
    let turn = |role: Role| match role {
        Role::User => "user",
        Role::Assistant => "assistant",
    };
    let messages = question.messages.iter();
    let messages: Vec<_> = messages
        .map(|message| json!({"role": turn(message.role), "content": message.text}))
        .collect();
    let mut request = json!({
        "model": question.model,
        "max_tokens": question.max_output_tokens,
        "stream": true,
        "messages": messages,
    });
    let mut system = Vec::new();
    if !question.system.is_empty() {
        // What stands before the mark is cached: the tool, and this.
        let cache = json!({"type": "ephemeral"});
        system.push(json!({"type": "text", "text": question.system, "cache_control": cache}));
    }
    if let Some(tool) = &question.tool {
        request["tools"] = json!([{
            "name": tool.name, "description": tool.description, "input_schema": tool.schema,
        }]);
        request["tool_choice"] = if shape.is_forced {
            json!({"type": "tool", "name": tool.name, "disable_parallel_tool_use": true})
        } else {
            json!({"type": "auto", "disable_parallel_tool_use": true})
        };
        if !shape.is_forced {
            system.push(json!({"type": "text", "text": super::answer::plea(tool)}));
        }
    }
    if !system.is_empty() {
        request["system"] = system.into();
    }
    if let Some(temperature) = question.temperature.filter(|_| shape.has_temperature) {
        request["temperature"] = temperature.into();
    }
    request
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Event {
    MessageStart {
        message: Message,
    },
    ContentBlockStart {
        index: u64,
        content_block: Block,
    },
    ContentBlockDelta {
        index: u64,
        delta: Delta,
    },
    MessageDelta {
        delta: Stopped,
        usage: Option<Tokens>,
    },
    MessageStop,
    Error {
        error: Value,
    },
    /// `ping`, `content_block_stop`, and what is yet to be invented.
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Message {
    model: Option<String>,
    usage: Option<Tokens>,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Block {
    Text {
        #[serde(default)]
        text: String,
    },
    ToolUse {
        #[serde(default)]
        input: Value,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
#[serde(tag = "type")]
enum Delta {
    #[serde(rename = "text_delta")]
    Text { text: String },
    #[serde(rename = "input_json_delta")]
    Json { partial_json: String },
    #[serde(rename = "thinking_delta")]
    Thinking { thinking: String },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Stopped {
    stop_reason: Option<String>,
}

#[derive(Deserialize)]
struct Tokens {
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    cache_creation_input_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
}

impl From<Tokens> for Counts {
    fn from(tokens: Tokens) -> Self {
        Self {
            input: tokens.input_tokens,
            output: tokens.output_tokens,
            cache_read: tokens.cache_read_input_tokens,
            cache_write: tokens.cache_creation_input_tokens,
        }
    }
}

/// Understands the events of one answer.
#[derive(Default)]
pub(super) struct Decoder {
    /// The block that is the tool's call: the first of them.
    tool: Option<u64>,
}

impl Decoder {
    pub(super) fn read(&mut self, data: &str) -> Result<Vec<Heard>, Error> {
        let mut heard = Vec::new();
        match serde_json::from_str(data).map_err(|_| Error::Malformed)? {
            Event::MessageStart { message } => {
                heard.extend(message.model.map(Heard::Model));
                // What is written by now says nothing of what will be.
                let counts = |tokens: Tokens| Counts { output: None, ..tokens.into() };
                heard.extend(message.usage.map(|tokens| Heard::Counts(counts(tokens))));
            }
            Event::ContentBlockStart { content_block: Block::Text { text }, .. } => {
                heard.push(Heard::Text(text));
            }
            Event::ContentBlockStart { index, content_block: Block::ToolUse { input } } => {
                if self.tool.is_none() {
                    self.tool = Some(index);
                    let whole = input.as_object().is_some_and(|input| !input.is_empty());
                    heard.push(Heard::Tool(if whole { input.to_string() } else { String::new() }));
                }
            }
            Event::ContentBlockDelta { index, delta } => match delta {
                Delta::Text { text } => heard.push(Heard::Text(text)),
                Delta::Json { partial_json } if self.tool == Some(index) => {
                    heard.push(Heard::Tool(partial_json));
                }
                Delta::Thinking { thinking } => heard.push(Heard::Thought(thinking.len())),
                Delta::Json { .. } | Delta::Other => {}
            },
            Event::MessageDelta { delta, usage } => {
                heard.extend(usage.map(|tokens| Heard::Counts(tokens.into())));
                heard.extend(delta.stop_reason.as_deref().map(|reason| Heard::Stop(stop(reason))));
            }
            Event::MessageStop => heard.push(Heard::Over),
            Event::Error { error } => return Err(Error::Reported(json!({"error": error}))),
            Event::ContentBlockStart { content_block: Block::Other, .. } | Event::Other => {}
        }
        Ok(heard)
    }
}

fn stop(reason: &str) -> Stop {
    match reason {
        "max_tokens" | "model_context_window_exceeded" => Stop::Length,
        "refusal" => Stop::Declined,
        _ => Stop::Done,
    }
}

#[cfg(test)]
mod tests;
