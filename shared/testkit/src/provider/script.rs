//! What a call meets: an answer in pieces, a refusal, or something worse, after so many events.

use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};

use super::{Asked, Wire, anthropic, openai};

/// What the provider says that an answer cost.
#[derive(Debug, Clone, Copy)]
pub struct Tokens {
    /// Read anew.
    pub input: u64,
    /// Written.
    pub output: u64,
    /// Read from the cache.
    pub cache_read: u64,
    /// Written to the cache.
    pub cache_write: u64,
}

impl Tokens {
    /// What an answer costs unless a script says otherwise.
    pub const USUAL: Self = Self { input: 100, output: 20, cache_read: 0, cache_write: 0 };
}

/// The course of one call.
#[derive(Debug, Clone)]
pub struct Script {
    pub(super) status: StatusCode,
    pub(super) headers: Vec<(String, String)>,
    pub(super) late: Duration,
    pub(super) pause: Duration,
    pub(super) is_drip: bool,
    pub(super) content: Content,
    pub(super) turn: Option<(usize, Turn)>,
}

#[derive(Debug, Clone)]
pub(super) enum Content {
    Answer(Answer),
    Bytes(Vec<u8>),
}

/// An answer that a model could give.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) say: Say,
    pub(super) pieces: usize,
    pub(super) tokens: Option<Tokens>,
    pub(super) stop: Option<String>,
    pub(super) is_whole: bool,
}

#[derive(Debug, Clone)]
pub(super) enum Say {
    Text(String),
    Tool(String),
}

/// The turn that a stream takes instead of going on.
#[derive(Debug, Clone)]
pub(super) enum Turn {
    Cut,
    Silence,
    Say(String),
    Fail(u16, String),
}

impl Script {
    fn of(status: u16, content: Content) -> Self {
        Self {
            status: StatusCode::from_u16(status).unwrap(),
            headers: Vec::new(),
            late: Duration::ZERO,
            pause: Duration::ZERO,
            is_drip: false,
            content,
            turn: None,
        }
    }

    fn answer(say: Say) -> Self {
        let tokens = Some(Tokens::USUAL);
        let answer = Answer { say, pieces: 1, tokens, stop: None, is_whole: false };
        Self::of(200, Content::Answer(answer))
    }

    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::answer(Say::Text(text.into()))
    }

    /// A call of the tool with these arguments.
    pub fn tool(arguments: &Value) -> Self {
        Self::answer(Say::Tool(arguments.to_string()))
    }

    /// A call of the tool whose arguments are this text, JSON or not.
    pub fn broken_tool(arguments: impl Into<String>) -> Self {
        Self::answer(Say::Tool(arguments.into()))
    }

    /// These bytes in place of an answer, as they are.
    pub fn bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self::of(200, Content::Bytes(bytes.into()))
    }

    /// No answer, but that status with the error body that both formats have in common.
    pub fn refusal(status: u16, kind: &str, message: &str) -> Self {
        let error = json!({"type": kind, "code": kind, "message": message});
        let body = json!({"type": "error", "error": error}).to_string();
        Self::of(status, Content::Bytes(body.into())).header("content-type", "application/json")
    }

    /// One more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// The text or the arguments come in so many pieces.
    #[must_use]
    pub fn pieces(self, pieces: usize) -> Self {
        self.with(|answer| answer.pieces = pieces)
    }

    /// What it says to have cost.
    #[must_use]
    pub fn tokens(self, tokens: Tokens) -> Self {
        self.with(|answer| answer.tokens = Some(tokens))
    }

    /// It never says what it cost.
    #[must_use]
    pub fn without_tokens(self) -> Self {
        self.with(|answer| answer.tokens = None)
    }

    /// Why it ends, in the format's own word.
    #[must_use]
    pub fn stop(self, reason: &str) -> Self {
        self.with(|answer| answer.stop = Some(reason.to_owned()))
    }

    /// Comes whole, as a chat completion, although a stream was asked for.
    #[must_use]
    pub fn whole(self) -> Self {
        self.with(|answer| answer.is_whole = true)
    }

    /// The head comes so late.
    #[must_use]
    pub const fn late(mut self, late: Duration) -> Self {
        self.late = late;
        self
    }

    /// So long between two events.
    #[must_use]
    pub const fn pause(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }

    /// Every byte alone, and the pause between two of them.
    #[must_use]
    pub const fn drip(mut self, pause: Duration) -> Self {
        self.is_drip = true;
        self.pause = pause;
        self
    }

    /// The connection is cut after so many events.
    #[must_use]
    pub fn cut_after(self, events: usize) -> Self {
        self.turn(events, Turn::Cut)
    }

    /// Nothing more comes after so many events, and the connection stays.
    #[must_use]
    pub fn silent_after(self, events: usize) -> Self {
        self.turn(events, Turn::Silence)
    }

    /// After so many events come these bytes, and the end.
    #[must_use]
    pub fn raw_after(self, events: usize, bytes: &str) -> Self {
        self.turn(events, Turn::Say(bytes.to_owned()))
    }

    /// After so many events comes an event of that error, with the status it would have had, and the end.
    #[must_use]
    pub fn error_after(self, events: usize, status: u16, kind: &str) -> Self {
        self.turn(events, Turn::Fail(status, kind.to_owned()))
    }

    fn turn(mut self, events: usize, turn: Turn) -> Self {
        self.turn = Some((events, turn));
        self
    }

    fn with(mut self, change: impl FnOnce(&mut Answer)) -> Self {
        if let Content::Answer(answer) = &mut self.content {
            change(answer);
        }
        self
    }

    /// The events that the client is to get, and how it ends.
    pub(super) fn course(&self, asked: &Asked) -> (Vec<Vec<u8>>, Option<Turn>) {
        let mut events = match &self.content {
            Content::Bytes(bytes) => vec![bytes.clone()],
            Content::Answer(answer) if answer.is_whole => vec![openai::whole(answer).into()],
            Content::Answer(answer) => match asked.wire {
                Wire::Anthropic => anthropic::events(answer, asked),
                Wire::OpenAi => openai::events(answer, asked),
            },
        };
        let Some((after, turn)) = &self.turn else { return (events, None) };
        events.truncate(*after);
        match turn {
            Turn::Say(bytes) => events.push(bytes.clone().into()),
            Turn::Fail(status, kind) => events.push(match asked.wire {
                Wire::Anthropic => anthropic::error(kind),
                Wire::OpenAi => openai::error(*status, kind),
            }),
            Turn::Cut | Turn::Silence => return (events, Some(turn.clone())),
        }
        (events, None)
    }
}

impl Answer {
    /// The text or the arguments, cut into its pieces between characters.
    pub(super) fn cut(&self) -> Vec<String> {
        let (Say::Text(text) | Say::Tool(text)) = &self.say;
        let characters: Vec<char> = text.chars().collect();
        let each = characters.len().div_ceil(self.pieces.max(1)).max(1);
        characters.chunks(each).map(|piece| piece.iter().collect()).collect()
    }

    pub(super) const fn is_tool(&self) -> bool {
        matches!(self.say, Say::Tool(_))
    }
}
