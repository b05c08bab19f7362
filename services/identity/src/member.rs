//! What a membership is, who may change it, and which changes are legal.

mod batch;
mod draft;
mod explain;
mod link;
pub(crate) mod rpc;
pub(crate) mod store;

use std::time::Duration;

use chrono::{DateTime, Utc};
use devsphere_auth::{Caller, Role};
use devsphere_error::{Error, Result};
use devsphere_ids::{CustomRoleId, MemberId, PersonId};
use devsphere_proto::identity::v1 as pb;
use devsphere_rpc::{etag, time::timestamp};
use serde::{Deserialize, Serialize};

pub(crate) use draft::{Draft, Update};

use crate::{custom_role, role::role_to_wire};

/// An activation link is good for this long.
pub(crate) const ACTIVATION_LIFETIME: Duration = Duration::from_secs(72 * 3600);

/// A person's place in an organisation.
#[derive(Debug, Clone, Serialize, Deserialize, sqlx::FromRow)]
pub(crate) struct Member {
    pub(crate) member_id: MemberId,
    pub(crate) person_id: PersonId,
    pub(crate) email: String,
    pub(crate) display_name: String,
    pub(crate) role: String,
    pub(crate) custom_role_ids: Vec<CustomRoleId>,
    /// What those give together.
    pub(crate) custom_permissions: Vec<String>,
    pub(crate) state: String,
    pub(crate) activate_time: Option<DateTime<Utc>>,
    pub(crate) create_time: DateTime<Utc>,
    pub(crate) update_time: DateTime<Utc>,
    pub(crate) epoch: i64,
    pub(crate) version: i64,
}

/// What may be done to a membership.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    Update,
    Deactivate,
    Reactivate,
    Remove,
    RenewActivation,
}

impl Verb {
    const ALL: [Self; 5] =
        [Self::Update, Self::Deactivate, Self::Reactivate, Self::Remove, Self::RenewActivation];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Update => "update",
            Self::Deactivate => "deactivate",
            Self::Reactivate => "reactivate",
            Self::Remove => "remove",
            Self::RenewActivation => "renew_activation",
        }
    }

    const fn permission(self) -> &'static str {
        match self {
            Self::Update => "identity.members.update",
            Self::Deactivate | Self::Reactivate | Self::Remove => "identity.members.deactivate",
            Self::RenewActivation => "identity.members.create",
        }
    }

    /// The state that the verb leads to from another, if it may be used there.
    fn leads(self, from: &str) -> Option<&'static str> {
        Some(match (self, from) {
            (Self::Update | Self::RenewActivation, "active")
            | (Self::Reactivate, "deactivated") => "active",
            (Self::Update, "deactivated") | (Self::Deactivate, "active") => "deactivated",
            (Self::Remove, "deactivated") => "removed",
            _ => return None,
        })
    }
}

impl Member {
    pub(crate) fn role(&self) -> Result<Role> {
        self.role.parse().map_err(Error::internal)
    }

    /// Took the place, and is not kept out.
    pub(crate) fn is_active(&self) -> bool {
        self.state == "active" && self.activate_time.is_some()
    }

    /// The state that the verb leads to.
    ///
    /// # Errors
    /// `BadTransition` with the verbs that the state does allow.
    pub(crate) fn step(&self, verb: Verb) -> Result<&'static str> {
        verb.leads(&self.state).ok_or_else(|| Error::BadTransition {
            state: state_word(&self.state),
            verb: verb.as_str(),
            allowed: self.verbs().map(Verb::as_str).collect(),
        })
    }

    fn verbs(&self) -> impl Iterator<Item = Verb> + '_ {
        Verb::ALL.into_iter().filter(|verb| verb.leads(&self.state).is_some())
    }

    /// May the caller do that to this member at all: not to themselves, and not to somebody who
    /// may do what the caller may not; only a ceo touches a ceo.
    ///
    /// # Errors
    /// `InvalidState` or `Forbidden`.
    pub(crate) fn within_reach(&self, caller: &Caller) -> Result<()> {
        if caller.id() == self.person_id.uuid() {
            return Err(Error::InvalidState {
                cause: "own_membership",
                message: "nobody changes their own membership",
            });
        }
        may_give(caller, self.role()?)?;
        custom_role::holds(caller, self.custom_permissions.iter().map(String::as_str))
    }

    /// Refuses to take the role or the place of the last ceo.
    ///
    /// # Errors
    /// `InvalidState` with the cause `last_ceo`.
    pub(crate) fn leaves_a_ceo(&self, others: usize) -> Result<()> {
        if self.role()? == Role::Ceo && self.activate_time.is_some() && others == 0 {
            return Err(Error::InvalidState {
                cause: "last_ceo",
                message: "an organisation keeps at least one ceo",
            });
        }
        Ok(())
    }

    pub(crate) fn to_wire(&self, caller: &Caller) -> pb::Member {
        let may = |verb: &Verb| {
            caller.permissions().names().any(|name| name == verb.permission())
                && self.within_reach(caller).is_ok()
                && (*verb != Verb::RenewActivation || self.activate_time.is_none())
        };
        let role = self.role().map_or(pb::Role::Unspecified, role_to_wire);
        pb::Member {
            member_id: self.member_id.to_string(),
            person_id: self.person_id.to_string(),
            email: self.email.clone(),
            display_name: self.display_name.clone(),
            role: role.into(),
            state: state_to_wire(&self.state).into(),
            activate_time: self.activate_time.map(timestamp),
            create_time: Some(timestamp(self.create_time)),
            update_time: Some(timestamp(self.update_time)),
            etag: etag::of(self.version),
            allowed_actions: self
                .verbs()
                .filter(may)
                .map(|verb| verb.as_str().to_owned())
                .collect(),
            custom_role_ids: self.custom_role_ids.iter().map(CustomRoleId::to_string).collect(),
        }
    }
}

/// Nobody gives, or takes, permissions that they do not hold; only a ceo gives and takes ceo.
///
/// # Errors
/// `Forbidden` naming what the caller lacks.
pub(crate) fn may_give(caller: &Caller, role: Role) -> Result<()> {
    let own = caller.organization().and_then(|organization| organization.role);
    if role == Role::Ceo && own != Some(Role::Ceo) {
        return Err(Error::Forbidden("ceo"));
    }
    let missing = role.permissions();
    match missing.names().find(|name| !caller.permissions().names().any(|held| held == *name)) {
        Some(name) => Err(Error::Forbidden(name)),
        None => Ok(()),
    }
}

fn state_word(state: &str) -> &'static str {
    ["active", "deactivated", "removed"]
        .into_iter()
        .find(|word| *word == state)
        .unwrap_or("unknown")
}

fn state_to_wire(state: &str) -> pb::MemberState {
    match state {
        "active" => pb::MemberState::Active,
        "deactivated" => pb::MemberState::Deactivated,
        "removed" => pb::MemberState::Removed,
        _ => pb::MemberState::Unspecified,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_membership_goes_active_deactivated_removed_and_never_back_from_removed() {
        let arrows: Vec<_> = ["active", "deactivated", "removed"]
            .into_iter()
            .flat_map(|from| {
                let arrow = move |verb: Verb| Some((from, verb.as_str(), verb.leads(from)?));
                Verb::ALL.into_iter().filter_map(arrow)
            })
            .filter(|(from, _, to)| from != to)
            .collect();

        assert_eq!(
            arrows,
            [
                ("active", "deactivate", "deactivated"),
                ("deactivated", "reactivate", "active"),
                ("deactivated", "remove", "removed"),
            ]
        );
    }
}
