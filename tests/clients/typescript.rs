//! The TypeScript client, packed as its users get it: in Node, and in headless Chromium.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Command, Stdio},
};

use serde_json::{Value, json};

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

#[test]
fn two_tabs_of_chromium_in_two_organisations_share_a_cookie_and_nothing_else() {
    // The page's server is there first: the mesh has to know by which address people come.
    let mut child =
        node("browser.js").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let sites: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    let site = |name: &str| sites[name].as_str().unwrap();
    let folder = Folder::fresh();
    let flags = ["--demo", "--public-url", site("own"), "--allowed-origin", site("listed")];
    let up = Up::start(&folder.0, &flags);

    writeln!(child.stdin.take().unwrap(), "{}", given(&up)).unwrap();

    let last = lines.next();
    assert!(child.wait().unwrap().success());
    assert_eq!(last.unwrap().unwrap(), "the journey is done");
}
