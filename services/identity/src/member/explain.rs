//! Why a member may or may not do something.

use devsphere_auth::{PermissionSet, Role};
use devsphere_error::{Error, Result};
use devsphere_ids::CustomRoleId;
use devsphere_proto::{Contract, Permission, identity::v1 as pb};
use serde::Deserialize;

use super::Member;
use crate::{custom_role, role::role_to_wire};

/// A custom role that gives the permission in question.
#[derive(Debug, Deserialize)]
pub(super) struct Granting {
    custom_role_id: CustomRoleId,
    display_name: String,
    held: bool,
}

/// A permission as a request names it.
pub(super) fn permission(name: &str) -> Result<Permission> {
    let contract = Contract::get().map_err(|error| Error::internal(error.to_string()))?;
    contract.permission(name).ok_or_else(|| {
        Error::field("permission", format!("is none of {}", contract.permissions().join(", ")))
    })
}

/// The roles that give it.
pub(super) fn giving(permission: Permission) -> impl Iterator<Item = Role> {
    Role::ALL.into_iter().filter(move |role| role.permissions().has(permission.bit))
}

pub(super) fn answer(
    member: &Member,
    permission: Permission,
    granting: &[Granting],
) -> Result<pb::ExplainResponse> {
    let role = member.role()?;
    let active = member.is_active();
    let by_role = role.permissions().has(permission.bit);
    let by_custom_role = granting.iter().find(|granting| granting.held);
    let allowed = active && (by_role || by_custom_role.is_some());
    let explanation = match by_custom_role {
        _ if !active => "is not an active member".into(),
        _ if by_role => format!("the role {role} gives it"),
        Some(custom) => format!("the custom role {:?} gives it", custom.display_name),
        None if member.custom_role_ids.is_empty() => format!("the role {role} does not give it"),
        None => format!("neither the role {role} nor a custom role of theirs gives it"),
    };
    let held = role.permissions().union(&custom_role::permissions(&member.custom_permissions)?);
    let module = permission.name.split('.').next().unwrap_or_default();
    let all = PermissionSet::matching(&[&format!("{module}.all")]);
    let roles = giving(permission).map(|role| role_to_wire(role).into());
    Ok(pb::ExplainResponse {
        allowed,
        explanation,
        role: role_to_wire(role).into(),
        granting_roles: roles.collect(),
        sees_all: allowed && held.covers(&all),
        granting_custom_roles: granting.iter().map(to_wire).collect(),
    })
}

fn to_wire(granting: &Granting) -> pb::GrantingRole {
    pb::GrantingRole {
        custom_role_id: granting.custom_role_id.to_string(),
        display_name: granting.display_name.clone(),
        held: granting.held,
    }
}
