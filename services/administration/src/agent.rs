//! An organisation's AI agents: how each is told to work, how far it may go, and what may change.

mod rpc;
mod seed;
mod store;
mod verb;
mod wire;

use chrono::{DateTime, Utc};
use devsphere_error::{Error, Result};
use devsphere_ids::AgentId;
use devsphere_rpc::{etag, mask::Mask};
use serde::Serialize;

pub(crate) use rpc::Agents;
use seed::Seed;
use verb::{State, Verb};

/// One agent as the organisation has it.
#[derive(Debug, Clone, PartialEq)]
struct Agent {
    seed: &'static Seed,
    choice: Choice,
    state: State,
    /// None as long as nobody changed anything.
    update_time: Option<DateTime<Utc>>,
    version: i64,
}

/// What the organisation chose instead of what is delivered; none is as delivered.
#[derive(Debug, Clone, Default, PartialEq)]
struct Choice {
    display_name: Option<String>,
    prompt: Option<String>,
    model: Option<String>,
    temperature: Option<f64>,
    max_output_tokens: Option<i32>,
    autonomy: Option<Autonomy>,
}

/// How far an agent may go. No level takes a person's approval away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
enum Autonomy {
    Suggest,
    Draft,
}

/// What events and audit show: a flat object, so that each field has its own before and after.
#[derive(Debug, Serialize)]
struct Facts<'a> {
    display_name: &'a str,
    prompt: &'a str,
    model: &'a str,
    temperature: Option<f64>,
    max_output_tokens: Option<i32>,
    autonomy: Autonomy,
    state: State,
}

/// What an update writes, over which version.
#[derive(Debug)]
struct Edit {
    agent_id: AgentId,
    etag: String,
    mask: Mask,
    choice: Choice,
}

impl Agent {
    /// The agent that nobody touched yet.
    fn delivered(seed: &'static Seed) -> Self {
        let (choice, state) = (Choice::default(), State::Active);
        Self { seed, choice, state, update_time: None, version: 0 }
    }

    fn facts(&self) -> Facts<'_> {
        let Self { seed, choice, state, .. } = self;
        Facts {
            display_name: choice.display_name.as_deref().unwrap_or(seed.display_name),
            prompt: choice.prompt.as_deref().unwrap_or(seed.prompt),
            model: choice.model.as_deref().unwrap_or_default(),
            temperature: choice.temperature,
            max_output_tokens: choice.max_output_tokens,
            autonomy: choice.autonomy.unwrap_or(seed.autonomy),
            state: *state,
        }
    }

    fn is_customized(&self) -> bool {
        self.choice != Choice::default()
    }

    /// The agent after the verb, or why it cannot be used on what the caller read.
    fn after(&self, verb: Verb, etag: &str) -> Result<Self> {
        etag::check(etag, self.version)?;
        if verb == Verb::Reset && !self.is_customized() {
            let message = "the agent is as it is delivered";
            return Err(Error::InvalidState { cause: "not_customized", message });
        }
        let mut agent = self.clone();
        match verb.arrow() {
            Some((from, to)) if from == self.state => agent.state = to,
            Some(_) => {
                return Err(Error::BadTransition {
                    state: self.state.word(),
                    verb: verb.word(),
                    allowed: Verb::moving(self.state).map(Verb::word).collect(),
                });
            }
            None if verb == Verb::Reset => agent.choice = Choice::default(),
            None => {}
        }
        Ok(agent)
    }

    /// Those of the verbs that can be used on it now.
    fn allowed_actions(&self, verbs: &[Verb]) -> Vec<&'static str> {
        let now = verbs.iter().filter(|verb| self.after(**verb, "").is_ok());
        now.map(|verb| verb.word()).collect()
    }
}

impl Choice {
    /// Without what is no choice: what says nothing, or just what is delivered.
    fn beside(self, seed: &Seed) -> Self {
        let other = |text: Option<String>, delivered: &str| {
            text.filter(|text| !text.is_empty() && text != delivered)
        };
        Self {
            display_name: other(self.display_name, seed.display_name),
            prompt: other(self.prompt, seed.prompt),
            model: other(self.model, ""),
            autonomy: self.autonomy.filter(|autonomy| *autonomy != seed.autonomy),
            ..self
        }
    }
}

macro_rules! editable {
    ($($field:ident),+) => {
        impl Edit {
            const FIELDS: &[&str] = &[$(stringify!($field)),+];

            /// The agent as it would be.
            fn apply(self, agent: &Agent) -> Result<Agent> {
                let mut edited = agent.after(Verb::Update, &self.etag)?;
                $(if self.mask.has(stringify!($field)) {
                    edited.choice.$field = self.choice.$field;
                })+
                edited.choice = edited.choice.beside(agent.seed);
                Ok(edited)
            }
        }
    };
}

editable!(display_name, prompt, model, temperature, max_output_tokens, autonomy);

#[cfg(test)]
mod tests {
    use devsphere_auth::PermissionSet;
    use prost_types::FieldMask;

    use super::*;

    fn writer() -> Agent {
        let key = "seo-content-writer";
        Agent::delivered(seed::SEEDS.iter().find(|seed| seed.key == key).unwrap())
    }

    fn chosen() -> Choice {
        Choice {
            display_name: Some("Northwind writer".into()),
            prompt: Some("You write about gardens.".into()),
            model: Some("qwen2.5:7b".into()),
            temperature: Some(0.0),
            max_output_tokens: Some(4_000),
            autonomy: Some(Autonomy::Suggest),
        }
    }

    fn edit(paths: &[&str], choice: Choice) -> Edit {
        let paths = paths.iter().map(|path| (*path).into()).collect();
        let mask = Mask::new(Some(&FieldMask { paths }), Edit::FIELDS).unwrap();
        Edit { agent_id: AgentId::fresh(), etag: String::new(), mask, choice }
    }

    #[test]
    fn an_edit_changes_what_its_mask_names() {
        let one = edit(&["prompt"], chosen()).apply(&writer()).unwrap();
        let all = edit(&["*"], chosen()).apply(&writer()).unwrap();

        let prompt_only = Choice { prompt: chosen().prompt, ..Choice::default() };
        assert_eq!((one.choice, all.choice), (prompt_only, chosen()));
    }

    #[test]
    fn what_is_cleared_or_equals_what_is_delivered_is_no_choice() {
        let custom = Agent { choice: chosen(), ..writer() };
        let same = Choice {
            display_name: Some(custom.seed.display_name.into()),
            prompt: Some(custom.seed.prompt.into()),
            model: Some(String::new()),
            autonomy: Some(custom.seed.autonomy),
            ..Choice::default()
        };

        for choice in [Choice::default(), same] {
            assert_eq!(edit(&["*"], choice).apply(&custom).unwrap(), writer());
        }
    }

    #[test]
    fn each_verb_leads_from_its_state_to_the_other() {
        let active = writer();
        let paused = active.after(Verb::Pause, "W0").unwrap();

        assert_eq!(paused, Agent { state: State::Paused, ..active.clone() });
        assert_eq!(paused.after(Verb::Activate, "").unwrap(), active);
        for (agent, verb, state, allowed) in [
            (&active, Verb::Activate, "active", "pause"),
            (&paused, Verb::Pause, "paused", "activate"),
        ] {
            let refused = agent.after(verb, "");
            assert!(
                matches!(&refused, Err(Error::BadTransition { state: of, verb: tried, allowed: other })
                    if *of == state && *tried == verb.word() && *other == [allowed]),
                "{refused:?}"
            );
        }
    }

    #[test]
    fn a_reset_takes_back_what_was_chosen_and_leaves_the_state() {
        let custom = Agent { choice: chosen(), state: State::Paused, ..writer() };

        let reset = custom.after(Verb::Reset, "").unwrap();

        assert_eq!(reset, Agent { state: State::Paused, ..writer() });
        let again = reset.after(Verb::Reset, "");
        assert!(matches!(again, Err(Error::InvalidState { cause: "not_customized", .. })));
    }

    #[test]
    fn a_stale_etag_is_heard_of_before_the_state() {
        for verb in Verb::ALL {
            let stale = writer().after(verb, "W7");
            assert!(matches!(stale, Err(Error::Conflict { etag: Some(etag) }) if etag == "W0"));
        }
    }

    #[test]
    fn the_allowed_actions_are_what_state_and_permissions_both_allow() {
        let allowed = |agent: &Agent, permissions: &[&str]| {
            let verbs = Verb::given_by(&PermissionSet::matching(permissions));
            agent.allowed_actions(&verbs).join(" ")
        };
        let custom = Agent { choice: chosen(), state: State::Paused, ..writer() };

        assert_eq!(allowed(&writer(), &["administration.*"]), "update pause");
        assert_eq!(allowed(&custom, &["administration.*"]), "update activate reset");
        assert_eq!(allowed(&custom, &["administration.agents.read"]), "");
    }

    #[test]
    fn each_field_stands_by_its_path_in_the_audit() {
        let shown = serde_json::to_value(writer().facts()).unwrap();
        let mut shown: Vec<_> = shown.as_object().unwrap().keys().collect();
        let mut paths = [Edit::FIELDS, &["state"]].concat();
        shown.sort();
        paths.sort_unstable();

        assert_eq!(shown, paths);
    }
}
