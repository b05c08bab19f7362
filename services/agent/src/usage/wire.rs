//! Between the domain's words and the contract's.

use devsphere_proto::r#type::v1 as pb;
use devsphere_rpc::time::timestamp;

use super::{State, Step, Usage};

impl From<Usage> for pb::AiUsage {
    fn from(usage: Usage) -> Self {
        Self {
            usage_id: usage.usage_id.to_string(),
            generation_id: usage.generation_id.to_string(),
            agent_key: usage.agent_key,
            step: pb::AiStep::from(usage.step).into(),
            person_id: usage.person_id.to_string(),
            provider_host: usage.provider_host,
            model: usage.model,
            state: pb::AiUsageState::from(usage.state).into(),
            failure: usage.failure,
            attempts: usage.attempts,
            input_tokens: usage.input_tokens,
            output_tokens: usage.output_tokens,
            cache_read_tokens: usage.cache_read_tokens,
            cache_write_tokens: usage.cache_write_tokens,
            estimated: usage.estimated,
            cost_micros: usage.cost_micros,
            currency_code: usage.currency_code,
            create_time: Some(timestamp(usage.create_time)),
            end_time: usage.end_time.map(timestamp),
        }
    }
}

impl From<Step> for pb::AiStep {
    fn from(step: Step) -> Self {
        match step {
            Step::Outline => Self::Outline,
            Step::Draft => Self::Draft,
            Step::Repair => Self::Repair,
            Step::Check => Self::Check,
            Step::Probe => Self::Probe,
        }
    }
}

impl From<State> for pb::AiUsageState {
    fn from(state: State) -> Self {
        match state {
            State::Running => Self::Running,
            State::Succeeded => Self::Succeeded,
            State::Failed => Self::Failed,
            State::Cancelled => Self::Cancelled,
            State::Lost => Self::Lost,
        }
    }
}
