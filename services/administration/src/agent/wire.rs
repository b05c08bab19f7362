//! Between the contract's words and the domain's. `admit` has applied the rules of the contract.

use devsphere_auth::Caller;
use devsphere_error::{Error, Result};
use devsphere_ids::{AgentId, NotAnId};
use devsphere_proto::administration::v1 as pb;
use devsphere_rpc::{etag, mask::Mask, time::timestamp};
use uuid::Uuid;

use super::{Agent, Autonomy, Choice, Edit, State, Verb};
use crate::organization;

/// An agent to edit, or to check only.
pub(super) struct Update {
    pub(super) edit: Edit,
    pub(super) validate_only: bool,
}

/// A verb on one agent.
pub(super) struct Step {
    pub(super) agent_id: AgentId,
    pub(super) etag: String,
    pub(super) verb: Verb,
}

/// The agent as this caller is shown it.
pub(super) fn shown(agent: &Agent, caller: &Caller) -> Result<pb::Agent> {
    Ok(message(agent, organization(caller)?, &Verb::given_by(caller.permissions())))
}

/// The agents as this caller is shown them.
pub(super) fn all_shown(agents: &[Agent], caller: &Caller) -> Result<Vec<pb::Agent>> {
    let (organization, verbs) = (organization(caller)?, Verb::given_by(caller.permissions()));
    Ok(agents.iter().map(|agent| message(agent, organization, &verbs)).collect())
}

fn message(agent: &Agent, organization: Uuid, verbs: &[Verb]) -> pb::Agent {
    let (seed, facts) = (agent.seed, agent.facts());
    pb::Agent {
        agent_id: seed.agent_id(organization).to_string(),
        agent_key: seed.key.into(),
        department: seed.department.into(),
        agent_type: seed.agent_type.into(),
        display_name: facts.display_name.into(),
        description: seed.description.into(),
        prompt: facts.prompt.into(),
        model: facts.model.into(),
        temperature: facts.temperature,
        max_output_tokens: facts.max_output_tokens,
        autonomy: pb::Autonomy::from(facts.autonomy).into(),
        state: pb::AgentState::from(facts.state).into(),
        customized: agent.is_customized(),
        update_time: agent.update_time.map(timestamp),
        etag: etag::of(agent.version),
        allowed_actions: agent.allowed_actions(verbs).into_iter().map(Into::into).collect(),
    }
}

impl From<Autonomy> for pb::Autonomy {
    fn from(autonomy: Autonomy) -> Self {
        match autonomy {
            Autonomy::Suggest => Self::Suggest,
            Autonomy::Draft => Self::Draft,
        }
    }
}

impl From<State> for pb::AgentState {
    fn from(state: State) -> Self {
        match state {
            State::Active => Self::Active,
            State::Paused => Self::Paused,
        }
    }
}

/// What a field hears whose text is no id.
pub(super) fn bad(field: &'static str) -> impl FnOnce(NotAnId) -> Error {
    move |problem| Error::field(field, problem.to_string())
}

impl TryFrom<pb::UpdateAgentRequest> for Update {
    type Error = Error;

    fn try_from(request: pb::UpdateAgentRequest) -> Result<Self> {
        let agent = request.agent.unwrap_or_default();
        if agent.agent_id.is_empty() {
            return Err(Error::field("agent.agent_id", "is required"));
        }
        let agent_id = agent.agent_id.parse().map_err(bad("agent.agent_id"))?;
        let choice = Choice {
            autonomy: match agent.autonomy() {
                pb::Autonomy::Unspecified => None,
                pb::Autonomy::Suggest => Some(Autonomy::Suggest),
                pb::Autonomy::Draft => Some(Autonomy::Draft),
            },
            display_name: Some(agent.display_name),
            prompt: Some(agent.prompt),
            model: Some(agent.model),
            temperature: agent.temperature,
            max_output_tokens: agent.max_output_tokens,
        };
        let mask = Mask::new(request.update_mask.as_ref(), Edit::FIELDS)?;
        let edit = Edit { agent_id, etag: agent.etag, mask, choice };
        Ok(Self { edit, validate_only: request.validate_only })
    }
}

macro_rules! steps {
    ($($request:ident => $verb:ident),+ $(,)?) => {$(
        impl TryFrom<pb::$request> for Step {
            type Error = Error;

            fn try_from(request: pb::$request) -> Result<Self> {
                let agent_id = request.agent_id.parse().map_err(bad("agent_id"))?;
                Ok(Self { agent_id, etag: request.etag, verb: Verb::$verb })
            }
        }
    )+};
}

steps! {
    ActivateAgentRequest => Activate,
    PauseAgentRequest => Pause,
    ResetAgentRequest => Reset,
}
