//! The installation: who may found an organisation.

pub(crate) mod rpc;
mod store;

use std::time::Duration;

use devsphere_error::{Error, Result};
use devsphere_proto::identity::v1 as pb;
use devsphere_rpc::mask::Mask;

/// An invitation to found an organisation is good for this long.
pub(crate) const INVITATION_LIFETIME: Duration = Duration::from_secs(7 * 86_400);

/// How the installation takes sign-ups, and the version of that.
pub(crate) struct Instance {
    sign_up: Option<String>,
    version: Option<i64>,
}

impl From<Instance> for pb::Instance {
    fn from(instance: Instance) -> Self {
        let sign_up = match instance.sign_up.as_deref() {
            Some("closed") => pb::SignUpMode::Closed,
            Some("invite") => pb::SignUpMode::Invite,
            Some("open") => pb::SignUpMode::Open,
            _ => pb::SignUpMode::Unspecified,
        };
        Self {
            sign_up: sign_up.into(),
            etag: devsphere_rpc::etag::of(instance.version.unwrap_or_default()),
        }
    }
}

/// A checked change.
pub(crate) struct Update {
    pub(crate) sign_up: &'static str,
    pub(crate) etag: String,
    pub(crate) validate_only: bool,
}

impl TryFrom<pb::UpdateInstanceRequest> for Update {
    type Error = Error;

    fn try_from(request: pb::UpdateInstanceRequest) -> Result<Self> {
        Mask::new(request.update_mask.as_ref(), &["sign_up"])?;
        let instance = request.instance.unwrap_or_default();
        let sign_up = match instance.sign_up() {
            pb::SignUpMode::Unspecified => {
                return Err(Error::field("instance.sign_up", "is required"));
            }
            pb::SignUpMode::Closed => "closed",
            pb::SignUpMode::Invite => "invite",
            pb::SignUpMode::Open => "open",
        };
        Ok(Self { sign_up, etag: instance.etag, validate_only: request.validate_only })
    }
}
