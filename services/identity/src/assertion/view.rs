//! What may be seen through another member's eyes.

use devsphere_auth::{Caller, Kind, Organization, PermissionSet, Subject};
use devsphere_error::{Error, Result};
use devsphere_proto::{Contract, Permission};

use crate::{custom_role, member::Member};

/// The member as somebody who only looks: what they may read, as far as the caller may too. In a
/// module that narrows, a caller who does not see everything sees nothing through another.
///
/// # Errors
/// When the caller stands in no organisation.
pub(super) fn of(contract: &Contract, caller: &Caller, member: &Member) -> Result<Subject> {
    let organization = caller.organization().cloned();
    let organization =
        organization.ok_or_else(|| Error::internal("a member of no organisation"))?;
    let role = member.role()?;
    let own = role.permissions().union(&custom_role::permissions(&member.custom_permissions)?);
    let seen = |permission: &Permission| {
        let module = permission.name.split('.').next().unwrap_or_default();
        let all = contract.permission(&format!("{module}.all"));
        let reads = permission.name.ends_with(".read") || permission.name.ends_with(".all");
        let held = own.has(permission.bit) && caller.permissions().has(permission.bit);
        let whole = all.is_none_or(|all| caller.permissions().has(all.bit));
        reads && held && whole
    };
    let known = contract.permissions().iter().filter_map(|name| contract.permission(name));
    let permissions: PermissionSet = known.filter(seen).collect();
    Ok(Subject {
        kind: Kind::View,
        id: member.person_id.uuid(),
        session: None,
        organization: Some(Organization { role: Some(role), epoch: member.epoch, ..organization }),
        client: None,
        permissions: if member.is_active() { permissions } else { PermissionSet::EMPTY },
    })
}
