//! What a question to a model costs: as much as it may, before it is asked, and what it did, once.

mod bill;
mod list;
mod rpc;
pub(crate) mod store;
mod wire;

use std::time::Duration;

use chrono::{DateTime, Utc};
use devsphere_error::Error;
use devsphere_ids::UsageId;
use devsphere_proto::administration::v1::AiPrices;
use serde::Serialize;
use uuid::Uuid;

use crate::provider::{self, Failure, Reply};

pub(crate) use bill::Bill;
pub(crate) use rpc::Usages;

/// Bytes of a question that make a token at least, in any language.
const BYTES_PER_TOKEN: usize = 3;

/// A provider may call its models what it likes; no longer name is kept.
const LONGEST_MODEL: usize = 200;

/// After the last moment at which an answer can come, so much later nobody is left to note it.
const GRACE: Duration = Duration::from_secs(60);

/// One question. Its JSON is what events and audit show.
#[derive(Debug, Clone, Serialize, sqlx::FromRow)]
pub(crate) struct Usage {
    usage_id: UsageId,
    generation_id: Uuid,
    agent_key: String,
    step: Step,
    person_id: Uuid,
    provider_host: String,
    model: String,
    state: State,
    failure: String,
    attempts: i32,
    input_tokens: i64,
    output_tokens: i64,
    cache_read_tokens: i64,
    cache_write_tokens: i64,
    estimated: bool,
    cost_micros: i64,
    currency_code: String,
    #[serde(skip)]
    create_time: DateTime<Utc>,
    #[serde(skip)]
    end_time: Option<DateTime<Utc>>,
}

/// What a question is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub(crate) enum Step {
    Outline,
    Draft,
    Repair,
    Check,
    Probe,
}

/// How a question ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
enum State {
    Running,
    Succeeded,
    Failed,
    Cancelled,
    /// Running for so long that nobody can still be there; no row says so, lists do.
    Lost,
}

/// A question that is about to be asked.
#[derive(Debug)]
pub(crate) struct Reservation {
    usage_id: UsageId,
    pub(crate) generation_id: Uuid,
    pub(crate) agent_key: String,
    pub(crate) step: Step,
    pub(crate) provider_host: String,
    pub(crate) model: String,
    /// What it costs at most, if it is asked once.
    bill: Bill,
    currency_code: String,
    /// Seconds from now until nobody is left to hear its end.
    expire_seconds: f64,
}

/// How much an organisation's agents may use in a month; 0 is without end.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Budgets {
    pub(crate) tokens: i64,
    pub(crate) cost_micros: i64,
}

/// How a question ended, and what that cost.
#[derive(Debug)]
pub(crate) struct Outcome {
    state: State,
    failure: &'static str,
    attempts: i32,
    /// None where no provider said.
    model: Option<String>,
    bill: Bill,
}

/// What a question is and where it is asked.
pub(crate) struct Asked<'a> {
    pub(crate) generation_id: Uuid,
    pub(crate) agent_key: &'a str,
    pub(crate) step: Step,
    pub(crate) provider_host: &'a str,
}

impl Usage {
    pub(crate) const fn id(&self) -> Uuid {
        self.usage_id.uuid()
    }
}

impl Step {
    const WORDS: [&'static str; 5] = ["outline", "draft", "repair", "check", "probe"];

    const fn word(self) -> &'static str {
        Self::WORDS[self as usize]
    }
}

impl State {
    const WORDS: [&'static str; 5] = ["running", "succeeded", "failed", "cancelled", "lost"];

    const fn word(self) -> &'static str {
        Self::WORDS[self as usize]
    }
}

impl Reservation {
    /// What that question costs at most, asked once, with all that it may write written.
    pub(crate) fn of(
        asked: &Asked<'_>,
        question: &provider::Question,
        prices: &AiPrices,
        patience: Duration,
    ) -> Self {
        let said: usize = question.messages.iter().map(|message| message.text.len()).sum();
        let form = question.tool.as_ref().map_or(0, |tool| tool.schema.to_string().len());
        let read = (question.system.len() + said + form).div_ceil(BYTES_PER_TOKEN);
        let most = provider::Usage {
            input: u64::try_from(read).unwrap_or(u64::MAX),
            output: question.max_output_tokens.into(),
            is_estimate: true,
            ..provider::Usage::default()
        };
        Self {
            usage_id: UsageId::fresh(),
            generation_id: asked.generation_id,
            agent_key: asked.agent_key.to_owned(),
            step: asked.step,
            provider_host: asked.provider_host.to_owned(),
            model: question.model.clone(),
            bill: Bill::of(most, prices),
            currency_code: prices.currency_code.clone(),
            expire_seconds: (patience + GRACE).as_secs_f64(),
        }
    }
}

impl Outcome {
    /// What came of it, or none where whoever asked gave up when it had cost so much.
    pub(crate) fn of(
        ended: Option<&Result<Reply, Failure>>,
        so_far: provider::Usage,
        prices: &AiPrices,
    ) -> Self {
        let (state, failure, attempts, model, usage) = match ended {
            Some(Ok(reply)) => {
                let model = reply.model.chars().filter(|c| !c.is_control()).take(LONGEST_MODEL);
                (State::Succeeded, "", reply.attempts, Some(model.collect()), reply.usage)
            }
            Some(Err(failure)) => {
                (State::Failed, failure.cause.as_str(), failure.attempts, None, failure.usage)
            }
            None => (State::Cancelled, "", 1, None, so_far),
        };
        let attempts = i32::try_from(attempts).unwrap_or(i32::MAX);
        Self { state, failure, attempts, model, bill: Bill::of(usage, prices) }
    }
}

/// The month's budget does not hold the next question.
pub(crate) const fn spent() -> Error {
    Error::PlanLimit {
        cause: "ai_budget",
        message: "the organisation's AI budget of this month does not hold this; raise it, or wait for the next month",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reservation_holds_all_that_a_question_may_read_and_write() {
        let question = provider::Question {
            model: "m".into(),
            system: "s".repeat(30),
            messages: vec![provider::Message { role: provider::Role::User, text: "ü".repeat(30) }],
            tool: None,
            max_output_tokens: 500,
            temperature: None,
        };
        let asked = Asked {
            generation_id: Uuid::nil(),
            agent_key: "seo-content-writer",
            step: Step::Draft,
            provider_host: "models.example",
        };

        let prices =
            AiPrices { input_micros: 3_000_000, output_micros: 15_000_000, ..AiPrices::default() };
        let held = Reservation::of(&asked, &question, &prices, Duration::ZERO);

        assert_eq!((held.bill.input_tokens, held.bill.output_tokens), (30, 500));
        assert!(held.bill.estimated);
        assert_eq!(held.bill.cost_micros, 30 * 3 + 500 * 15);
    }
}
