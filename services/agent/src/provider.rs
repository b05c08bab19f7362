//! Asking a model: the words of a question and of its reply, whoever answers.

mod answer;
mod anthropic;
mod attempt;
mod complaint;
mod failure;
mod hint;
mod openai;
mod retry;
mod shape;
mod sse;
mod usage;
mod wire;

use std::time::{Duration, Instant};

use devsphere_egress::{Client, Target};
use http::HeaderMap;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

pub use failure::{Cause, Failure};
pub use usage::Usage;
pub use wire::Kind;

/// What a model is asked.
#[derive(Debug, Clone)]
pub struct Question {
    /// The model, in the provider's own spelling.
    pub model: String,
    /// What holds for the whole conversation; a provider that can keeps it in its cache.
    pub system: String,
    /// What was said so far; the last is the user's.
    pub messages: Vec<Message>,
    /// With a tool, the reply is a call of it.
    pub tool: Option<Tool>,
    /// The most tokens that it may write, and be paid for.
    pub max_output_tokens: u32,
    /// How freely it writes; left out where a model does not take it.
    pub temperature: Option<f64>,
}

/// One turn of a conversation.
#[derive(Debug, Clone)]
pub struct Message {
    /// Whose turn.
    pub role: Role,
    /// What was said.
    pub text: String,
}

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// We do.
    User,
    /// The model did.
    Assistant,
}

/// A form that the model fills in.
#[derive(Debug, Clone)]
pub struct Tool {
    /// Letters, digits, `_` and `-`, 64 at most.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// A JSON schema of an object.
    pub schema: Value,
}

/// What a model answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// What it wrote; beside a tool's call mostly nothing.
    pub text: String,
    /// The form it filled in: always an object, not held against the schema. There whenever a tool was.
    pub structured: Option<Value>,
    /// What all attempts cost together.
    pub usage: Usage,
    /// The model that answered, as the provider calls it.
    pub model: String,
    /// How often it was asked.
    pub attempts: u32,
}

/// How far a reply is.
#[derive(Debug, Clone, Copy)]
pub struct Progress<'a> {
    /// What came now: of the text, or of the form's JSON.
    pub delta: &'a str,
    /// Characters of this attempt so far.
    pub characters: usize,
    /// What it has cost by now, if the caller gives it up here; never less than that.
    pub usage: Usage,
}

/// Hears how far a reply is: once when an attempt begins, and whenever more has come.
pub type OnProgress<'a> = &'a mut (dyn FnMut(Progress<'_>) + Send);

/// Where a provider is reached, and as whom.
#[derive(Debug, Clone)]
pub struct Connection {
    /// The format it speaks.
    pub kind: Kind,
    /// As `https://api.anthropic.com` or `https://api.openai.com/v1`.
    pub base_url: String,
    /// The key; empty for a server that wants none.
    pub key: SecretString,
    /// How long it may take.
    pub patience: Patience,
}

/// How long a provider may take, within the caller's own deadline.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// From the request to the first event of its answer; 60 s. Any byte extends it: servers that
    /// still read a long question send comments.
    pub first: Duration,
    /// From then on without a byte; 30 s.
    pub silence: Duration,
    /// Before the second attempt, unless the provider says how long; twice as long each time; 500 ms.
    pub pause: Duration,
    /// A provider that asks for a longer pause is not asked again; 60 s.
    pub longest_pause: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(60),
            silence: Duration::from_secs(30),
            pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(60),
        }
    }
}

/// A provider of models.
#[derive(Debug, Clone)]
pub struct Provider {
    client: Client,
    kind: Kind,
    target: Target,
    headers: HeaderMap,
    key: SecretString,
    patience: Patience,
}

impl Provider {
    /// A provider at the end of that connection; nothing is sent yet.
    ///
    /// # Errors
    /// When the address is none that the client reaches, or no header can carry the key.
    pub fn new(connection: Connection, client: &Client) -> Result<Self, Failure> {
        let Connection { kind, base_url, key, patience } = connection;
        let target = Target::parse(&kind.url(&base_url)).map_err(Cause::Blocked)?;
        client.admits(&target).map_err(Cause::Blocked)?;
        let headers = kind.headers(&key)?;
        Ok(Self { client: client.clone(), kind, target, headers, key, patience })
    }

    /// Asks, again where that helps, until there is a reply, a failure or the deadline.
    ///
    /// Dropping the future ends the call at once; what it cost by then was told to `progress`.
    ///
    /// # Errors
    /// When there is no reply, or none that answers the question.
    pub async fn ask(
        &self,
        question: &Question,
        deadline: Instant,
        progress: OnProgress<'_>,
    ) -> Result<Reply, Failure> {
        let reply = retry::ask(self, question, deadline, progress).await?;
        Ok(without_key(reply, self.key.expose_secret()))
    }
}

/// Whoever answers has heard the key, and whoever asked must not hear it from them.
fn without_key(mut reply: Reply, key: &str) -> Reply {
    // A key so short is none, and would be found in half of the words.
    const SHORTEST: usize = 8;
    if key.len() >= SHORTEST {
        reply.text = reply.text.replace(key, "…");
        reply.model = reply.model.replace(key, "…");
        if let Some(form) = &mut reply.structured {
            cover(form, key);
        }
    }
    reply
}

fn cover(form: &mut Value, key: &str) {
    match form {
        Value::String(text) if text.contains(key) => *text = text.replace(key, "…"),
        Value::Array(items) => items.iter_mut().for_each(|item| cover(item, key)),
        Value::Object(fields) => fields.values_mut().for_each(|field| cover(field, key)),
        _ => {}
    }
}
