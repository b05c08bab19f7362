//! One `UUIDv7` type per noun, so that a lead's id never passes for a member's.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Text that is not a UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a valid id")]
pub struct NotAnId;

macro_rules! ids {
    ($($(#[$doc:meta])+ $name:ident),+ $(,)?) => {$(
        $(#[$doc])+
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, sqlx::Type)]
        #[serde(transparent)]
        #[sqlx(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A fresh, time-ordered id (RFC 9562, version 7).
            pub fn fresh() -> Self {
                Self(Uuid::now_v7())
            }

            /// The UUID inside, for places that know no nouns: tickets, events, audit.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;

            fn from_str(text: &str) -> Result<Self, NotAnId> {
                Uuid::try_parse(text).map(Self).map_err(|_| NotAnId)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0.hyphenated())
            }
        }
    )+};
}

// Alphabetical; a new noun is one line.
ids! {
    /// A one-time activation link.
    ActivationId,
    /// An AI agent of an organisation.
    AgentId,
    /// A question whether a record may go ahead.
    ApprovalId,
    /// A record of the audit log.
    AuditRecordId,
    /// A client of the organisation: its customer.
    ClientId,
    /// A text on its way to a site.
    ContentPieceId,
    /// A role of an organisation's own making.
    CustomRoleId,
    /// One try of an agent at a text.
    GenerationId,
    /// An invitation to join an organisation.
    InvitationId,
    /// A phrase that a site wants to be found with.
    KeywordId,
    /// A lead.
    LeadId,
    /// A membership: one person in one organisation.
    MemberId,
    /// An organisation: the tenant.
    OrganizationId,
    /// A person, across organisations.
    PersonId,
    /// The UUID a client repeats to retry a call safely.
    RequestId,
    /// A signed-in session of a person.
    SessionId,
    /// A website that content is written for.
    SiteId,
    /// A question to a model.
    UsageId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_what_it_prints() {
        let id = LeadId::fresh();

        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!("lead".parse::<LeadId>(), Err(NotAnId));
    }
}
