//! A grant: what a sign-in, a refresh or a switch hands out.

use std::time::Duration;

use chrono::{DateTime, Utc};
use devsphere_error::{Error, Result};
use devsphere_ids::{OrganizationId, PersonId, SessionId};
use devsphere_proto::identity::v1 as pb;
use devsphere_rpc::time::timestamp;
use prost_types::Timestamp;
use serde::Deserialize;

use crate::{
    Core,
    role::role_to_wire,
    secret::{Access, Opaque},
};

/// A session ends after this long without a refresh …
pub(crate) const IDLE: Duration = Duration::from_secs(14 * 86_400);
/// … and after this long in any case.
pub(crate) const LONGEST: Duration = Duration::from_secs(90 * 86_400);

/// A row of the type `identity.granted`.
#[derive(Debug)]
pub(crate) struct Granted {
    pub(crate) outcome: String,
    pub(crate) person_id: Option<PersonId>,
    pub(crate) session_id: Option<SessionId>,
    pub(crate) email: Option<String>,
    pub(crate) display_name: Option<String>,
    pub(crate) platform_admin: Option<bool>,
    pub(crate) create_time: Option<DateTime<Utc>>,
    pub(crate) org_id: Option<OrganizationId>,
    pub(crate) epoch: Option<i64>,
    pub(crate) affiliations: Option<serde_json::Value>,
}

/// The same of a row that has more columns.
macro_rules! granted_of {
    ($row:ident) => {
        $crate::grant::Granted {
            outcome: $row.outcome,
            person_id: $row.person_id,
            session_id: $row.session_id,
            email: $row.email,
            display_name: $row.display_name,
            platform_admin: $row.platform_admin,
            create_time: $row.create_time,
            org_id: $row.org_id,
            epoch: $row.epoch,
            affiliations: $row.affiliations,
        }
    };
}

pub(crate) use granted_of;

#[derive(Deserialize)]
struct Affiliation {
    organization_id: OrganizationId,
    display_name: String,
    role: String,
    state: String,
}

impl Granted {
    /// The row, if the function granted anything.
    pub(crate) fn checked(self) -> Result<Self> {
        match self.outcome.as_str() {
            "ok" => Ok(self),
            "refused" => Err(Error::Unauthenticated),
            "not_member" => Err(Error::NotFound("organisation")),
            "closed" => Err(Error::InvalidState {
                cause: "sign_up_closed",
                message: "this installation takes no sign-ups, ask for an invitation",
            }),
            "bad_invitation" => Err(Error::field("invitation_token", "is not valid any more")),
            "email_taken" => Err(Error::AlreadyExists("a person with this e-mail address")),
            other => Err(Error::internal(format!("unknown outcome {other}"))),
        }
    }

    pub(crate) fn person(&self) -> Result<pb::Person> {
        let missing = || Error::internal("a grant without a person");
        Ok(pb::Person {
            person_id: self.person_id.ok_or_else(missing)?.to_string(),
            email: self.email.clone().ok_or_else(missing)?,
            display_name: self.display_name.clone().unwrap_or_default(),
            create_time: self.create_time.map(timestamp),
            platform_admin: self.platform_admin.unwrap_or_default(),
        })
    }

    pub(crate) fn affiliations(&self) -> Result<Vec<pb::Affiliation>> {
        let json = self.affiliations.clone().unwrap_or_else(|| serde_json::json!([]));
        let rows: Vec<Affiliation> = serde_json::from_value(json).map_err(Error::internal)?;
        rows.into_iter()
            .map(|row| {
                let role = row.role.parse().map_err(Error::internal)?;
                Ok(pb::Affiliation {
                    organization_id: row.organization_id.to_string(),
                    display_name: row.display_name,
                    role: role_to_wire(role).into(),
                    state: state_to_wire(&row.state).into(),
                })
            })
            .collect()
    }

    /// Signs the access token. `refresh` is empty where the session's own token stays as it is.
    pub(crate) fn hand_out(&self, core: &Core, refresh: Option<Opaque>) -> Result<pb::Grant> {
        let missing = || Error::internal("a grant without a session");
        let person = self.person_id.ok_or_else(missing)?;
        let session = self.session_id.ok_or_else(missing)?;
        let access = Access::new(person, session, self.org_id.zip(self.epoch));
        let refresh_until =
            Timestamp { seconds: crate::secret::now() + IDLE.as_secs().cast_signed(), nanos: 0 };
        Ok(pb::Grant {
            access_token: access.sign(core.keys.now().access())?,
            access_expire_time: Some(Timestamp { seconds: access.exp, nanos: 0 }),
            refresh_expire_time: refresh.is_some().then_some(refresh_until),
            refresh_token: refresh.map(Opaque::into_text).unwrap_or_default(),
            session_id: session.to_string(),
            person: Some(self.person()?),
            organization_id: self.org_id.map(|id| id.to_string()).unwrap_or_default(),
            affiliations: self.affiliations()?,
        })
    }
}

pub(crate) fn state_to_wire(state: &str) -> pb::OrganizationState {
    match state {
        "active" => pb::OrganizationState::Active,
        "past_due" => pb::OrganizationState::PastDue,
        "suspended" => pb::OrganizationState::Suspended,
        "deleting" => pb::OrganizationState::Deleting,
        _ => pb::OrganizationState::Unspecified,
    }
}
