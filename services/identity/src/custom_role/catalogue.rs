//! Every permission that a role may give, as the contracts declare it.

use devsphere_auth::{Caller, Role};
use devsphere_proto::{Access, Contract, Method, comment, identity::v1 as pb};

use super::PLATFORM;
use crate::role::role_to_wire;

/// The permissions, in alphabetical order, marked by what the caller holds.
pub(super) fn list(contract: &Contract, caller: &Caller) -> Vec<pb::Permission> {
    let mut names: Vec<_> = contract.permissions().to_vec();
    names.retain(|name| !name.starts_with(PLATFORM));
    names.sort_unstable();
    let known = names.into_iter().filter_map(|name| contract.permission(name));
    known
        .map(|permission| {
            let methods: Vec<_> =
                contract.methods().filter(|method| needs(method, permission.name)).collect();
            let (module, rest) = permission.name.split_once('.').unwrap_or_default();
            // `crm.all` is about the whole module.
            let (noun, verb) = rest.rsplit_once('.').unwrap_or(("", rest));
            let roles = Role::ALL.into_iter().filter(|role| role.permissions().has(permission.bit));
            pb::Permission {
                name: permission.name.to_owned(),
                module: module.to_owned(),
                noun: noun.to_owned(),
                verb: verb.to_owned(),
                description: description(module, verb, &methods),
                methods: methods
                    .iter()
                    .map(|method| method.descriptor.full_name().into())
                    .collect(),
                roles: roles.map(|role| role_to_wire(role).into()).collect(),
                held: caller.permissions().has(permission.bit),
            }
        })
        .collect()
}

fn needs(method: &Method, name: &str) -> bool {
    matches!(method.access, Access::Granted { permission: Some(needed), .. } if needed.name == name)
}

/// What the methods do, in the first sentence of each one's comment.
fn description(module: &str, verb: &str, methods: &[&Method]) -> String {
    if methods.is_empty() && verb == "all" {
        return format!(
            "Sees every record of {module}, not only own, handed-over and unowned ones."
        );
    }
    let sentences: Vec<_> = methods.iter().map(|method| first_sentence(&comment(method))).collect();
    sentences.join(" ")
}

fn first_sentence(comment: &str) -> String {
    let paragraph = comment.split("\n\n").next().unwrap_or_default();
    let line = paragraph.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.split_once(". ") {
        Some((first, _)) => format!("{first}."),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_is_the_first_sentence_of_the_contract() {
        let said = "Reads one lead,\n trashed ones\n included. And more.\n\n Errors: NOT_FOUND.";

        assert_eq!(first_sentence(said), "Reads one lead, trashed ones included.");
        assert_eq!(first_sentence("Reads one lead."), "Reads one lead.");
    }
}
