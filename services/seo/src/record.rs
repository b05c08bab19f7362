//! What sites and keywords have in common: a version, a trash, and the verbs over both.

use chrono::{DateTime, Utc};
use devsphere_auth::PermissionSet;
use devsphere_db::{Change, TenantTx};
use devsphere_error::{Error, Result};
use devsphere_rpc::etag;
use serde::Serialize;
use uuid::Uuid;

/// What can be done to a record that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    Update,
    Delete,
    Undelete,
}

/// A kind of record, in the words that it is spoken of.
pub(crate) struct Noun {
    pub(crate) name: &'static str,
    /// Events.
    pub(crate) created: &'static str,
    updated: &'static str,
    trashed: &'static str,
    restored: &'static str,
    /// Permissions.
    update: &'static str,
    delete: &'static str,
    /// Refusals.
    in_trash: &'static str,
    not_in_trash: &'static str,
}

/// The words of a noun and of its plural.
macro_rules! noun {
    ($one:literal, $many:literal) => {
        $crate::record::Noun::of([
            $one,
            concat!($one, ".created"),
            concat!($one, ".updated"),
            concat!($one, ".trashed"),
            concat!($one, ".restored"),
            concat!("seo.", $many, ".update"),
            concat!("seo.", $many, ".delete"),
            concat!("the ", $one, " is in the trash"),
            concat!("the ", $one, " is not in the trash"),
        ])
    };
}
pub(crate) use noun;

/// A record of this module. Its JSON is what events and audit show.
pub(crate) trait Record: Serialize {
    const NOUN: Noun;

    fn id(&self) -> Uuid;

    fn version(&self) -> i64;

    fn delete_time(&self) -> Option<DateTime<Utc>>;

    /// Whether the verb can be used on what the caller read, or why not.
    fn check(&self, verb: Verb, etag: &str) -> Result<()> {
        etag::check(etag, self.version())?;
        let refused = |cause, message| Err(Error::InvalidState { cause, message });
        match (verb, self.delete_time()) {
            (Verb::Undelete, None) => refused("not_trashed", Self::NOUN.not_in_trash),
            (Verb::Undelete, Some(_)) | (_, None) => Ok(()),
            (_, Some(_)) => refused("trashed", Self::NOUN.in_trash),
        }
    }

    /// Those of the verbs that can be used on it now.
    fn allowed_actions(&self, verbs: &[Verb]) -> Vec<String> {
        let now = verbs.iter().filter(|verb| self.check(**verb, "").is_ok());
        now.map(|verb| verb.word().to_owned()).collect()
    }
}

impl Noun {
    pub(crate) const fn of(words: [&'static str; 9]) -> Self {
        let [name, created, updated, trashed, restored, update, delete, in_trash, not_in_trash] =
            words;
        Self { name, created, updated, trashed, restored, update, delete, in_trash, not_in_trash }
    }
}

impl Verb {
    const ALL: [Self; 3] = [Self::Update, Self::Delete, Self::Undelete];

    /// The verbs that these permissions give over a kind of record.
    pub(crate) fn given_by<R: Record>(permissions: &PermissionSet) -> Vec<Self> {
        let given = |verb: &Self| permissions.names().any(|name| name == verb.permission(&R::NOUN));
        Self::ALL.into_iter().filter(given).collect()
    }

    /// The permission that the contract asks of the verb's method; a test below compares them.
    const fn permission(self, noun: &Noun) -> &'static str {
        match self {
            Self::Update => noun.update,
            Self::Delete | Self::Undelete => noun.delete,
        }
    }

    /// As in `allowed_actions`.
    const fn word(self) -> &'static str {
        match self {
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Undelete => "undelete",
        }
    }

    /// The event that the verb leaves.
    const fn event(self, noun: &Noun) -> &'static str {
        match self {
            Self::Update => noun.updated,
            Self::Delete => noun.trashed,
            Self::Undelete => noun.restored,
        }
    }
}

/// Notes a new record: one event and one audit record.
pub(crate) fn emit_created<R: Record>(tx: &mut TenantTx, record: &R) -> Result<()> {
    emit(tx, R::NOUN.created, None, record)
}

/// Notes what became of a record: one event and one audit record.
pub(crate) fn emit_changed<R: Record>(
    tx: &mut TenantTx,
    verb: Verb,
    before: &R,
    after: &R,
) -> Result<()> {
    emit(tx, verb.event(&R::NOUN), Some(before), after)
}

fn emit<R: Record>(
    tx: &mut TenantTx,
    event: &'static str,
    before: Option<&R>,
    after: &R,
) -> Result<()> {
    let record = (after.id(), after.version());
    tx.emit(Change::of(event, R::NOUN.name, record, before, after)?);
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests {
    use devsphere_proto::{Access, Contract};

    use super::*;

    #[derive(Serialize)]
    struct Bare(Option<DateTime<Utc>>);

    impl Record for Bare {
        const NOUN: Noun = noun!("site", "sites");

        fn id(&self) -> Uuid {
            Uuid::nil()
        }

        fn version(&self) -> i64 {
            1
        }

        fn delete_time(&self) -> Option<DateTime<Utc>> {
            self.0
        }
    }

    const TRASHED: Bare = Bare(Some(DateTime::UNIX_EPOCH));

    fn cause(refused: Result<()>) -> &'static str {
        match refused {
            Err(Error::InvalidState { cause, .. }) => cause,
            other => panic!("not refused for its state: {other:?}"),
        }
    }

    #[test]
    fn the_trash_gives_back_and_nothing_else() {
        for verb in [Verb::Update, Verb::Delete] {
            assert!(Bare(None).check(verb, "").is_ok());
            assert_eq!(cause(TRASHED.check(verb, "")), "trashed");
        }
        assert_eq!(cause(Bare(None).check(Verb::Undelete, "")), "not_trashed");
        assert!(TRASHED.check(Verb::Undelete, "W1").is_ok());
    }

    #[test]
    fn a_stale_etag_is_heard_of_before_the_trash() {
        let stale = TRASHED.check(Verb::Update, "W7");

        assert!(matches!(stale, Err(Error::Conflict { etag: Some(etag) }) if etag == "W1"));
    }

    #[test]
    fn the_allowed_actions_are_what_trash_and_permissions_both_allow() {
        let allowed = |record: &Bare, permissions: &[&str]| {
            let verbs = Verb::given_by::<Bare>(&PermissionSet::matching(permissions));
            record.allowed_actions(&verbs).join(" ")
        };

        assert_eq!(allowed(&Bare(None), &["seo.*"]), "update delete");
        assert_eq!(allowed(&TRASHED, &["seo.*"]), "undelete");
        assert_eq!(allowed(&Bare(None), &["seo.sites.delete"]), "delete");
        assert_eq!(allowed(&Bare(None), &["seo.sites.read", "seo.keywords.update"]), "");
    }

    /// Each verb is a method of the contract that asks the same permission.
    pub(crate) fn compare_with_contract<R: Record>() {
        let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
        let noun = capital(R::NOUN.name);
        for verb in Verb::ALL {
            let method = format!("/devsphere.seo.v1.{noun}Service/{}{noun}", capital(verb.word()));
            let method = Contract::get().unwrap().method(&method).unwrap();
            let Access::Granted { permission: Some(permission), .. } = method.access else {
                panic!("{} takes no permission", method.path)
            };
            assert_eq!(permission.name, verb.permission(&R::NOUN));
        }
    }
}
