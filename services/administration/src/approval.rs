//! What waits for a decision, and who sees and decides it. The record behind a question is another
//! module's, and so is the decision.

mod list;
mod owner;
mod rpc;
mod store;
mod wire;

use chrono::{DateTime, Utc};
use devsphere_auth::{Caller, Kind};
use devsphere_error::{Error, Result};
use devsphere_ids::{ApprovalId, PersonId};
use uuid::Uuid;

pub(crate) use rpc::Approvals;

/// The permission that the contract asks of both verbs' methods; a test below compares them.
const DECIDE: &str = "administration.approvals.decide";

/// A question whether one version of a record may go ahead.
#[derive(Debug, Clone, sqlx::FromRow)]
struct Approval {
    approval_id: ApprovalId,
    noun: String,
    record_id: Uuid,
    record_version: i64,
    title: String,
    permission: String,
    asked_by: PersonId,
    barred: Vec<PersonId>,
    required: bool,
    state: State,
    decided_by: Option<PersonId>,
    note: String,
    create_time: DateTime<Utc>,
    decide_time: Option<DateTime<Utc>>,
}

/// Where a question stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
enum State {
    Pending,
    Approved,
    Rejected,
    Cancelled,
    Superseded,
}

/// How a question is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Approve,
    Reject,
}

/// An answer to a question.
#[derive(Debug)]
struct Decision {
    approval_id: ApprovalId,
    verb: Verb,
    note: String,
}

/// Which questions a list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    /// Those that wait for the caller.
    Waiting,
    /// Those that the caller asked.
    Mine,
    /// All that the caller may see.
    All,
}

/// Who looks: what of a caller says which questions they see.
#[derive(Debug)]
struct Viewer {
    id: Uuid,
    /// What they hold of the permissions that deciders need.
    deciding: Vec<&'static str>,
    /// A person who may use the verbs at all; keys and jobs decide nothing.
    may_decide: bool,
}

impl State {
    const WORDS: [&str; 5] = ["pending", "approved", "rejected", "cancelled", "superseded"];
}

impl Verb {
    const ALL: [Self; 2] = [Self::Approve, Self::Reject];

    /// As in `allowed_actions`.
    const fn word(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Reject => "reject",
        }
    }

    /// What the name of the owner's method begins with.
    const fn prefix(self) -> &'static str {
        match self {
            Self::Approve => "Approve",
            Self::Reject => "Reject",
        }
    }

    /// Where it leads.
    const fn to(self) -> State {
        match self {
            Self::Approve => State::Approved,
            Self::Reject => State::Rejected,
        }
    }
}

impl Viewer {
    fn of(caller: &Caller, deciding: Vec<&'static str>) -> Self {
        let holds = caller.permissions().names().any(|name| name == DECIDE);
        Self { id: caller.id(), deciding, may_decide: holds && caller.kind() == Kind::User }
    }
}

impl Approval {
    /// Whether they see it: who asked, and who has what a decider needs unless it is their own work.
    fn is_shown_to(&self, viewer: &Viewer) -> bool {
        self.asked_by.uuid() == viewer.id || self.is_for(viewer)
    }

    fn is_for(&self, viewer: &Viewer) -> bool {
        let holds = viewer.deciding.contains(&self.permission.as_str());
        holds && !self.barred.contains(&viewer.id.into())
    }

    /// What they can do with it now.
    fn allowed_actions(&self, viewer: &Viewer) -> &'static [Verb] {
        let now = self.state == State::Pending && viewer.may_decide && self.is_for(viewer);
        if now { &Verb::ALL } else { &[] }
    }

    /// Whether these are their words already: then the owner knows the request, or nobody does.
    fn is_decided_by(&self, viewer: &Viewer, verb: Verb) -> bool {
        self.state == verb.to() && self.decided_by == Some(viewer.id.into())
    }
}

/// There is nothing left to decide.
const fn decided() -> Error {
    Error::InvalidState {
        cause: "decided",
        message: "it is decided already, or its record has changed",
    }
}

/// The question, unless it is none of theirs; then there is none.
fn shown(approval: Approval, viewer: &Viewer) -> Result<Approval> {
    if approval.is_shown_to(viewer) { Ok(approval) } else { Err(Error::NotFound("approval")) }
}

#[cfg(test)]
mod tests {
    use devsphere_proto::{Access, Contract};

    use super::*;

    const PERMISSION: &str = "seo.contentPieces.decide";

    fn approval(state: State) -> Approval {
        let asked_by = PersonId::fresh();
        Approval {
            approval_id: ApprovalId::fresh(),
            noun: "content_piece".into(),
            record_id: Uuid::nil(),
            record_version: 3,
            title: "Accessible web design".into(),
            permission: PERMISSION.into(),
            asked_by,
            barred: vec![asked_by, PersonId::fresh()],
            required: true,
            state,
            decided_by: None,
            note: String::new(),
            create_time: DateTime::UNIX_EPOCH,
            decide_time: None,
        }
    }

    fn viewer(id: PersonId, deciding: &[&'static str]) -> Viewer {
        Viewer { id: id.uuid(), deciding: deciding.to_vec(), may_decide: true }
    }

    #[test]
    fn who_asked_sees_it_and_who_could_decide_unless_it_is_their_work() {
        let approval = approval(State::Pending);
        let (asker, other, author) = (approval.asked_by, PersonId::fresh(), approval.barred[1]);
        let sees = |viewer: &Viewer| {
            (approval.is_shown_to(viewer), !approval.allowed_actions(viewer).is_empty())
        };

        assert_eq!(sees(&viewer(other, &[PERMISSION])), (true, true));
        assert_eq!(sees(&viewer(other, &[])), (false, false));
        assert_eq!(sees(&viewer(author, &[PERMISSION])), (false, false));
        assert_eq!(sees(&viewer(asker, &[PERMISSION])), (true, false));
        let key = Viewer { may_decide: false, ..viewer(other, &[PERMISSION]) };
        assert_eq!(sees(&key), (true, false));
    }

    #[test]
    fn only_what_waits_is_decided() {
        let decider = viewer(PersonId::fresh(), &[PERMISSION]);

        for state in [State::Approved, State::Rejected, State::Cancelled, State::Superseded] {
            let approval = approval(state);
            assert!(approval.is_shown_to(&decider));
            assert!(approval.allowed_actions(&decider).is_empty());
        }
    }

    #[test]
    fn each_verb_is_a_method_of_the_contract_with_the_same_permission() {
        let contract = Contract::get().unwrap();

        for verb in Verb::ALL {
            let path =
                format!("/devsphere.administration.v1.ApprovalService/{}Approval", verb.prefix());
            let Some(Access::Granted { permission: Some(permission), .. }) =
                contract.method(&path).map(|method| &method.access)
            else {
                panic!("{path} is no method that takes a permission")
            };
            assert_eq!(permission.name, DECIDE);
        }
    }
}
