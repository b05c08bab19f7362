//! What an invitation is, who may send it, and which changes are legal.

pub(crate) mod rpc;
mod store;

use std::time::Duration;

use chrono::{DateTime, Utc};
use devsphere_auth::{Caller, Role};
use devsphere_error::{Error, Result};
use devsphere_ids::{CustomRoleId, InvitationId, PersonId};
use devsphere_proto::identity::v1 as pb;
use devsphere_rpc::{etag, time::timestamp};

use crate::{
    custom_role,
    member::may_give,
    role::{role_from_wire, role_to_wire},
    session::address,
};

/// A link is good for this long.
pub(crate) const LIFETIME: Duration = Duration::from_secs(7 * 86_400);

/// An organisation has at most so many that are neither answered nor revoked nor expired.
pub(crate) const MAX_OPEN: i64 = 500;

/// An offer to join the organisation.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct Invitation {
    invitation_id: InvitationId,
    email: String,
    role: String,
    custom_role_ids: Vec<CustomRoleId>,
    /// What those give together.
    custom_permissions: Vec<String>,
    note: String,
    state: String,
    inviter_id: PersonId,
    create_time: DateTime<Utc>,
    update_time: DateTime<Utc>,
    expire_time: DateTime<Utc>,
    version: i64,
}

/// What may be done to an invitation by the organisation's people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Resend,
    Revoke,
}

impl Verb {
    const ALL: [Self; 2] = [Self::Resend, Self::Revoke];

    const fn word(self) -> &'static str {
        match self {
            Self::Resend => "resend",
            Self::Revoke => "revoke",
        }
    }

    const fn permission(self) -> &'static str {
        match self {
            Self::Resend => "identity.invitations.create",
            Self::Revoke => "identity.invitations.revoke",
        }
    }

    /// The state that the verb leads to from another, if it may be used there.
    fn leads(self, from: &str) -> Option<&'static str> {
        match (self, from) {
            (Self::Resend, "sent" | "expired") => Some("sent"),
            (Self::Revoke, "sent") => Some("revoked"),
            _ => None,
        }
    }
}

impl Invitation {
    /// The state that the verb leads to.
    ///
    /// # Errors
    /// `Conflict`, or `BadTransition` with the verbs that the state does allow.
    fn step(&self, verb: Verb, etag: &str) -> Result<&'static str> {
        etag::check(etag, self.version)?;
        verb.leads(&self.state).ok_or_else(|| Error::BadTransition {
            state: state_word(&self.state),
            verb: verb.word(),
            allowed: self.verbs().map(Verb::word).collect(),
        })
    }

    fn verbs(&self) -> impl Iterator<Item = Verb> + '_ {
        Verb::ALL.into_iter().filter(|verb| verb.leads(&self.state).is_some())
    }

    /// Nobody gives, by a link either, what they do not hold.
    ///
    /// # Errors
    /// `Forbidden` naming what the caller lacks.
    fn within_reach(&self, caller: &Caller) -> Result<()> {
        may_give(caller, self.role.parse().map_err(Error::internal)?)?;
        custom_role::holds(caller, self.custom_permissions.iter().map(String::as_str))
    }

    fn to_wire(&self, caller: &Caller) -> pb::Invitation {
        let may = |verb: &Verb| {
            caller.permissions().names().any(|name| name == verb.permission())
                && (*verb == Verb::Revoke || self.within_reach(caller).is_ok())
        };
        pb::Invitation {
            invitation_id: self.invitation_id.to_string(),
            email: self.email.clone(),
            role: role_of(&self.role).into(),
            custom_role_ids: self.custom_role_ids.iter().map(CustomRoleId::to_string).collect(),
            note: self.note.clone(),
            state: state_to_wire(&self.state).into(),
            inviter_id: self.inviter_id.to_string(),
            create_time: Some(timestamp(self.create_time)),
            update_time: Some(timestamp(self.update_time)),
            expire_time: Some(timestamp(self.expire_time)),
            etag: etag::of(self.version),
            allowed_actions: self.verbs().filter(may).map(|verb| verb.word().into()).collect(),
        }
    }
}

/// A checked new invitation.
pub(crate) struct Draft {
    email: String,
    role: Role,
    custom_role_ids: Vec<CustomRoleId>,
    note: String,
    validate_only: bool,
}

impl TryFrom<pb::CreateInvitationRequest> for Draft {
    type Error = Error;

    fn try_from(request: pb::CreateInvitationRequest) -> Result<Self> {
        let invitation = request.invitation.unwrap_or_default();
        let role = role_from_wire(invitation.role(), "invitation.role")?;
        let email = address(&invitation.email);
        if email.is_empty() {
            return Err(Error::field("invitation.email", "is required"));
        }
        Ok(Self {
            email,
            role,
            custom_role_ids: custom_role::ids(&invitation.custom_role_ids),
            note: invitation.note.trim().to_owned(),
            validate_only: request.validate_only,
        })
    }
}

fn role_of(word: &str) -> pb::Role {
    word.parse().map_or(pb::Role::Unspecified, role_to_wire)
}

fn state_word(state: &str) -> &'static str {
    ["sent", "accepted", "declined", "revoked", "expired"]
        .into_iter()
        .find(|word| *word == state)
        .unwrap_or("unknown")
}

fn state_to_wire(state: &str) -> pb::InvitationState {
    match state {
        "sent" => pb::InvitationState::Sent,
        "accepted" => pb::InvitationState::Accepted,
        "declined" => pb::InvitationState::Declined,
        "revoked" => pb::InvitationState::Revoked,
        "expired" => pb::InvitationState::Expired,
        _ => pb::InvitationState::Unspecified,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_open_is_revoked_and_what_was_answered_is_never_sent_again() {
        let states = ["sent", "accepted", "declined", "revoked", "expired"];

        assert_eq!(
            states.map(|state| Verb::Resend.leads(state)),
            [Some("sent"), None, None, None, Some("sent")]
        );
        assert_eq!(
            states.map(|state| Verb::Revoke.leads(state)),
            [Some("revoked"), None, None, None, None]
        );
    }
}
