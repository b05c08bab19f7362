//! The caller's own person: who they are, and what proves it.

pub(crate) mod rpc;
mod store;

use devsphere_error::{Check, Error, Result};
use devsphere_proto::identity::v1 as pb;
use serde::Deserialize;
use uuid::Uuid;

use crate::password;

/// The organisation that the caller stands in, as `identity.own_place` tells it.
#[derive(Deserialize)]
pub(crate) struct Organization {
    org_id: Uuid,
    display_name: String,
    time_zone: String,
    currency_code: String,
    locale: String,
    state: String,
    demo: bool,
}

impl From<Organization> for pb::Organization {
    fn from(organization: Organization) -> Self {
        Self {
            organization_id: organization.org_id.to_string(),
            display_name: organization.display_name,
            time_zone: organization.time_zone,
            currency_code: organization.currency_code,
            locale: organization.locale,
            state: crate::grant::state_to_wire(&organization.state).into(),
            demo: organization.demo,
        }
    }
}

/// A checked change of password.
pub(crate) struct NewPassword {
    pub(crate) current: String,
    pub(crate) new: String,
}

impl TryFrom<pb::ChangePasswordRequest> for NewPassword {
    type Error = Error;

    fn try_from(request: pb::ChangePasswordRequest) -> Result<Self> {
        let mut check = Check::default();
        if request.new_password == request.current_password {
            check.note("new_password", "must differ from the current one");
        }
        password::check(&mut check, "new_password", &request.new_password, &[]);
        check.done()?;
        Ok(Self { current: request.current_password, new: request.new_password })
    }
}

/// A code as people type it: without blanks and dashes, in capitals.
pub(crate) fn plain_code(code: &str) -> String {
    code.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_uppercase()
}
