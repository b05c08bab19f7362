//! The two formats as one: where they are reached, how a key is shown, what is sent and heard.

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE},
};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use super::{Cause, Question, answer::Heard, anthropic, openai, shape::Shape};

/// A format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Anthropic's Messages API.
    Anthropic,
    /// Chat completions as `OpenAI` made them, and many others imitate them: llama.cpp, Ollama, vLLM.
    OpenAi,
}

impl Kind {
    /// Where questions go, from what people write as the base.
    pub(super) fn url(self, base: &str) -> String {
        let base = base.trim().trim_end_matches('/');
        match self {
            Self::Anthropic if base.ends_with("/v1") => format!("{base}/messages"),
            Self::Anthropic => format!("{base}/v1/messages"),
            Self::OpenAi => format!("{base}/chat/completions"),
        }
    }

    pub(super) fn headers(self, key: &SecretString) -> Result<HeaderMap, Cause> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let key = key.expose_secret();
        let (name, value) = match self {
            Self::Anthropic => {
                let version = HeaderValue::from_static(anthropic::VERSION);
                headers.insert(HeaderName::from_static("anthropic-version"), version);
                (HeaderName::from_static("x-api-key"), key.to_owned())
            }
            Self::OpenAi => (AUTHORIZATION, format!("Bearer {key}")),
        };
        if !key.is_empty() {
            let mut value = HeaderValue::from_str(&value).map_err(|_| Cause::Unauthorized {
                message: "it has a character that no key has".into(),
            })?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        Ok(headers)
    }

    pub(super) fn request(self, question: &Question, shape: Shape) -> Value {
        match self {
            Self::Anthropic => anthropic::request(question, shape),
            Self::OpenAi => openai::request(question, shape),
        }
    }

    pub(super) fn decoder(self) -> Decoder {
        match self {
            Self::Anthropic => Decoder::Anthropic(anthropic::Decoder::default()),
            Self::OpenAi => Decoder::OpenAi(openai::Decoder::default()),
        }
    }
}

/// Understands the events of one answer.
pub(super) enum Decoder {
    Anthropic(anthropic::Decoder),
    OpenAi(openai::Decoder),
}

impl Decoder {
    /// What an event's data say, in order.
    pub(super) fn read(&mut self, data: &str) -> Result<Vec<Heard>, Error> {
        match self {
            Self::Anthropic(decoder) => decoder.read(data),
            Self::OpenAi(decoder) => decoder.read(data),
        }
    }
}

/// What an event says that ends an answer.
#[derive(Debug, PartialEq)]
pub(super) enum Error {
    /// It is none of the format.
    Malformed,
    /// The provider failed; the body of its error.
    Reported(Value),
}

#[cfg(test)]
mod tests;
