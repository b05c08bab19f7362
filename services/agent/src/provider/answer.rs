//! What an answer has said so far, and what it comes to.

use serde_json::Value;

use super::{Cause, Question, Reply, Tool, Usage, usage::Counts};

/// The most bytes of an answer; the longest that a model writes is a fraction of it.
const ANSWER_LIMIT: usize = 4 * 1024 * 1024;

/// Something that an event says, in either format.
#[derive(Debug, PartialEq)]
pub(super) enum Heard {
    Model(String),
    Counts(Counts),
    Text(String),
    /// More of the JSON of the tool's call.
    Tool(String),
    /// So many bytes of thinking, which are paid for and not shown.
    Thought(usize),
    Stop(Stop),
    /// Nothing more comes.
    Over,
}

/// Why a model stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    Done,
    Length,
    Declined,
}

/// What is said to a model that cannot be made to call the tool.
pub(super) fn plea(tool: &Tool) -> String {
    format!("Answer by calling the tool `{}` exactly once, and with nothing else.", tool.name)
}

/// One attempt's answer.
pub(super) struct Answer {
    /// How long the request is.
    asked: usize,
    /// The provider may have begun to work.
    is_paid: bool,
    model: Option<String>,
    counts: Counts,
    text: String,
    tool: Option<String>,
    thought: usize,
    characters: usize,
    stop: Option<Stop>,
    is_over: bool,
}

impl Answer {
    pub(super) const fn to(asked: usize) -> Self {
        Self {
            asked,
            is_paid: false,
            model: None,
            counts: Counts { input: None, output: None, cache_read: None, cache_write: None },
            text: String::new(),
            tool: None,
            thought: 0,
            characters: 0,
            stop: None,
            is_over: false,
        }
    }

    /// From here on it may cost something.
    pub(super) const fn pay(&mut self) {
        self.is_paid = true;
    }

    /// The provider said no before it began.
    pub(super) const fn owe_nothing(&mut self) {
        self.is_paid = false;
    }

    /// What it has cost, if nothing more comes.
    pub(super) fn usage(&self) -> Usage {
        if !self.is_paid {
            return Usage::default();
        }
        self.counts.usage(self.asked, self.written())
    }

    pub(super) const fn characters(&self) -> usize {
        self.characters
    }

    /// Somebody may have seen something of it.
    pub(super) const fn has_begun(&self) -> bool {
        self.characters > 0
    }

    /// All was said, even if the connection's end is still to come.
    pub(super) const fn is_whole(&self) -> bool {
        self.stop.is_some() || self.is_over
    }

    pub(super) const fn is_over(&self) -> bool {
        self.is_over
    }

    fn written(&self) -> usize {
        self.text.len() + self.tool.as_ref().map_or(0, String::len) + self.thought
    }

    /// Takes it in, and gives back what of it is to be shown.
    pub(super) fn hear(&mut self, heard: Heard) -> Result<Option<String>, Cause> {
        let shown = match heard {
            Heard::Text(piece) => {
                self.text.push_str(&piece);
                Some(piece)
            }
            Heard::Tool(piece) => {
                self.tool.get_or_insert_default().push_str(&piece);
                Some(piece)
            }
            Heard::Model(model) => {
                self.model = Some(model);
                None
            }
            Heard::Counts(counts) => {
                self.counts.merge(counts);
                None
            }
            Heard::Thought(bytes) => {
                self.thought += bytes;
                None
            }
            Heard::Stop(stop) => {
                // A refusal is often followed by an ordinary end.
                self.stop =
                    Some(if self.stop == Some(Stop::Declined) { Stop::Declined } else { stop });
                None
            }
            Heard::Over => {
                self.is_over = true;
                None
            }
        };
        if self.written() > ANSWER_LIMIT {
            return Err(Cause::Malformed("it has no end"));
        }
        let shown = shown.filter(|piece| !piece.is_empty());
        self.characters += shown.as_ref().map_or(0, |piece| piece.chars().count());
        Ok(shown)
    }

    /// The reply, if this is one.
    pub(super) fn reply(self, question: &Question, attempts: u32) -> Result<Reply, Cause> {
        let structured = question.tool.as_ref().and_then(|_| self.structured());
        let lacks = question.tool.is_some() && structured.is_none();
        match self.stop {
            Some(Stop::Declined) => return Err(Cause::Declined),
            // A form that was filled in to its end is one, even if more was to come.
            Some(Stop::Length) if structured.is_none() => return Err(Cause::TooLong),
            _ if lacks => return Err(Cause::Malformed("it does not fill in the form")),
            _ if question.tool.is_none() && self.text.is_empty() => {
                return Err(Cause::Malformed("it is empty"));
            }
            _ => {}
        }
        let usage = self.usage();
        let model = self.model.unwrap_or_else(|| question.model.clone());
        Ok(Reply { text: self.text, structured, usage, model, attempts })
    }

    /// The filled-in form: the tool's call, or a text that is nothing but the same JSON.
    fn structured(&self) -> Option<Value> {
        let json = match self.tool.as_deref().map(str::trim) {
            Some("") => "{}",
            Some(json) => json,
            None => unfenced(&self.text),
        };
        serde_json::from_str(json).ok().filter(Value::is_object)
    }
}

/// What stands between the fences of a text that is one block of code, else the text.
fn unfenced(text: &str) -> &str {
    let text = text.trim();
    let inner = text.strip_prefix("```").and_then(|rest| rest.strip_suffix("```"));
    inner.map_or(text, |inner| inner.strip_prefix("json").unwrap_or(inner).trim())
}

#[cfg(test)]
mod tests;
