//! Between the contract's words and the domain's. `admit` has applied the rules of the contract.

use devsphere_auth::Caller;
use devsphere_error::{Error, Result};
use devsphere_proto::administration::v1 as pb;
use devsphere_rpc::{etag, mask::Mask, time::timestamp};

use super::{Edit, JANUARY, Settings};

/// Settings to edit, or to check only.
pub(super) struct Update {
    pub(super) edit: Edit,
    pub(super) validate_only: bool,
}

/// The settings as this caller is shown them.
pub(super) fn shown(settings: Settings, caller: &Caller) -> pb::Settings {
    let may_update =
        caller.permissions().names().any(|name| name == "administration.settings.update");
    pb::Settings {
        fiscal_year_start_month: settings.fiscal_year_start_month.into(),
        branding: Some(pb::Branding {
            logo_url: settings.logo_url,
            accent_color: settings.accent_color,
            sender_name: settings.sender_name,
            support_email: settings.support_email,
            portal_title: settings.portal_title,
        }),
        update_time: settings.update_time.map(timestamp),
        etag: etag::of(settings.version),
        allowed_actions: may_update.then(|| "update".to_owned()).into_iter().collect(),
    }
}

impl TryFrom<pb::UpdateSettingsRequest> for Update {
    type Error = Error;

    fn try_from(request: pb::UpdateSettingsRequest) -> Result<Self> {
        let settings = request.settings.unwrap_or_default();
        let branding = settings.branding.unwrap_or_default();
        let month = i16::try_from(settings.fiscal_year_start_month).map_err(Error::internal)?;
        let content = Settings {
            fiscal_year_start_month: month.max(JANUARY),
            logo_url: branding.logo_url,
            accent_color: branding.accent_color,
            sender_name: branding.sender_name,
            support_email: branding.support_email,
            portal_title: branding.portal_title,
            ..Settings::default()
        };
        let mask = Mask::new(request.update_mask.as_ref(), Edit::FIELDS)?;
        let edit = Edit { etag: settings.etag, mask, content };
        Ok(Self { edit, validate_only: request.validate_only })
    }
}
