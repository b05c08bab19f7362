//! Whether an agent is on, and the verbs that change it.

use devsphere_auth::PermissionSet;
use serde::Serialize;

/// Whether an agent is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub(super) enum State {
    Active,
    Paused,
}

/// What can be done to an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Update,
    Activate,
    Pause,
    Reset,
}

impl State {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Paused => "paused",
        }
    }
}

impl Verb {
    pub(super) const ALL: [Self; 4] = [Self::Update, Self::Activate, Self::Pause, Self::Reset];

    /// The state that the verb starts from, and the one it leads to; none where it moves nothing.
    pub(super) const fn arrow(self) -> Option<(State, State)> {
        match self {
            Self::Activate => Some((State::Paused, State::Active)),
            Self::Pause => Some((State::Active, State::Paused)),
            Self::Update | Self::Reset => None,
        }
    }

    /// The verbs that move an agent on from this state.
    pub(super) fn moving(state: State) -> impl Iterator<Item = Self> {
        let moves = move |verb: &Self| verb.arrow().is_some_and(|(from, _)| from == state);
        Self::ALL.into_iter().filter(moves)
    }

    /// The verbs that these permissions give.
    pub(super) fn given_by(permissions: &PermissionSet) -> Vec<Self> {
        let given = permissions.names().any(|name| name == Self::PERMISSION);
        Self::ALL.into_iter().filter(|_| given).collect()
    }

    /// The permission that the contract asks of every verb's method; a test below compares them.
    const PERMISSION: &'static str = "administration.agents.update";

    /// As in `allowed_actions`.
    pub(super) const fn word(self) -> &'static str {
        self.names().0
    }

    /// The event that the verb leaves.
    pub(super) const fn event(self) -> &'static str {
        self.names().1
    }

    const fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Update => ("update", "agent.updated"),
            Self::Activate => ("activate", "agent.activated"),
            Self::Pause => ("pause", "agent.paused"),
            Self::Reset => ("reset", "agent.reset"),
        }
    }
}

#[cfg(test)]
mod tests {
    use devsphere_proto::{Access, Contract};

    use super::*;

    /// `pause` is the method `PauseAgent`.
    fn method(verb: Verb) -> String {
        let (first, rest) = verb.word().split_at(1);
        let name = first.to_uppercase() + rest;
        format!("/devsphere.administration.v1.AgentService/{name}Agent")
    }

    #[test]
    fn each_verb_is_a_method_of_the_contract_with_the_same_permission() {
        let contract = Contract::get().unwrap();

        for verb in Verb::ALL {
            let Some(Access::Granted { permission: Some(permission), .. }) =
                contract.method(&method(verb)).map(|method| &method.access)
            else {
                panic!("{} is no method that takes a permission", method(verb))
            };
            assert_eq!(permission.name, Verb::PERMISSION);
        }
    }
}
