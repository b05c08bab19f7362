//! The assertion: a statement of identity, signed with Ed25519, good for a minute, of who calls.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Kind, PermissionSet, Role};

/// The JWT header's `typ` (RFC 8725, 3.11): no other token of ours passes for an assertion.
pub const HEADER_TYPE: &str = "devsphere-assertion+jwt";

/// An assertion lives this long at most.
pub const LIFETIME: Duration = Duration::from_secs(60);

pub(crate) const ISSUER: &str = "devsphere-identity";
pub(crate) const AUDIENCE: &str = "devsphere";
pub(crate) const VERSION: u32 = 1;

/// What an organisation may do at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Everything.
    Active,
    /// A payment is late; everything still works.
    PastDue,
    /// Sign-in, reads, export and billing only.
    Suspended,
    /// In its grace time before it is gone.
    Deleting,
}

impl Standing {
    /// False where writes answer `locked`.
    pub const fn may_write(self) -> bool {
        matches!(self, Self::Active | Self::PastDue)
    }
}

/// The organisation that the caller stands in, as far as services need it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organization {
    /// Its id.
    pub id: Uuid,
    /// What it may do at all.
    pub standing: Standing,
    /// IANA time zone.
    pub zone: String,
    /// ISO 4217.
    pub currency: String,
    /// BCP 47.
    pub locale: String,
    /// The caller's role there; none for jobs and links.
    pub role: Option<Role>,
    /// The membership's epoch; a higher one, once it is known, ends the assertion.
    #[serde(default)]
    pub epoch: i64,
}

/// Who an assertion is to be about.
#[derive(Debug, Clone)]
pub struct Subject {
    /// What kind of principal acts.
    pub kind: Kind,
    /// The person, key, link or job.
    pub id: Uuid,
    /// The session, where there is one.
    pub session: Option<Uuid>,
    /// The organisation, where there is one.
    pub organization: Option<Organization>,
    /// The client whose portal this is, for customers' people.
    pub client: Option<Uuid>,
    /// Everything the caller may do.
    pub permissions: PermissionSet,
}

/// The claims of an assertion, as signed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Claims {
    pub(crate) v: u32,
    pub(crate) iss: String,
    pub(crate) aud: String,
    pub(crate) iat: i64,
    pub(crate) nbf: i64,
    pub(crate) exp: i64,
    pub(crate) kind: Kind,
    pub(crate) sub: Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sid: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) org: Option<Organization>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) client: Option<Uuid>,
    pub(crate) perms: String,
    pub(crate) ticket: String,
}
