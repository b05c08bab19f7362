//! What an organisation chooses for itself, and how that is edited.

mod rpc;
mod store;
mod wire;

use chrono::{DateTime, Utc};
use devsphere_error::Result;
use devsphere_rpc::{etag, mask::Mask};
use serde::Serialize;

pub(crate) use rpc::SettingsOf;

const JANUARY: i16 = 1;

/// One organisation's choices. Its JSON is what events and audit show: a flat object, so that each
/// field has its own before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Settings {
    fiscal_year_start_month: i16,
    #[serde(rename = "branding.logo_url")]
    logo_url: String,
    #[serde(rename = "branding.accent_color")]
    accent_color: String,
    #[serde(rename = "branding.sender_name")]
    sender_name: String,
    #[serde(rename = "branding.support_email")]
    support_email: String,
    #[serde(rename = "branding.portal_title")]
    portal_title: String,
    /// None as long as nobody changed anything.
    #[serde(skip)]
    update_time: Option<DateTime<Utc>>,
    #[serde(skip)]
    version: i64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            fiscal_year_start_month: JANUARY,
            logo_url: String::new(),
            accent_color: String::new(),
            sender_name: String::new(),
            support_email: String::new(),
            portal_title: String::new(),
            update_time: None,
            version: 0,
        }
    }
}

/// What an update writes, over which version.
#[derive(Debug)]
struct Edit {
    etag: String,
    mask: Mask,
    content: Settings,
}

macro_rules! editable {
    ($($path:literal => $field:ident),+ $(,)?) => {
        impl Edit {
            const FIELDS: &[&str] = &[$($path),+];

            /// The settings as they would be.
            fn apply(self, settings: &Settings) -> Result<Settings> {
                etag::check(&self.etag, settings.version)?;
                let mut edited = settings.clone();
                $(if self.mask.has($path) {
                    edited.$field = self.content.$field;
                })+
                Ok(edited)
            }
        }
    };
}

editable! {
    "fiscal_year_start_month" => fiscal_year_start_month,
    "branding.logo_url" => logo_url,
    "branding.accent_color" => accent_color,
    "branding.sender_name" => sender_name,
    "branding.support_email" => support_email,
    "branding.portal_title" => portal_title,
}

#[cfg(test)]
mod tests {
    use devsphere_error::Error;
    use prost_types::FieldMask;

    use super::*;

    fn edit(paths: &[&str], etag: &str) -> Edit {
        let paths = paths.iter().map(|path| (*path).into()).collect();
        let mask = Mask::new(Some(&FieldMask { paths }), Edit::FIELDS).unwrap();
        let content = Settings {
            fiscal_year_start_month: 4,
            logo_url: "https://north.example/logo.svg".into(),
            portal_title: "North".into(),
            ..Settings::default()
        };
        Edit { etag: etag.into(), mask, content }
    }

    #[test]
    fn an_edit_changes_what_its_mask_names() {
        let before = Settings { sender_name: "North".into(), version: 3, ..Settings::default() };

        let one = edit(&["branding.logo_url"], "W3").apply(&before).unwrap();
        let branding = edit(&["branding"], "").apply(&before).unwrap();

        let logo_url = "https://north.example/logo.svg".to_owned();
        assert_eq!(one, Settings { logo_url: logo_url.clone(), ..before.clone() });
        let cleared = Settings { sender_name: String::new(), ..before };
        assert_eq!(branding, Settings { logo_url, portal_title: "North".into(), ..cleared });
    }

    #[test]
    fn settings_that_nobody_changed_yet_have_an_etag_too() {
        let settings = Settings::default();

        assert!(edit(&["branding"], "W0").apply(&settings).is_ok());
        assert!(matches!(
            edit(&["branding"], "W1").apply(&settings),
            Err(Error::Conflict { etag: Some(etag) }) if etag == "W0"
        ));
    }

    #[test]
    fn each_field_stands_by_its_path_in_the_audit() {
        let shown = serde_json::to_value(Settings::default()).unwrap();
        let mut shown: Vec<_> = shown.as_object().unwrap().keys().collect();
        let mut paths = Edit::FIELDS.to_vec();
        shown.sort();
        paths.sort_unstable();

        assert_eq!(shown, paths);
    }
}
