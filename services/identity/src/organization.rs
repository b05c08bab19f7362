//! What an organisation says of itself, and which changes of it are legal.

pub(crate) mod rpc;
mod store;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use devsphere_auth::Caller;
use devsphere_error::{Check, Error, Result};
use devsphere_ids::OrganizationId;
use devsphere_proto::identity::v1 as pb;
use devsphere_rpc::{etag, mask::Mask, time::timestamp};
use serde::{Deserialize, Serialize};

/// The tenant, as its own people see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Organization {
    #[serde(rename = "org_id")]
    organization_id: OrganizationId,
    display_name: String,
    time_zone: String,
    currency_code: String,
    locale: String,
    state: String,
    demo: bool,
    requests_per_minute: i32,
    create_time: DateTime<Utc>,
    update_time: DateTime<Utc>,
    version: i64,
}

impl Organization {
    pub(crate) fn to_wire(&self, caller: &Caller) -> pb::Organization {
        let may_update =
            caller.permissions().names().any(|name| name == "identity.organization.update");
        pb::Organization {
            organization_id: self.organization_id.to_string(),
            display_name: self.display_name.clone(),
            time_zone: self.time_zone.clone(),
            currency_code: self.currency_code.clone(),
            locale: self.locale.clone(),
            state: crate::grant::state_to_wire(&self.state).into(),
            demo: self.demo,
            create_time: Some(timestamp(self.create_time)),
            update_time: Some(timestamp(self.update_time)),
            etag: etag::of(self.version),
            allowed_actions: may_update.then(|| "update".to_owned()).into_iter().collect(),
            requests_per_minute: self.requests_per_minute,
        }
    }
}

/// A checked change of the caller's organisation.
pub(crate) struct Update {
    /// As the request names it, if it does.
    organization_id: Option<OrganizationId>,
    etag: String,
    mask: Mask,
    display_name: String,
    time_zone: String,
    currency_code: String,
    locale: String,
    pub(crate) validate_only: bool,
}

impl Update {
    /// The organisation as it would be.
    fn apply(&self, organization: &Organization) -> Result<Organization> {
        if self.organization_id.is_some_and(|named| named != organization.organization_id) {
            return Err(Error::NotFound("organisation"));
        }
        etag::check(&self.etag, organization.version)?;
        let mut changed = organization.clone();
        for (field, to, from) in [
            ("display_name", &mut changed.display_name, &self.display_name),
            ("time_zone", &mut changed.time_zone, &self.time_zone),
            ("currency_code", &mut changed.currency_code, &self.currency_code),
            ("locale", &mut changed.locale, &self.locale),
        ] {
            if self.mask.has(field) {
                to.clone_from(from);
            }
        }
        Ok(changed)
    }
}

impl TryFrom<pb::UpdateOrganizationRequest> for Update {
    type Error = Error;

    fn try_from(request: pb::UpdateOrganizationRequest) -> Result<Self> {
        let fields = &["display_name", "time_zone", "currency_code", "locale"];
        let mask = Mask::new(request.update_mask.as_ref(), fields)?;
        let organization = request.organization.unwrap_or_default();
        let display_name = organization.display_name.trim().to_owned();
        let mut check = Check::default();
        for (field, text) in [("display_name", &display_name), ("locale", &organization.locale)] {
            if mask.has(field) && text.is_empty() {
                check.note(format!("organization.{field}"), "must not be blank");
            }
        }
        if mask.has("time_zone") {
            check_zone(&mut check, "organization.time_zone", &organization.time_zone);
        }
        if mask.has("currency_code") {
            check_currency(&mut check, "organization.currency_code", &organization.currency_code);
        }
        check.done()?;
        Ok(Self {
            organization_id: organization.organization_id.parse().ok(),
            etag: organization.etag,
            mask,
            display_name,
            time_zone: organization.time_zone,
            currency_code: organization.currency_code,
            locale: organization.locale,
            validate_only: request.validate_only,
        })
    }
}

/// Notes a name that is no time zone of IANA's.
pub(crate) fn check_zone(check: &mut Check, field: &str, zone: &str) {
    if zone.parse::<Tz>().is_err() {
        check.note(field, "must be an IANA time zone, as in Europe/Berlin");
    }
}

/// Notes a code that is no currency.
pub(crate) fn check_currency(check: &mut Check, field: &str, code: &str) {
    if iso_currency::Currency::from_code(code).is_none() {
        check.note(field, "must be an ISO 4217 code, as in EUR");
    }
}
