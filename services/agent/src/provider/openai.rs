//! Chat completions: their request, and the chunks of their answer, from whoever imitates them.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Question, Role,
    answer::{Heard, Stop},
    shape::Shape,
    usage::Counts,
    wire::Error,
};

pub(super) fn request(question: &Question, shape: Shape) -> Value {
    let mut system = question.system.clone();
    let unforced = question.tool.as_ref().filter(|_| !shape.is_forced);
    if let Some(tool) = unforced {
        system.push_str(if system.is_empty() { "" } else { "\n\n" });
        system.push_str(&super::answer::plea(tool));
    }
    let mut messages = Vec::new();
    if !system.is_empty() {
        messages.push(json!({"role": "system", "content": system}));
    }
    messages.extend(question.messages.iter().map(|message| {
        let role = match message.role {
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        json!({"role": role, "content": message.text})
    }));
    let mut request = json!({"model": question.model, "stream": true, "messages": messages});
    let limit = if shape.has_max_tokens { "max_tokens" } else { "max_completion_tokens" };
    request[limit] = question.max_output_tokens.into();
    if shape.has_stream_options {
        request["stream_options"] = json!({"include_usage": true});
    }
    if let Some(temperature) = question.temperature.filter(|_| shape.has_temperature) {
        request["temperature"] = temperature.into();
    }
    if let Some(tool) = &question.tool {
        request["tools"] = json!([{"type": "function", "function": {
            "name": tool.name, "description": tool.description, "parameters": tool.schema,
        }}]);
        request["tool_choice"] = if shape.is_forced {
            json!({"type": "function", "function": {"name": tool.name}})
        } else {
            json!("auto")
        };
    }
    request
}

/// A piece of an answer, or the whole of it from a server that does not stream.
#[derive(Deserialize)]
struct Chunk {
    object: Option<String>,
    model: Option<String>,
    choices: Option<Vec<Choice>>,
    usage: Option<Tokens>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    index: u64,
    #[serde(alias = "message")]
    delta: Option<Delta>,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Delta {
    content: Option<String>,
    refusal: Option<String>,
    #[serde(alias = "reasoning")]
    reasoning_content: Option<String>,
    tool_calls: Option<Vec<Call>>,
}

#[derive(Deserialize)]
struct Call {
    index: Option<u64>,
    function: Option<Function>,
}

#[derive(Deserialize)]
struct Function {
    /// A string of JSON; some servers send the object itself.
    #[serde(default)]
    arguments: Value,
}

#[derive(Deserialize)]
struct Tokens {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
    prompt_tokens_details: Option<Details>,
}

#[derive(Deserialize)]
struct Details {
    cached_tokens: Option<u64>,
    cache_write_tokens: Option<u64>,
}

impl From<Tokens> for Counts {
    fn from(tokens: Tokens) -> Self {
        let cached = |count: fn(&Details) -> Option<u64>| {
            tokens.prompt_tokens_details.as_ref().and_then(count)
        };
        let cache_read = cached(|details| details.cached_tokens);
        let cache_write = cached(|details| details.cache_write_tokens);
        // Here what comes from the cache is part of the prompt.
        let elsewhere =
            cache_read.unwrap_or_default().saturating_add(cache_write.unwrap_or_default());
        let input = tokens.prompt_tokens.map(|prompt| prompt.saturating_sub(elsewhere));
        Self { input, output: tokens.completion_tokens, cache_read, cache_write }
    }
}

/// Understands the chunks of one answer.
#[derive(Default)]
pub(super) struct Decoder {
    /// Which of the calls is the tool's: the first.
    tool: Option<u64>,
}

impl Decoder {
    pub(super) fn read(&mut self, data: &str) -> Result<Vec<Heard>, Error> {
        let mut heard = Vec::new();
        match data.trim() {
            "[DONE]" => return Ok(vec![Heard::Over]),
            "" => return Ok(heard),
            _ => {}
        }
        let chunk: Chunk = serde_json::from_str(data).map_err(|_| Error::Malformed)?;
        let failed = chunk.error.as_ref().is_some_and(|error| !error.is_null());
        if failed || chunk.object.as_deref() == Some("error") {
            return Err(serde_json::from_str(data).map_or(Error::Malformed, Error::Reported));
        }
        heard.extend(chunk.model.filter(|model| !model.is_empty()).map(Heard::Model));
        // Whoever counts nothing sends zeros.
        let tokens = chunk.usage.filter(|tokens| tokens.prompt_tokens.is_some_and(|all| all > 0));
        heard.extend(tokens.map(|tokens| Heard::Counts(tokens.into())));
        let first = chunk.choices.unwrap_or_default().into_iter().find(|choice| choice.index == 0);
        let Some(choice) = first else { return Ok(heard) };
        if let Some(delta) = choice.delta {
            self.piece(delta, &mut heard);
        }
        match choice.finish_reason.as_deref() {
            None | Some("") => {}
            Some("error") => return Err(Error::Reported(Value::Null)),
            Some("length") => heard.push(Heard::Stop(Stop::Length)),
            Some("content_filter") => heard.push(Heard::Stop(Stop::Declined)),
            Some(_) => heard.push(Heard::Stop(Stop::Done)),
        }
        Ok(heard)
    }

    fn piece(&mut self, delta: Delta, heard: &mut Vec<Heard>) {
        heard.extend(delta.reasoning_content.map(|thought| Heard::Thought(thought.len())));
        heard.extend(delta.content.map(Heard::Text));
        if delta.refusal.is_some_and(|refusal| !refusal.is_empty()) {
            heard.push(Heard::Stop(Stop::Declined));
        }
        for (at, call) in (0..).zip(delta.tool_calls.unwrap_or_default()) {
            let index = call.index.unwrap_or(at);
            if *self.tool.get_or_insert(index) != index {
                continue;
            }
            let arguments = call.function.map(|function| function.arguments).unwrap_or_default();
            heard.push(Heard::Tool(match arguments {
                Value::String(piece) => piece,
                Value::Null => String::new(),
                whole => whole.to_string(),
            }));
        }
    }
}

#[cfg(test)]
mod tests;
