//! Who calls, as far as identity can say: the subject of an assertion.

pub(crate) mod rpc;
mod store;
mod view;

use devsphere_auth::{Kind, Organization, Role, Standing, Subject};
use devsphere_error::{Error, Result};
use devsphere_ids::{OrganizationId, PersonId, SessionId};

use crate::custom_role;

/// What the database says of a session in an organisation.
pub(crate) struct Standings {
    live: Option<bool>,
    platform_admin: Option<bool>,
    role: Option<String>,
    epoch: Option<i64>,
    custom_permissions: Option<Vec<String>>,
    state: Option<String>,
    time_zone: Option<String>,
    currency_code: Option<String>,
    locale: Option<String>,
    pub(crate) requests_per_minute: Option<i32>,
}

/// The subject of an assertion, if the session and the membership live.
pub(crate) fn subject(
    (person, session): (PersonId, SessionId),
    org: Option<OrganizationId>,
    found: Standings,
) -> Result<Subject> {
    if found.live != Some(true) {
        return Err(Error::Unauthenticated);
    }
    let mut permissions = devsphere_auth::PermissionSet::EMPTY;
    if found.platform_admin == Some(true) {
        permissions = permissions.union(&Role::platform_permissions());
    }
    let missing = || Error::internal("a membership without its organisation");
    let organization = match org {
        None => None,
        Some(org) => {
            let role: Role = found.role.ok_or_else(missing)?.parse().map_err(Error::internal)?;
            permissions = permissions.union(&role.permissions());
            let custom = found.custom_permissions.unwrap_or_default();
            permissions = permissions.union(&custom_role::permissions(&custom)?);
            Some(Organization {
                id: org.uuid(),
                standing: standing(&found.state.ok_or_else(missing)?)?,
                zone: found.time_zone.ok_or_else(missing)?,
                currency: found.currency_code.ok_or_else(missing)?,
                locale: found.locale.ok_or_else(missing)?,
                role: Some(role),
                epoch: found.epoch.ok_or_else(missing)?,
            })
        }
    };
    Ok(Subject {
        kind: Kind::User,
        id: person.uuid(),
        session: Some(session.uuid()),
        organization,
        client: None,
        permissions,
    })
}

fn standing(state: &str) -> Result<Standing> {
    match state {
        "active" => Ok(Standing::Active),
        "past_due" => Ok(Standing::PastDue),
        "suspended" => Ok(Standing::Suspended),
        "deleting" => Ok(Standing::Deleting),
        other => Err(Error::internal(format!("unknown state {other}"))),
    }
}
