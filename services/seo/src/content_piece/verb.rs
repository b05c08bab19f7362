//! Where a content piece stands, and the verbs that move it: the state machine.

use devsphere_auth::PermissionSet;
use serde::Serialize;

/// Where a piece stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub(super) enum State {
    Brief,
    Generating,
    Draft,
    InReview,
    Approved,
    Rejected,
}

/// What can be done to a piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Update,
    Write,
    Restore,
    Generate,
    Submit,
    Withdraw,
    Approve,
    Reject,
    Delete,
    Undelete,
}

/// How a generation leaves its piece: with a text, or as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Written,
    Failed,
    Cancelled,
}

impl State {
    #[cfg(test)]
    pub(super) const ALL: [Self; 6] = [
        Self::Brief,
        Self::Generating,
        Self::Draft,
        Self::InReview,
        Self::Approved,
        Self::Rejected,
    ];

    pub(super) const WORDS: [&str; 6] =
        ["brief", "generating", "draft", "in_review", "approved", "rejected"];

    pub(super) const fn word(self) -> &'static str {
        Self::WORDS[self as usize]
    }
}

impl Verb {
    pub(super) const ALL: [Self; 10] = [
        Self::Update,
        Self::Write,
        Self::Restore,
        Self::Generate,
        Self::Submit,
        Self::Withdraw,
        Self::Approve,
        Self::Reject,
        Self::Delete,
        Self::Undelete,
    ];

    /// The state that the verb leads to from that one, outside the trash; none where it cannot be used.
    pub(super) fn from(self, state: State) -> Option<State> {
        use State::{Approved, Brief, Draft, Generating, InReview, Rejected};

        let (from, to): (&[State], _) = match self {
            Self::Update => (&[Brief, Draft], None),
            Self::Write | Self::Restore => (&[Brief, Draft, Approved, Rejected], Some(Draft)),
            Self::Generate => (&[Brief, Draft], Some(Generating)),
            Self::Submit => (&[Draft], Some(InReview)),
            Self::Withdraw => (&[InReview], Some(Draft)),
            Self::Approve => (&[InReview], Some(Approved)),
            Self::Reject => (&[InReview], Some(Rejected)),
            Self::Delete => (&[Brief, Draft, Rejected], None),
            Self::Undelete => (&[], None),
        };
        from.contains(&state).then(|| to.unwrap_or(state))
    }

    /// The verbs that can be used in this state.
    pub(super) fn possible(state: State) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |verb| verb.from(state).is_some())
    }

    /// Whether it says yes or no to somebody's work.
    pub(super) const fn is_decision(self) -> bool {
        matches!(self, Self::Approve | Self::Reject)
    }

    /// The verbs that these permissions give.
    pub(super) fn given_by(permissions: &PermissionSet) -> Vec<Self> {
        let given = |verb: &Self| permissions.names().any(|name| name == verb.permission());
        Self::ALL.into_iter().filter(given).collect()
    }

    /// The permission that the contract asks of the verb's method; a test below compares them.
    const fn permission(self) -> &'static str {
        match self {
            Self::Update | Self::Write | Self::Restore => "seo.contentPieces.update",
            Self::Generate => "seo.contentPieces.generate",
            Self::Submit | Self::Withdraw => "seo.contentPieces.submit",
            Self::Approve | Self::Reject => super::DECIDE,
            Self::Delete | Self::Undelete => "seo.contentPieces.delete",
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
            Self::Update => ("update", "content_piece.updated"),
            Self::Write => ("write", "content_piece.written"),
            Self::Restore => ("restore", "content_piece.text_restored"),
            Self::Generate => ("generate", "content_piece.generation_started"),
            Self::Submit => ("submit", "content_piece.submitted"),
            Self::Withdraw => ("withdraw", "content_piece.withdrawn"),
            Self::Approve => ("approve", "content_piece.approved"),
            Self::Reject => ("reject", "content_piece.rejected"),
            Self::Delete => ("delete", "content_piece.trashed"),
            Self::Undelete => ("undelete", "content_piece.restored"),
        }
    }
}

impl Outcome {
    /// The state that a piece with so many versions is left in; only one at work is left.
    pub(super) fn from(self, state: State, versions: i32) -> Option<State> {
        let to = match self {
            Self::Written => State::Draft,
            Self::Failed | Self::Cancelled if versions > 0 => State::Draft,
            Self::Failed | Self::Cancelled => State::Brief,
        };
        (state == State::Generating).then_some(to)
    }

    /// The event that it leaves.
    pub(super) const fn event(self) -> &'static str {
        match self {
            Self::Written => "content_piece.generated",
            Self::Failed => "content_piece.generation_failed",
            Self::Cancelled => "content_piece.generation_cancelled",
        }
    }
}

#[cfg(test)]
mod tests {
    use devsphere_proto::{Access, Contract};

    use super::*;

    /// `write` and `restore` are of the content, the others of the piece; what an agent does has a
    /// service of its own.
    fn method(verb: Verb) -> String {
        if verb == Verb::Generate {
            return "/devsphere.seo.v1.GenerationService/GenerateDraft".into();
        }
        let name = verb.word()[..1].to_uppercase() + &verb.word()[1..];
        let of =
            if matches!(verb, Verb::Write | Verb::Restore) { "Content" } else { "ContentPiece" };
        format!("/devsphere.seo.v1.ContentPieceService/{name}{of}")
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
    #[test]
    fn a_generation_leaves_a_piece_with_a_text_or_as_it_was() {
        let left = |outcome: Outcome, versions| {
            let to = State::ALL.map(|state| outcome.from(state, versions).map_or("-", State::word));
            to.join(" ")
        };

        for versions in [0, 1] {
            assert_eq!(left(Outcome::Written, versions), "- draft - - - -");
        }
        for outcome in [Outcome::Failed, Outcome::Cancelled] {
            assert_eq!(left(outcome, 0), "- brief - - - -");
            assert_eq!(left(outcome, 1), "- draft - - - -");
        }
    }
}
