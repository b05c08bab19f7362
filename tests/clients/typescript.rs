//! The TypeScript client, packed as its users get it: in Node.

use std::process::Command;

use serde_json::json;

use super::up::{Folder, Up, root, run};

fn node(script: &str) -> Command {
    let mut command = Command::new("node");
    command.arg(root().join("tests/clients/typescript/dist").join(script));
    command
}

/// Where the mesh is, and who may sign in.
fn given(up: &Up) -> String {
    let account = |role| {
        let (email, password) = up.demo(role);
        json!({ "email": email, "password": password })
    };
    json!({
        "gateway": format!("http://{}", up.address()),
        "manager": account("manager"),
        "ceo": account("ceo"),
    })
    .to_string()
}

#[test]
fn the_client_in_node_makes_the_journey_in_two_organisations() {
    let folder = Folder::fresh();
    let up = Up::start(&folder.0, &["--demo"]);

    let told = run(node("node.js").arg(given(&up)));

    assert_eq!(told.as_deref(), Ok("the journey is done\n"));
}
