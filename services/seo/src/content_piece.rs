//! What a content piece is and which changes are legal.

mod checks;
mod generate;
mod list;
mod rpc;
mod store;
mod text;
mod verb;
mod version;
mod wire;

use chrono::{DateTime, Utc};
use devsphere_auth::{Caller, Kind as Principal};
use devsphere_error::{Error, Result};
use devsphere_ids::{ContentPieceId, KeywordId, PersonId, SiteId};
use devsphere_proto::{AsJson, r#type::v1::Brief};
use devsphere_rpc::{editable, etag, mask::Mask};
use serde::Serialize;
use sqlx::types::Json;

pub(crate) use generate::{Text, exists, give_back, take, write};
pub(crate) use rpc::ContentPieces;
pub(crate) use verb::Outcome;
use verb::{State, Verb};
pub(crate) use wire::shown;

/// What a decider needs; a row of the approvals names it.
const DECIDE: &str = "seo.contentPieces.decide";

/// A text on its way to a site. Its JSON is what events and audit show; the text itself lies in
/// versions, which never change.
#[derive(Debug, Clone, PartialEq, Serialize, sqlx::FromRow)]
pub(crate) struct ContentPiece {
    content_piece_id: ContentPieceId,
    site_id: SiteId,
    title: String,
    kind: Kind,
    keyword_ids: Vec<KeywordId>,
    /// None in lists, which leave it out.
    brief: Option<Json<AsJson<Brief>>>,
    state: State,
    /// The newest version of the text; 0 before there is one.
    version_number: i32,
    score: Option<i32>,
    edited_by: Option<PersonId>,
    submitted_by: Option<PersonId>,
    decided_by: Option<PersonId>,
    decision_note: String,
    generation_failure: String,
    create_time: DateTime<Utc>,
    #[serde(skip)]
    update_time: DateTime<Utc>,
    state_time: DateTime<Utc>,
    delete_time: Option<DateTime<Utc>>,
    #[serde(skip)]
    version: i64,
}

/// What kind of page it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
enum Kind {
    Article,
    LandingPage,
    ProductPage,
    Guide,
}

/// A piece to be: checked input.
#[derive(Debug)]
struct Draft {
    content_piece_id: ContentPieceId,
    site_id: SiteId,
    plan: Plan,
}

/// What people say of a piece before there is a text.
#[derive(Debug)]
struct Plan {
    title: String,
    kind: Kind,
    keyword_ids: Vec<KeywordId>,
    brief: Option<Json<AsJson<Brief>>>,
}

/// What an update writes, over which version.
#[derive(Debug)]
struct Edit {
    content_piece_id: ContentPieceId,
    etag: String,
    mask: Mask,
    plan: Plan,
}

impl Kind {
    const WORDS: [&str; 4] = ["article", "landing_page", "product_page", "guide"];

    const fn word(self) -> &'static str {
        Self::WORDS[self as usize]
    }
}

impl ContentPiece {
    /// The state after the verb, or why it cannot be used on what the caller read.
    fn after(&self, verb: Verb, etag: &str) -> Result<State> {
        etag::check(etag, self.version)?;
        let refused = |cause, message| Err(Error::InvalidState { cause, message });
        match (verb, self.delete_time) {
            (Verb::Undelete, None) => {
                return refused("not_trashed", "the content piece is not in the trash");
            }
            (Verb::Undelete, Some(_)) => return Ok(self.state),
            (_, Some(_)) => return refused("trashed", "the content piece is in the trash"),
            (_, None) => {}
        }
        let possible =
            verb.from(self.state).filter(|_| verb != Verb::Restore || self.version_number > 0);
        possible.ok_or_else(|| Error::BadTransition {
            state: self.state.word(),
            verb: verb.word(),
            allowed: Verb::possible(self.state).map(Verb::word).collect(),
        })
    }

    /// What its writer is told; empty in lists, which leave it out.
    fn brief(&self) -> Brief {
        self.brief.as_ref().map(|brief| brief.0.0.clone()).unwrap_or_default()
    }

    /// Refuses to have a text written about nothing.
    fn need_topic(&self) -> Result<()> {
        if self.brief().topic.trim().is_empty() && self.title.trim().is_empty() {
            let message = "neither the brief nor the title says what it is about";
            return Err(Error::InvalidState { cause: "no_topic", message });
        }
        Ok(())
    }

    /// Those who do not decide on it: whoever submitted it, and whoever wrote it last.
    fn barred(&self) -> Vec<PersonId> {
        self.submitted_by.into_iter().chain(self.edited_by).collect()
    }

    /// Refuses whoever would decide on their own work. A person decides, and nothing else.
    fn decidable_by(&self, caller: &Caller) -> Result<()> {
        if caller.kind() != Principal::User {
            return Err(Error::Forbidden(DECIDE));
        }
        if self.barred().contains(&PersonId::from(caller.id())) {
            return Err(Error::own_work());
        }
        Ok(())
    }

    /// Those of the verbs that this caller can use on it now.
    fn allowed_actions(&self, verbs: &[Verb], caller: &Caller) -> Vec<&'static str> {
        let decides = self.decidable_by(caller).is_ok();
        let makes_sense = |verb: Verb| match verb {
            Verb::Approve | Verb::Reject => decides,
            Verb::Restore => self.version_number > 1,
            _ => true,
        };
        let possible = |verb: &&Verb| self.after(**verb, "").is_ok() && makes_sense(**verb);
        let now = verbs.iter().filter(possible);
        now.map(|verb| verb.word()).collect()
    }
}

impl Edit {
    /// The piece as it would be.
    fn apply(self, piece: &ContentPiece) -> Result<ContentPiece> {
        piece.after(Verb::Update, &self.etag)?;
        let mut edited = piece.clone();
        self.plan.write(&self.mask, &mut edited);
        if edited.title.is_empty() {
            return Err(Error::field("content_piece.title", "is required"));
        }
        Ok(edited)
    }
}

editable!(Plan => ContentPiece: title, kind, keyword_ids, brief);

#[cfg(test)]
mod tests {
    use devsphere_auth::PermissionSet;

    use super::*;

    fn piece(state: State) -> ContentPiece {
        let at = DateTime::UNIX_EPOCH;
        ContentPiece {
            content_piece_id: ContentPieceId::fresh(),
            site_id: SiteId::fresh(),
            title: "Accessible web design".into(),
            kind: Kind::Article,
            keyword_ids: Vec::new(),
            brief: None,
            state,
            version_number: 1,
            score: None,
            edited_by: None,
            submitted_by: None,
            decided_by: None,
            decision_note: String::new(),
            generation_failure: String::new(),
            create_time: at,
            update_time: at,
            state_time: at,
            delete_time: None,
            version: 1,
        }
    }

    #[test]
    fn each_verb_leads_from_its_states_to_one() {
        let reached = |verb: Verb| {
            let to = State::ALL.map(|state| piece(state).after(verb, "").map_or("-", State::word));
            format!("{}: {}", verb.word(), to.join(" "))
        };

        assert_eq!(
            Verb::ALL.map(reached),
            [
                "update: brief - draft - - -",
                "write: draft - draft - draft draft",
                "restore: draft - draft - draft draft",
                "generate: generating - generating - - -",
                "submit: - - in_review - - -",
                "withdraw: - - - draft - -",
                "approve: - - - approved - -",
                "reject: - - - rejected - -",
                "delete: brief - draft - - rejected",
                "undelete: - - - - - -",
            ]
        );
    }

    #[test]
    fn a_refused_verb_hears_the_state_and_what_it_allows() {
        let Err(Error::BadTransition { state, verb, allowed }) =
            piece(State::Brief).after(Verb::Submit, "")
        else {
            panic!("submitted without a text")
        };

        assert_eq!((state, verb), ("brief", "submit"));
        assert_eq!(allowed, ["update", "write", "restore", "generate", "delete"]);
    }

    #[test]
    fn the_trash_gives_back_and_nothing_else() {
        for state in State::ALL {
            let trashed = ContentPiece { delete_time: Some(DateTime::UNIX_EPOCH), ..piece(state) };
            for verb in Verb::ALL.into_iter().filter(|verb| *verb != Verb::Undelete) {
                let refused = trashed.after(verb, "");
                assert!(matches!(refused, Err(Error::InvalidState { cause: "trashed", .. })));
            }
            assert_eq!(trashed.after(Verb::Undelete, "").ok(), Some(state));
        }
    }

    #[test]
    fn a_stale_etag_is_heard_of_before_the_state() {
        let stale = piece(State::Brief).after(Verb::Submit, "W7");

        assert!(matches!(stale, Err(Error::Conflict { etag: Some(etag) }) if etag == "W1"));
    }

    #[test]
    fn whoever_submitted_it_or_wrote_it_last_does_not_decide() {
        let [writer, submitter] = [PersonId::fresh(), PersonId::fresh()];
        let piece = ContentPiece {
            edited_by: Some(writer),
            submitted_by: Some(submitter),
            ..piece(State::InReview)
        };

        assert_eq!(piece.barred(), [submitter, writer]);
    }

    #[test]
    fn the_verbs_that_permissions_give_are_those_of_the_contract() {
        let given = |permissions: &[&str]| {
            let verbs = Verb::given_by(&PermissionSet::matching(permissions));
            verbs.into_iter().map(Verb::word).collect::<Vec<_>>().join(" ")
        };

        assert_eq!(given(&["seo.contentPieces.decide"]), "approve reject");
        assert_eq!(given(&["seo.contentPieces.generate"]), "generate");
        assert_eq!(given(&["seo.contentPieces.read"]), "");
        assert_eq!(given(&["seo.contentPieces.update"]), "update write restore");
    }
}
