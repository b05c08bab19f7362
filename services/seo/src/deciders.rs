//! Who may decide on a record: asked of identity, before any transaction.

use devsphere_auth::Permit;
use devsphere_boot::{Stub, peer_error};
use devsphere_error::{Error, Result};
use devsphere_ids::PersonId;
use devsphere_proto::identity::v1::{
    CheckDeciderRequest, member_service_client::MemberServiceClient,
};

/// The way to identity's members.
#[derive(Clone)]
pub(crate) struct Deciders {
    identity: Stub,
}

impl Deciders {
    pub(crate) const fn new(identity: Stub) -> Self {
        Self { identity }
    }

    /// Refuses to ask where nobody could answer: whoever has the permission is one of those whose
    /// work it is.
    pub(crate) async fn check(
        &self,
        permit: &Permit,
        permission: &str,
        barred: &[PersonId],
    ) -> Result<()> {
        let mut members = MemberServiceClient::new(self.identity.of(permit));
        let person_ids = barred.iter().map(ToString::to_string).collect();
        let request = CheckDeciderRequest { permission: permission.into(), person_ids };
        let answer = members.check_decider(request).await.map_err(peer_error)?;
        if answer.into_inner().exists {
            return Ok(());
        }
        Err(Error::InvalidState {
            cause: "no_decider",
            message: "nobody else may decide on it; give somebody the permission, or take the site's gate away",
        })
    }
}
