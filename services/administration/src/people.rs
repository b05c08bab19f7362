//! What people are called in the organisation: asked of identity, outside of any transaction.

use std::collections::{BTreeSet, HashMap};

use devsphere_auth::Permit;
use devsphere_boot::{Stub, peer_error};
use devsphere_error::Result;
use devsphere_ids::PersonId;
use devsphere_proto::identity::v1::{
    ListMembersRequest, member_service_client::MemberServiceClient,
};

/// A filter of so many ids is as long as a filter may be.
const AT_ONCE: usize = 40;
/// Lists leave out who was removed, unless asked for each state.
const EVER: &str = "state = (active OR deactivated OR removed)";
const PERMISSION: &str = "identity.members.read";

/// The way to identity's members.
#[derive(Clone)]
pub(crate) struct People {
    identity: Stub,
}

impl People {
    pub(crate) const fn new(identity: Stub) -> Self {
        Self { identity }
    }

    /// The names of those who are or were members. Nobody learns one whom they may not read: a
    /// caller without the permission to read members gets none.
    pub(crate) async fn names(
        &self,
        permit: &Permit,
        people: impl IntoIterator<Item = PersonId>,
    ) -> Result<HashMap<PersonId, String>> {
        let people: BTreeSet<PersonId> = people.into_iter().collect();
        let mut names = HashMap::new();
        if !permit.caller().permissions().names().any(|name| name == PERMISSION) {
            return Ok(names);
        }
        let mut members = MemberServiceClient::new(self.identity.of(permit));
        let people: Vec<_> = people.into_iter().map(|person| person.to_string()).collect();
        for some in people.chunks(AT_ONCE) {
            let request = ListMembersRequest {
                filter: format!("person_id = ({}) AND {EVER}", some.join(" OR ")),
                order_by: "create_time".into(),
                page_size: 200,
                ..Default::default()
            };
            let found = members.list_members(request).await.map_err(peer_error)?.into_inner();
            for member in found.members {
                if let Ok(person) = member.person_id.parse() {
                    // Who left and came back is called as now.
                    names.insert(person, member.display_name);
                }
            }
        }
        Ok(names)
    }
}
