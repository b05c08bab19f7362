//! What a request writes into a membership, checked.

use devsphere_auth::{Caller, Role};
use devsphere_error::{Error, Result};
use devsphere_ids::{CustomRoleId, MemberId};
use devsphere_proto::identity::v1 as pb;
use devsphere_rpc::{etag, mask::Mask};

use super::{Member, Verb};
use crate::{
    custom_role::{self, Gift},
    role::role_from_wire,
    session::address,
};

/// A checked new member.
pub(crate) struct Draft {
    pub(crate) email: String,
    pub(crate) display_name: String,
    pub(crate) role: Role,
    pub(crate) custom_role_ids: Vec<CustomRoleId>,
    pub(crate) validate_only: bool,
}

impl TryFrom<pb::CreateMemberRequest> for Draft {
    type Error = Error;

    fn try_from(request: pb::CreateMemberRequest) -> Result<Self> {
        let member = request.member.unwrap_or_default();
        let role = role_from_wire(member.role(), "member.role")?;
        let email = address(&member.email);
        let name = member.display_name.trim();
        // Until they choose a name, the part before the @ stands for one.
        let display_name =
            if name.is_empty() { email.split('@').next().unwrap_or_default() } else { name };
        Ok(Self {
            display_name: display_name.to_owned(),
            email,
            role,
            custom_role_ids: custom_role::ids(&member.custom_role_ids),
            validate_only: request.validate_only,
        })
    }
}

/// A checked change of a member.
pub(crate) struct Update {
    pub(crate) member_id: MemberId,
    pub(crate) role: Option<Role>,
    pub(crate) custom_role_ids: Option<Vec<CustomRoleId>>,
    pub(crate) etag: String,
    pub(crate) validate_only: bool,
}

impl Update {
    /// The member as it would be, if the caller may make it so with what the roles give.
    ///
    /// # Errors
    /// What stands in the way.
    pub(crate) fn apply(&self, member: &Member, gifts: &[Gift], caller: &Caller) -> Result<Member> {
        etag::check(&self.etag, member.version)?;
        member.within_reach(caller)?;
        member.step(Verb::Update)?;
        let mut changed = member.clone();
        if let Some(role) = self.role {
            changed.role = role.to_string();
        }
        if let Some(ids) = &self.custom_role_ids {
            custom_role::may_give(caller, "member.custom_role_ids", ids, gifts)?;
            changed.custom_role_ids.clone_from(ids);
            changed.custom_permissions =
                gifts.iter().flat_map(|gift| gift.permissions.clone()).collect();
        }
        Ok(changed)
    }
}

impl TryFrom<pb::UpdateMemberRequest> for Update {
    type Error = Error;

    fn try_from(request: pb::UpdateMemberRequest) -> Result<Self> {
        let mask = Mask::new(request.update_mask.as_ref(), &["role", "custom_role_ids"])?;
        let member = request.member.unwrap_or_default();
        let role = mask.has("role").then(|| role_from_wire(member.role(), "member.role"));
        let id = member.member_id.parse();
        Ok(Self {
            member_id: id.map_err(|_| Error::field("member.member_id", "is required"))?,
            role: role.transpose()?,
            custom_role_ids: mask
                .has("custom_role_ids")
                .then(|| custom_role::ids(&member.custom_role_ids)),
            etag: member.etag,
            validate_only: request.validate_only,
        })
    }
}
