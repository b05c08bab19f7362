//! Where a lead stands, and the verbs that move it: the state machine.

use devsphere_auth::PermissionSet;
use serde::Serialize;

/// Where a lead stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub(super) enum State {
    New,
    Contacted,
    Qualified,
    Won,
    Lost,
    Disqualified,
}

/// What can be done to a lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Contact,
    Qualify,
    Win,
    Lose,
    Disqualify,
    Reopen,
    UndoWin,
    Update,
    Assign,
    Delete,
    Undelete,
}

impl State {
    pub(super) const WORDS: [&str; 6] =
        ["new", "contacted", "qualified", "won", "lost", "disqualified"];

    pub(super) const fn word(self) -> &'static str {
        Self::WORDS[self as usize]
    }
}

impl Verb {
    pub(super) const ALL: [Self; 11] = [
        Self::Contact,
        Self::Qualify,
        Self::Win,
        Self::Lose,
        Self::Disqualify,
        Self::Reopen,
        Self::UndoWin,
        Self::Update,
        Self::Assign,
        Self::Delete,
        Self::Undelete,
    ];

    /// The states that the verb starts from, and the one it leads to; none where it moves nothing.
    pub(super) const fn arrow(self) -> Option<(&'static [State], State)> {
        use State::{Contacted, Disqualified, Lost, New, Qualified, Won};

        const OPEN: &[State] = &[New, Contacted, Qualified];
        Some(match self {
            Self::Contact => (&[New], Contacted),
            Self::Qualify => (&[New, Contacted], Qualified),
            Self::Win => (OPEN, Won),
            Self::Lose => (OPEN, Lost),
            Self::Disqualify => (OPEN, Disqualified),
            Self::Reopen => (&[Lost, Disqualified], New),
            Self::UndoWin => (&[Won], Qualified),
            Self::Update | Self::Assign | Self::Delete | Self::Undelete => return None,
        })
    }

    /// The verbs that move a lead on from this state.
    pub(super) fn moving(state: State) -> impl Iterator<Item = Self> {
        let moves = move |verb: &Self| verb.arrow().is_some_and(|(from, _)| from.contains(&state));
        Self::ALL.into_iter().filter(moves)
    }

    /// The verbs that these permissions give.
    pub(super) fn given_by(permissions: &PermissionSet) -> Vec<Self> {
        let given = |verb: &Self| permissions.names().any(|name| name == verb.permission());
        Self::ALL.into_iter().filter(given).collect()
    }

    /// The permission that the contract asks of the verb's method; a test below compares them.
    const fn permission(self) -> &'static str {
        match self {
            Self::Update => "crm.leads.update",
            Self::Assign => "crm.leads.assign",
            Self::Delete | Self::Undelete => "crm.leads.delete",
            _ => "crm.leads.move",
        }
    }

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
            Self::Contact => ("contact", "lead.contacted"),
            Self::Qualify => ("qualify", "lead.qualified"),
            // Two documented names, older than the pattern.
            Self::Win => ("win", "lead_won"),
            Self::Lose => ("lose", "lead_lost"),
            Self::Disqualify => ("disqualify", "lead.disqualified"),
            Self::Reopen => ("reopen", "lead.reopened"),
            Self::UndoWin => ("undo_win", "lead.win_undone"),
            Self::Update => ("update", "lead.updated"),
            Self::Assign => ("assign", "lead.assigned"),
            Self::Delete => ("delete", "lead.trashed"),
            Self::Undelete => ("undelete", "lead.restored"),
        }
    }
}

#[cfg(test)]
mod tests {
    use devsphere_proto::{Access, Contract};

    use super::*;

    /// `undo_win` is the method `UndoWinLead`.
    fn method(verb: Verb) -> String {
        let capital = |part: &str| part[..1].to_uppercase() + &part[1..];
        let name: String = verb.word().split('_').map(capital).collect();
        format!("/devsphere.crm.v1.LeadService/{name}Lead")
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
            assert_eq!(permission.name, verb.permission());
        }
    }
}
