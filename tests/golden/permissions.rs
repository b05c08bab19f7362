//! Who may do what: roles by permissions, and roles by RPCs.

use std::fmt::Write as _;

use devsphere_auth::{PermissionSet, Role};
use devsphere_proto::{Access, Contract};

/// Both grids; a row's place in the first is the permission's bit.
pub(super) fn text(contract: &Contract) -> String {
    let holders: Vec<(String, PermissionSet)> = Role::ALL
        .into_iter()
        .map(|role| (role.to_string(), role.permissions()))
        .chain([("platform_admin".to_owned(), Role::platform_permissions())])
        .collect();
    let names: Vec<&str> = holders.iter().map(|(name, _)| name.as_str()).collect();

    let mut text = String::new();
    let _ = writeln!(text, "{}", row("permission", names.iter().copied(), ""));
    for (bit, permission) in (0..).zip(contract.permissions()) {
        let held = holders.iter().map(|(_, held)| mark(held.has(bit)));
        let _ = writeln!(text, "{}", row(permission, held, ""));
    }
    let _ = writeln!(text, "\n{}", row("rpc", names.iter().copied(), "anybody else"));
    for method in contract.methods() {
        let (held, beside): (Vec<bool>, String) = match &method.access {
            Access::Public => (vec![true; holders.len()], "everybody".into()),
            Access::SelfOnly => (vec![true; holders.len()], "every person".into()),
            Access::Granted { permission, link } => {
                let has =
                    |held: &PermissionSet| permission.is_some_and(|needed| held.has(needed.bit));
                let link = link.map(|verb| format!("a link to {verb}"));
                (holders.iter().map(|(_, held)| has(held)).collect(), link.unwrap_or_default())
            }
            Access::Internal { services, .. } => {
                (vec![false; holders.len()], format!("the services {}", services.join(", ")))
            }
        };
        let path = method.path.trim_start_matches("/devsphere.");
        let _ = writeln!(text, "{}", row(path, held.into_iter().map(mark), &beside));
    }
    text
}

const fn mark(held: bool) -> &'static str {
    if held { "x" } else { "." }
}

fn row<'a>(name: &str, cells: impl Iterator<Item = &'a str>, beside: &str) -> String {
    let cells: String = cells.map(|cell| format!(" {cell:^8}")).collect();
    format!("{name:<52}{cells}  {beside}").trim_end().to_owned()
}
