//! What a custom role is, what it may give, and who may change it.

mod catalogue;
pub(crate) mod rpc;
pub(crate) mod store;

use chrono::{DateTime, Utc};
use devsphere_auth::Caller;
use devsphere_error::{Check, Error, Result};
use devsphere_ids::CustomRoleId;
use devsphere_proto::{Contract, identity::v1 as pb};
use devsphere_rpc::{etag, mask::Mask, time::timestamp};

/// An organisation has at most so many of them.
pub(crate) const MAX_ROLES: i64 = 1_000;

/// Permissions of whoever runs the installation, which no organisation gives.
const PLATFORM: &str = "platform.";

/// A role that an organisation made itself.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct CustomRole {
    custom_role_id: CustomRoleId,
    display_name: String,
    description: String,
    permissions: Vec<String>,
    member_count: i32,
    /// The caller is one of its holders.
    own: bool,
    create_time: DateTime<Utc>,
    update_time: DateTime<Utc>,
    version: i64,
}

impl CustomRole {
    /// Refuses a caller who lacks what the role gives, or who holds the role.
    ///
    /// # Errors
    /// `Forbidden` or `InvalidState`.
    fn within_reach(&self, caller: &Caller) -> Result<()> {
        if self.own {
            return Err(Error::InvalidState {
                cause: "own_role",
                message: "nobody changes a role of their own",
            });
        }
        holds(caller, self.permissions.iter().map(String::as_str))
    }

    /// Refuses to take it from its holders in passing.
    fn is_free(&self, force: bool) -> Result<()> {
        if self.member_count > 0 && !force {
            return Err(Error::InvalidState {
                cause: "role_held",
                message: "members hold the role, take it from them first or use force",
            });
        }
        Ok(())
    }

    fn to_wire(&self, caller: &Caller) -> pb::CustomRole {
        let may = |(verb, permission): (&'static str, &str)| {
            let held = caller.permissions().names().any(|name| name == permission);
            (held && self.within_reach(caller).is_ok()).then(|| verb.to_owned())
        };
        let verbs = [("update", "identity.roles.update"), ("delete", "identity.roles.delete")];
        pb::CustomRole {
            custom_role_id: self.custom_role_id.to_string(),
            display_name: self.display_name.clone(),
            description: self.description.clone(),
            permissions: self.permissions.clone(),
            member_count: self.member_count,
            create_time: Some(timestamp(self.create_time)),
            update_time: Some(timestamp(self.update_time)),
            etag: etag::of(self.version),
            allowed_actions: verbs.into_iter().filter_map(may).collect(),
        }
    }
}

/// A checked new role.
pub(crate) struct Draft {
    content: Content,
    validate_only: bool,
}

/// A checked change of a role.
pub(crate) struct Update {
    custom_role_id: CustomRoleId,
    etag: String,
    mask: Mask,
    content: Content,
    validate_only: bool,
}

/// What people write into a role.
#[derive(Debug, Clone)]
struct Content {
    display_name: String,
    description: String,
    permissions: Vec<String>,
}

impl Update {
    /// The role as it would be, if the caller may make it so.
    fn apply(&self, role: &CustomRole, caller: &Caller) -> Result<CustomRole> {
        etag::check(&self.etag, role.version)?;
        role.within_reach(caller)?;
        let mut changed = role.clone();
        if self.mask.has("display_name") {
            changed.display_name.clone_from(&self.content.display_name);
        }
        if self.mask.has("description") {
            changed.description.clone_from(&self.content.description);
        }
        if self.mask.has("permissions") {
            holds(caller, self.content.permissions.iter().map(String::as_str))?;
            changed.permissions.clone_from(&self.content.permissions);
        }
        Ok(changed)
    }
}

impl TryFrom<pb::CreateCustomRoleRequest> for Draft {
    type Error = Error;

    fn try_from(request: pb::CreateCustomRoleRequest) -> Result<Self> {
        let content = content(request.custom_role.unwrap_or_default(), |_| true)?;
        Ok(Self { content, validate_only: request.validate_only })
    }
}

impl TryFrom<pb::UpdateCustomRoleRequest> for Update {
    type Error = Error;

    fn try_from(request: pb::UpdateCustomRoleRequest) -> Result<Self> {
        let fields = &["display_name", "description", "permissions"];
        let mask = Mask::new(request.update_mask.as_ref(), fields)?;
        let role = request.custom_role.unwrap_or_default();
        let id = role.custom_role_id.parse();
        Ok(Self {
            custom_role_id: id
                .map_err(|_| Error::field("custom_role.custom_role_id", "is required"))?,
            etag: role.etag.clone(),
            content: content(role, |field| mask.has(field))?,
            mask,
            validate_only: request.validate_only,
        })
    }
}

/// The written part of a role; only the fields that are `asked` for need to be right.
fn content(role: pb::CustomRole, asked: impl Fn(&str) -> bool) -> Result<Content> {
    let contract = Contract::get().map_err(|error| Error::internal(error.to_string()))?;
    let display_name = role.display_name.trim().to_owned();
    let mut check = Check::default();
    if asked("display_name") && display_name.is_empty() {
        check.note("custom_role.display_name", "must not be blank");
    }
    if asked("permissions") {
        if role.permissions.is_empty() {
            check.note("custom_role.permissions", "must name at least one");
        }
        for (place, name) in role.permissions.iter().enumerate() {
            let field = || format!("custom_role.permissions[{place}]");
            if name.starts_with(PLATFORM) {
                check.note(field(), "is the platform's, which no organisation gives");
            } else if contract.permission(name).is_none() {
                check.note(field(), "is no permission, see ListPermissions");
            }
        }
    }
    check.done()?;
    let mut permissions = role.permissions;
    permissions.sort_unstable();
    Ok(Content { display_name, description: role.description, permissions })
}

/// Nobody gives, or takes, what they do not hold. A name that this build does not know gives
/// nothing, and is passed over.
///
/// # Errors
/// `Forbidden` naming what the caller lacks.
pub(crate) fn holds<'a>(caller: &Caller, names: impl IntoIterator<Item = &'a str>) -> Result<()> {
    let contract = Contract::get().map_err(|error| Error::internal(error.to_string()))?;
    for permission in names.into_iter().filter_map(|name| contract.permission(name)) {
        if !caller.permissions().has(permission.bit) {
            return Err(Error::Forbidden(permission.name));
        }
    }
    Ok(())
}

/// What giving a role would give.
#[derive(Debug, serde::Deserialize)]
pub(crate) struct Gift {
    pub(crate) custom_role_id: CustomRoleId,
    pub(crate) permissions: Vec<String>,
}

/// A role that somebody holds.
#[derive(Debug, serde::Deserialize)]
pub(crate) struct Held {
    custom_role_id: CustomRoleId,
    display_name: String,
    permissions: Vec<String>,
}

impl From<Held> for pb::CustomRole {
    fn from(held: Held) -> Self {
        Self {
            custom_role_id: held.custom_role_id.to_string(),
            display_name: held.display_name,
            permissions: held.permissions,
            ..Self::default()
        }
    }
}

/// Refuses roles that are not there, and what the caller may not give.
///
/// # Errors
/// A violation on each place of `field` that names none; `Forbidden`.
pub(crate) fn may_give(
    caller: &Caller,
    field: &str,
    asked: &[CustomRoleId],
    found: &[Gift],
) -> Result<()> {
    let mut check = Check::default();
    for (place, id) in asked.iter().enumerate() {
        if found.iter().all(|gift| gift.custom_role_id != *id) {
            check.note(format!("{field}[{place}]"), "is no role of this organisation");
        }
    }
    check.done()?;
    holds(caller, found.iter().flat_map(|gift| &gift.permissions).map(String::as_str))
}

/// The ids of a field that names custom roles, in one order.
pub(crate) fn ids(texts: &[String]) -> Vec<CustomRoleId> {
    let mut ids: Vec<_> = texts.iter().filter_map(|text| text.parse().ok()).collect();
    ids.sort_unstable();
    ids
}

/// What stored names give: those that this build knows, and never one of the platform's.
///
/// # Errors
/// When the contracts of this build are broken.
pub(crate) fn permissions(names: &[String]) -> Result<devsphere_auth::PermissionSet> {
    let contract = Contract::get().map_err(|error| Error::internal(error.to_string()))?;
    let given = names.iter().filter(|name| !name.starts_with(PLATFORM));
    Ok(given.filter_map(|name| contract.permission(name)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_names_give_what_is_known_and_nothing_of_the_platform() {
        let stored = ["crm.leads.read", "crm.*", "crm.leads.fly", "platform.instance.update"];

        let given = permissions(&stored.map(str::to_owned)).unwrap();

        assert_eq!(given.names().collect::<Vec<_>>(), ["crm.leads.read"]);
    }
}
