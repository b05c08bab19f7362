//! What a lead is and which changes are legal.

mod csv;
mod list;
mod rpc;
mod store;
mod verb;
mod wire;

use chrono::{DateTime, Utc};
use devsphere_auth::{Caller, Kind};
use devsphere_error::{Error, Result};
use devsphere_ids::{LeadId, PersonId};
use devsphere_rpc::{editable, etag, mask::Mask};
use serde::Serialize;

use crate::money::Money;
pub(crate) use rpc::Leads;
use verb::{State, Verb};

/// A person or a company that may become a client. Its JSON is what events and audit show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
struct Lead {
    lead_id: LeadId,
    display_name: String,
    company: String,
    job_title: String,
    email: String,
    phone: String,
    website: String,
    source: String,
    value: Option<Money>,
    tags: Vec<String>,
    note: String,
    owner_id: Option<PersonId>,
    /// Who gave it to its owner, or took it from them; still sees it.
    assigned_by: Option<PersonId>,
    state: State,
    /// Why it was lost or disqualified; empty in every other state.
    reason: String,
    create_time: DateTime<Utc>,
    #[serde(skip)]
    update_time: DateTime<Utc>,
    state_time: DateTime<Utc>,
    delete_time: Option<DateTime<Utc>>,
    #[serde(skip)]
    version: i64,
}

/// A lead to be: checked input. Its JSON is what the store inserts.
#[derive(Debug, Serialize)]
struct Draft {
    lead_id: LeadId,
    owner_id: Option<PersonId>,
    assigned_by: Option<PersonId>,
    #[serde(flatten)]
    content: Content,
}

/// What people write into a lead.
#[derive(Debug, Serialize)]
struct Content {
    display_name: String,
    company: String,
    job_title: String,
    email: String,
    phone: String,
    website: String,
    source: String,
    value: Option<Money>,
    tags: Vec<String>,
    note: String,
}

/// What an update writes, over which version.
#[derive(Debug)]
struct Edit {
    lead_id: LeadId,
    etag: String,
    mask: Mask,
    content: Content,
}

impl Lead {
    /// The state after the verb, or why it cannot be used on what the caller read.
    fn after(&self, verb: Verb, etag: &str) -> Result<State> {
        etag::check(etag, self.version)?;
        let refused = |cause, message| Err(Error::InvalidState { cause, message });
        match (verb, self.delete_time) {
            (Verb::Undelete, None) => {
                return refused("not_trashed", "the lead is not in the trash");
            }
            (Verb::Undelete, Some(_)) | (_, None) => {}
            (_, Some(_)) => return refused("trashed", "the lead is in the trash"),
        }
        match verb.arrow() {
            None => Ok(self.state),
            Some((from, to)) if from.contains(&self.state) => Ok(to),
            Some(_) => Err(Error::BadTransition {
                state: self.state.word(),
                verb: verb.word(),
                allowed: Verb::moving(self.state).map(Verb::word).collect(),
            }),
        }
    }

    /// Those of the verbs that can be used on it now.
    fn allowed_actions(&self, verbs: &[Verb]) -> Vec<&'static str> {
        let now = verbs.iter().filter(|verb| self.after(**verb, "").is_ok());
        now.map(|verb| verb.word()).collect()
    }

    /// Whether giving it to that owner would change nothing.
    fn is_given(&self, owner_id: Option<PersonId>, by: PersonId) -> bool {
        self.owner_id == owner_id && self.assigned_by == Some(by)
    }
}

impl Draft {
    /// Settles whose it is: the caller's where nobody is named, handed over where another is.
    fn created_by(mut self, caller: &Caller) -> Self {
        let me = PersonId::from(caller.id());
        match self.owner_id {
            None if caller.kind() == Kind::User => self.owner_id = Some(me),
            Some(owner) if owner != me => self.assigned_by = Some(me),
            _ => {}
        }
        self
    }
}

impl Edit {
    /// The lead as it would be.
    fn apply(self, lead: &Lead) -> Result<Lead> {
        lead.after(Verb::Update, &self.etag)?;
        let mut edited = lead.clone();
        self.content.write(&self.mask, &mut edited);
        if edited.display_name.is_empty() && edited.company.is_empty() {
            return Err(Error::field("lead", "display_name or company is required"));
        }
        Ok(edited)
    }
}

editable!(
    Content => Lead: display_name, company, job_title, email, phone, website, source, value, tags, note,
);

#[cfg(test)]
mod tests {
    use devsphere_auth::PermissionSet;

    use super::*;

    const STATES: [State; 6] = [
        State::New,
        State::Contacted,
        State::Qualified,
        State::Won,
        State::Lost,
        State::Disqualified,
    ];

    fn lead(state: State) -> Lead {
        let at = DateTime::UNIX_EPOCH;
        Lead {
            lead_id: LeadId::fresh(),
            display_name: "Maria Lindqvist".into(),
            company: String::new(),
            job_title: String::new(),
            email: String::new(),
            phone: String::new(),
            website: String::new(),
            source: String::new(),
            value: None,
            tags: Vec::new(),
            note: String::new(),
            owner_id: None,
            assigned_by: None,
            state,
            reason: String::new(),
            create_time: at,
            update_time: at,
            state_time: at,
            delete_time: None,
            version: 1,
        }
    }

    fn trashed(state: State) -> Lead {
        Lead { delete_time: Some(DateTime::UNIX_EPOCH), ..lead(state) }
    }

    fn cause(refused: Result<State>) -> &'static str {
        match refused {
            Err(Error::InvalidState { cause, .. }) => cause,
            other => panic!("not refused for its state: {other:?}"),
        }
    }

    #[test]
    fn each_verb_leads_from_its_states_to_one() {
        let reached = |verb: Verb| {
            let reached = STATES.map(|state| lead(state).after(verb, "").map_or("-", State::word));
            format!("{}: {}", verb.word(), reached.join(" "))
        };

        assert_eq!(
            Verb::ALL.map(reached),
            [
                "contact: contacted - - - - -",
                "qualify: qualified qualified - - - -",
                "win: won won won - - -",
                "lose: lost lost lost - - -",
                "disqualify: disqualified disqualified disqualified - - -",
                "reopen: - - - - new new",
                "undo_win: - - - qualified - -",
                "update: new contacted qualified won lost disqualified",
                "assign: new contacted qualified won lost disqualified",
                "delete: new contacted qualified won lost disqualified",
                "undelete: - - - - - -",
            ]
        );
    }

    #[test]
    fn a_refused_verb_hears_the_state_and_what_it_allows() {
        let Err(Error::BadTransition { state, verb, allowed }) =
            lead(State::Contacted).after(Verb::Contact, "")
        else {
            panic!("contacted twice")
        };

        assert_eq!((state, verb), ("contacted", "contact"));
        assert_eq!(allowed, ["qualify", "win", "lose", "disqualify"]);
    }

    #[test]
    fn the_trash_gives_back_and_nothing_else() {
        for state in STATES {
            for verb in Verb::ALL.into_iter().filter(|verb| *verb != Verb::Undelete) {
                assert_eq!(cause(trashed(state).after(verb, "")), "trashed");
            }
            assert_eq!(cause(lead(state).after(Verb::Undelete, "")), "not_trashed");
            assert_eq!(trashed(state).after(Verb::Undelete, "").ok(), Some(state));
        }
    }

    #[test]
    fn a_stale_etag_is_heard_of_before_the_state() {
        let stale = trashed(State::Won).after(Verb::Contact, "W7");

        assert!(matches!(stale, Err(Error::Conflict { etag: Some(etag) }) if etag == "W1"));
    }

    #[test]
    fn the_allowed_actions_are_what_state_and_permissions_both_allow() {
        let allowed = |lead: Lead, permissions: &[&str]| {
            let verbs = Verb::given_by(&PermissionSet::matching(permissions));
            lead.allowed_actions(&verbs).join(" ")
        };

        assert_eq!(
            STATES.map(|state| allowed(lead(state), &["crm.*"])),
            [
                "contact qualify win lose disqualify update assign delete",
                "qualify win lose disqualify update assign delete",
                "win lose disqualify update assign delete",
                "undo_win update assign delete",
                "reopen update assign delete",
                "reopen update assign delete",
            ]
        );
        assert_eq!(allowed(lead(State::Won), &["crm.leads.move"]), "undo_win");
        assert_eq!(allowed(lead(State::New), &["crm.all", "crm.leads.read"]), "");
        assert_eq!(allowed(trashed(State::New), &["crm.*"]), "undelete");
    }
}
