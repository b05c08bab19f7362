//! What a member may do, derived from the contracts and from their roles.

mod rpc;

use std::collections::BTreeMap;

use devsphere_auth::{Caller, PermissionSet, Role};
use devsphere_error::{Error, Result};
use devsphere_proto::{
    Contract, Permission, Resource, administration::v1 as pb, identity::v1 as identity,
};

pub(crate) use rpc::Accesses;

/// A role of the member, with what it gives.
struct Source {
    display_name: String,
    custom_role_id: String,
    gives: PermissionSet,
}

/// The member's roles, with what each gives.
fn sources(contract: &Contract, roles: &identity::MemberRoles) -> Result<Vec<Source>> {
    let word = roles.role().as_str_name().trim_start_matches("ROLE_").to_lowercase();
    let role: Role = word.parse().map_err(Error::internal)?;
    let own =
        Source { display_name: word, custom_role_id: String::new(), gives: role.permissions() };
    let custom = roles.custom_roles.iter().map(|role| {
        let known = role.permissions.iter().filter_map(|name| contract.permission(name));
        Source {
            display_name: role.display_name.clone(),
            custom_role_id: role.custom_role_id.clone(),
            gives: known.collect(),
        }
    });
    Ok([own].into_iter().chain(custom).collect())
}

/// Every noun of the contracts but the platform's, with what these roles allow.
fn nouns(contract: &Contract, sources: &[Source], active: bool) -> Vec<pb::NounAccess> {
    let mut nouns = BTreeMap::<(&str, &str), Vec<pb::ActionAccess>>::new();
    for permission in contract.permissions().iter().filter_map(|name| contract.permission(name)) {
        let (module, noun, action) = parts(permission);
        if module != "platform" {
            let allowed = action_access(permission, action, sources, active);
            nouns.entry((module, noun)).or_default().push(allowed);
        }
    }
    let access = |((module, noun), mut actions): ((&str, &str), Vec<pb::ActionAccess>)| {
        actions.sort_by(|left, right| left.action.cmp(&right.action));
        let reads = actions.iter().any(|action| action.action == "read" && action.allowed);
        let all = all_of(contract, module);
        let holds = |all: Permission| sources.iter().any(|source| source.gives.has(all.bit));
        pb::NounAccess {
            module: module.into(),
            noun: noun.into(),
            actions,
            // A module without an `all` narrows nothing.
            sees_all: reads && all.is_none_or(holds),
        }
    };
    nouns.into_iter().map(access).collect()
}

fn action_access(
    permission: Permission,
    action: &str,
    sources: &[Source],
    active: bool,
) -> pb::ActionAccess {
    let gives = sources.iter().filter(|source| source.gives.has(permission.bit));
    let through: Vec<_> = gives
        .map(|source| pb::AccessSource {
            display_name: source.display_name.clone(),
            custom_role_id: source.custom_role_id.clone(),
        })
        .collect();
    pb::ActionAccess {
        action: action.into(),
        permission: permission.name.into(),
        allowed: active && !through.is_empty(),
        sources: through,
    }
}

/// Module, noun and action; `crm.all` is about the whole module.
fn parts(permission: Permission) -> (&'static str, &'static str, &'static str) {
    let (module, rest) = permission.name.split_once('.').unwrap_or_default();
    let (noun, action) = rest.rsplit_once('.').unwrap_or(("", rest));
    (module, noun, action)
}

/// The permission that shows every record of a module, where there is one.
fn all_of(contract: &Contract, module: &str) -> Option<Permission> {
    contract.permission(&format!("{module}.all"))
}

/// Refuses whoever does not see the whole collection: they would see more through another's eyes.
fn may_look(contract: &Contract, caller: &Caller, resource: &Resource) -> Result<()> {
    let needed = [resource.permission(), all_of(contract, resource.module)];
    let lacking = needed.into_iter().flatten().find(|needed| !caller.permissions().has(needed.bit));
    lacking.map_or(Ok(()), |lacking| Err(Error::Forbidden(lacking.name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(permissions: &[&str], active: bool) -> Vec<pb::NounAccess> {
        let gives = PermissionSet::matching(permissions);
        let source =
            Source { display_name: "trainee".into(), custom_role_id: String::new(), gives };
        nouns(Contract::get().unwrap(), &[source], active)
    }

    fn leads(permissions: &[&str], active: bool) -> (String, bool) {
        let nouns = access(permissions, active);
        let leads = nouns.iter().find(|noun| noun.noun == "leads").unwrap();
        let allowed = leads.actions.iter().filter(|action| action.allowed);
        let words: Vec<_> = allowed.map(|action| action.action.as_str()).collect();
        (words.join(" "), leads.sees_all)
    }

    #[test]
    fn a_noun_has_what_the_roles_give_and_all_of_it_only_with_the_modules_all() {
        assert_eq!(leads(&["crm.leads.read", "crm.leads.move"], true), ("move read".into(), false));
        assert_eq!(leads(&["crm.leads.read", "crm.all"], true), ("read".into(), true));
        assert_eq!(leads(&["crm.*"], false), (String::new(), false));
    }

    #[test]
    fn nothing_of_the_platform_is_listed() {
        assert!(access(&["*"], true).iter().all(|noun| noun.module != "platform"));
    }
}
