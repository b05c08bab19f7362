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

    /// Others who have the permission, two at most: enough to know that one is left when the other
    /// is barred as well.
    pub(crate) async fn beside(&self, permit: &Permit, permission: &str) -> Result<Vec<PersonId>> {
        let mut members = MemberServiceClient::new(self.identity.of(permit));
        let submitted_by = permit.caller().id().to_string();
        let request = CheckDeciderRequest { permission: permission.into(), submitted_by };
        let answer = members.check_decider(request).await.map_err(peer_error)?;
        let person_ids = answer.into_inner().person_ids;
        let ids = person_ids.iter().map(|id| id.parse());
        ids.collect::<Result<_, _>>().map_err(|_| Error::internal("identity answered no id"))
    }
}

/// Refuses to ask for a decision where everybody who could give it is barred.
pub(crate) fn check(others: &[PersonId], barred: &[PersonId]) -> Result<()> {
    if others.iter().any(|other| !barred.contains(other)) {
        return Ok(());
    }
    Err(Error::InvalidState {
        cause: "no_decider",
        message: "nobody else may decide on it; give somebody the permission, or take the site's gate away",
    })
}
