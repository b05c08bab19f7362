//! What a try of an agent at a text is, how it goes on and how it ends.

mod drive;
mod hold;
mod list;
mod listener;
mod rpc;
mod store;
mod sweep;
mod wire;

use chrono::{DateTime, Utc};
use devsphere_error::{Error, Result};
use devsphere_ids::{ContentPieceId, GenerationId, PersonId};
use devsphere_proto::{
    AsJson,
    r#type::v1::{AiUsage, Heading},
};
use serde::Serialize;
use sqlx::types::Json;

use crate::content_piece::Outcome;
pub(crate) use rpc::Generations;
pub(crate) use sweep::sweep;

/// So much of a failure is kept for people.
const LONGEST_MESSAGE: usize = 500;

/// A try. Its JSON is what events and audit show.
#[derive(Debug, Clone, PartialEq, Serialize, sqlx::FromRow)]
struct Generation {
    generation_id: GenerationId,
    content_piece_id: ContentPieceId,
    state: State,
    asked_by: PersonId,
    /// None in lists, which leave it out.
    outline: Option<Outline>,
    failure: String,
    failure_message: String,
    /// The version that it wrote; 0 without one.
    version_number: i32,
    model: String,
    tokens: i64,
    cost_micros: i64,
    currency_code: String,
    create_time: DateTime<Utc>,
    start_time: Option<DateTime<Utc>>,
    end_time: Option<DateTime<Utc>>,
    #[serde(skip)]
    version: i64,
}

/// What the text is about, heading by heading.
type Outline = Json<Vec<AsJson<Heading>>>;

/// A try to be.
#[derive(Debug)]
struct Draft {
    generation_id: GenerationId,
    content_piece_id: ContentPieceId,
    asked_by: PersonId,
    outline: Outline,
}

/// Where a try stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
enum State {
    Queued,
    Running,
    Succeeded,
    Failed,
    Cancelled,
}

/// What becomes of a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Its turn has come.
    Start,
    /// What it writes about is settled.
    Outline,
    Succeed,
    Fail,
    Cancel,
}

/// Why a try ends without a draft: a step, the cause, and the same for people.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Ending {
    step: Step,
    failure: String,
    message: String,
}

impl State {
    const fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl Step {
    /// The state after it; none where it cannot be.
    const fn from(self, state: State) -> Option<State> {
        use State::{Cancelled, Failed, Queued, Running, Succeeded};

        match (self, state) {
            (Self::Start, Queued) | (Self::Outline, Running) => Some(Running),
            (Self::Succeed, Running) => Some(Succeeded),
            (Self::Fail, Queued | Running) => Some(Failed),
            (Self::Cancel, Queued | Running) => Some(Cancelled),
            _ => None,
        }
    }

    /// The event that it leaves.
    const fn event(self) -> &'static str {
        match self {
            Self::Start => "generation.started",
            Self::Outline => "generation.outlined",
            Self::Succeed => "generation.succeeded",
            Self::Fail => "generation.failed",
            Self::Cancel => "generation.cancelled",
        }
    }
}

impl Generation {
    /// The try after the step; whatever another process has ended meanwhile is no longer ours.
    fn after(&self, step: Step) -> Result<Self> {
        let state = step.from(self.state).ok_or_else(interrupted)?;
        Ok(Self { state, ..self.clone() })
    }

    /// The same with what it is about.
    fn outlined(self, outline: Vec<Heading>) -> Self {
        Self { outline: Some(Json(outline.into_iter().map(AsJson).collect())), ..self }
    }

    /// The same with what it has cost; only one currency is added up.
    fn having_cost(mut self, usages: &[AiUsage]) -> Self {
        let priced = usages.iter().find(|usage| !usage.currency_code.is_empty());
        self.currency_code = priced.map(|usage| usage.currency_code.clone()).unwrap_or_default();
        for usage in usages {
            let read = [usage.input_tokens, usage.cache_read_tokens, usage.cache_write_tokens];
            let tokens = read.into_iter().chain([usage.output_tokens]);
            self.tokens = tokens.fold(self.tokens, |sum, some| sum.saturating_add(some.max(0)));
            if usage.currency_code == self.currency_code {
                self.cost_micros = self.cost_micros.saturating_add(usage.cost_micros.max(0));
            }
            self.model.clone_from(&usage.model);
        }
        self
    }

    /// Its outline, for another try at that piece.
    fn resumed(self, content_piece_id: ContentPieceId) -> Result<Outline> {
        let has_ended = matches!(self.state, State::Failed | State::Cancelled);
        if !has_ended || self.content_piece_id != content_piece_id {
            return Err(Error::InvalidState {
                cause: "not_resumable",
                message: "only a failed or cancelled try at the same piece is gone on with",
            });
        }
        Ok(self.outline.unwrap_or_default())
    }
}

impl Ending {
    /// Whoever asked hung up.
    fn cancelled() -> Self {
        let message = "cancelled by whoever asked for it".into();
        Self { step: Step::Cancel, failure: String::new(), message }
    }

    fn failed(error: &Error) -> Self {
        let message = error.to_string().chars().take(LONGEST_MESSAGE).collect();
        Self { step: Step::Fail, failure: error.word(), message }
    }

    /// What it means to the piece.
    const fn outcome(&self) -> Outcome {
        match self.step {
            Step::Cancel => Outcome::Cancelled,
            _ => Outcome::Failed,
        }
    }
}

/// The agent was stopped, or whoever drives it was.
fn interrupted() -> Error {
    Error::AiFailed {
        cause: "interrupted",
        message: "the agent was stopped, try again".into(),
        retry_after: Some(std::time::Duration::from_secs(1)),
    }
}

/// What came breaks the rules for texts.
fn malformed(what: &str) -> Error {
    let message = format!("the agent's answer cannot be used: {what}");
    Error::AiFailed { cause: "answer_malformed", message, retry_after: None }
}

#[cfg(test)]
mod tests;
