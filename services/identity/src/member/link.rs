//! The activation link of a new member, shown once.

use devsphere_ids::CustomRoleId;
use devsphere_proto::identity::v1 as pb;
use prost_types::Timestamp;

use super::{ACTIVATION_LIFETIME, Draft};
use crate::{
    Core,
    role::role_to_wire,
    secret::{Opaque, now},
};

pub(super) fn with(core: &Core, member: pb::Member, token: Opaque) -> pb::CreateMemberResponse {
    let activation_token = token.into_text();
    let seconds = now() + ACTIVATION_LIFETIME.as_secs().cast_signed();
    pb::CreateMemberResponse {
        member: Some(member),
        // From the configuration: a link never takes its host from a request.
        activation_link: format!("{}/activate#{activation_token}", core.public_url),
        activation_token,
        activation_expire_time: Some(Timestamp { seconds, nanos: 0 }),
    }
}

/// What a dry run answers: no id, no version, no link.
pub(super) fn would_be(draft: &Draft) -> pb::CreateMemberResponse {
    pb::CreateMemberResponse {
        member: Some(pb::Member {
            email: draft.email.clone(),
            display_name: draft.display_name.clone(),
            role: role_to_wire(draft.role).into(),
            custom_role_ids: draft.custom_role_ids.iter().map(CustomRoleId::to_string).collect(),
            state: pb::MemberState::Active.into(),
            ..pb::Member::default()
        }),
        ..pb::CreateMemberResponse::default()
    }
}
