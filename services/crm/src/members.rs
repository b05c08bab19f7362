//! Who may own a record: asked of identity, before any transaction.

use std::collections::HashMap;

use devsphere_auth::{Kind, Permit};
use devsphere_boot::{Stub, peer_error};
use devsphere_error::{Check, Result};
use devsphere_ids::PersonId;
use devsphere_proto::identity::v1::{
    CheckMemberRequest, member_service_client::MemberServiceClient,
};

/// The way to identity's members.
#[derive(Clone)]
pub(crate) struct Members {
    identity: Stub,
}

impl Members {
    pub(crate) const fn new(identity: Stub) -> Self {
        Self { identity }
    }

    /// Refuses each field whose person is not an active member. Asks once for each person, and
    /// never for the caller.
    pub(crate) async fn check(
        &self,
        permit: &Permit,
        owners: impl IntoIterator<Item = (String, PersonId)>,
    ) -> Result<()> {
        let caller = permit.caller();
        let mut known = HashMap::from([(PersonId::from(caller.id()), caller.kind() == Kind::User)]);
        let mut check = Check::default();
        for (field, person_id) in owners {
            let active = match known.get(&person_id) {
                Some(active) => *active,
                None => self.is_active(permit, person_id).await?,
            };
            known.insert(person_id, active);
            if !active {
                check.note(field, "is not an active member");
            }
        }
        check.done()
    }

    async fn is_active(&self, permit: &Permit, person_id: PersonId) -> Result<bool> {
        let mut members = MemberServiceClient::new(self.identity.of(permit));
        let request = CheckMemberRequest { person_id: person_id.to_string() };
        let answer = members.check_member(request).await.map_err(peer_error)?;
        Ok(answer.into_inner().active_internal)
    }
}
