//! What a provider says instead of an answer, in any of the forms that are about.

use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use super::Cause;

/// The most characters of a provider's message that go on.
const MESSAGE_CHARS: usize = 300;

/// Words of types and codes that mean money. `OpenAI`'s 429 without credit says so in its code only.
const MONEY: [&str; 6] =
    ["insufficient_quota", "billing", "credit_balance", "spend_limit", "usage_limit", "payment"];

/// An error, as far as it was understood.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Complaint {
    /// Type and codes.
    kind: String,
    /// The status that the error itself names, inside an answer that began well.
    code: Option<u16>,
    /// The field that it is about.
    param: String,
    message: String,
}

impl Complaint {
    /// Reads the body of an error; what is no JSON, as a proxy's page, says nothing.
    pub(super) fn read(body: &[u8], key: &SecretString) -> Self {
        serde_json::from_slice(body).map(|body| Self::of(&body, key)).unwrap_or_default()
    }

    /// Reads an error out of a stream.
    pub(super) fn of(body: &Value, key: &SecretString) -> Self {
        let error = if body["error"].is_object() { &body["error"] } else { body };
        let word = |value: &Value| value.as_str().unwrap_or_default().to_ascii_lowercase();
        let kinds = [&error["type"], &error["code"], &error["details"]["error_code"]].map(word);
        let code = error["code"].as_u64().and_then(|code| u16::try_from(code).ok());
        let said = [&error["message"], &body["error"], &body["detail"]];
        let message = said.iter().find_map(|said| said.as_str()).unwrap_or_default();
        Self {
            kind: kinds.join(" ").trim().to_owned(),
            code: code.filter(|code| (400..600).contains(code)),
            param: word(&error["param"]),
            message: printable(message, key),
        }
    }

    /// What the provider does not take, in its own words.
    pub(super) fn objection(&self) -> String {
        format!("{} {}", self.param, self.message)
    }

    /// What it means as the answer to a request.
    pub(super) fn cause(self, status: u16, retry_after: Option<Duration>) -> Cause {
        let says = |word: &str| self.kind.contains(word);
        let spent = self.message.starts_with("You have reached your specified");
        let broke = status == 402 || spent || MONEY.iter().any(|word| says(word));
        let model = says("model_not_found")
            || status == 404 && self.message.to_ascii_lowercase().contains("model");
        let message = self.message;
        match status {
            400..=499 if broke => Cause::OutOfCredit { message },
            400..=499 if model => Cause::UnknownModel { message },
            // Half of the key stands in it.
            401 => Cause::Unauthorized { message: String::new() },
            403 => Cause::Unauthorized { message },
            429 => Cause::RateLimited { retry_after },
            408 | 409 | 425 | 500..=599 => Cause::Overloaded { retry_after, message },
            _ => Cause::Rejected { status, message },
        }
    }

    /// What it means in the middle of an answer.
    pub(super) fn late(self) -> Cause {
        let status = self.code.unwrap_or_else(|| {
            let says = |word: &str| self.kind.contains(word);
            match () {
                () if says("overloaded") => 529,
                () if says("rate_limit") => 429,
                () if says("authentication") => 401,
                () if says("permission") => 403,
                () if says("not_found") => 404,
                () if says("billing") || says("insufficient_quota") => 402,
                () if says("too_large") => 413,
                () if says("invalid") => 400,
                () => 500,
            }
        });
        self.cause(status, None)
    }
}

/// A message as it may be shown and kept: one line, of bounded length, without the key or what looks like one.
fn printable(message: &str, key: &SecretString) -> String {
    let key = key.expose_secret();
    let message = if key.is_empty() { message.to_owned() } else { message.replace(key, "…") };
    let message = message.replace(char::is_control, " ");
    let words = message.split_whitespace().map(|word| if is_key(word) { "…" } else { word });
    words.collect::<Vec<_>>().join(" ").chars().take(MESSAGE_CHARS).collect()
}

fn is_key(word: &str) -> bool {
    word.trim_start_matches(|character: char| !character.is_alphanumeric()).starts_with("sk-")
}

#[cfg(test)]
mod tests;
