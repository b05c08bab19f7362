//! The TypeScript client, packed as its users get it: in Node, and in headless Chromium.

use std::{
    io::{BufRead as _, BufReader, Lines, Write as _},
    process::{Child, ChildStdout, Command, Stdio},
};

use devsphere_boot::Tasks;
use devsphere_testkit::provider::Wire;
use serde_json::{Value, json};
use tokio::task::block_in_place;

use super::{
    drafts,
    up::{Folder, Up, root, run},
};

fn node(script: &str) -> Command {
    let mut command = Command::new("node");
    command.arg(root().join("tests/clients/typescript/dist").join(script));
    command
}

/// Where the mesh is, and who may sign in.
fn given(up: &Up) -> Value {
    let account = |role| {
        let (email, password) = up.demo(role);
        json!({ "email": email, "password": password })
    };
    json!({
        "gateway": format!("http://{}", up.address()),
        "manager": account("manager"),
        "ceo": account("ceo"),
        "viewer": account("viewer"),
    })
}

/// A browser and the server of its pages. They are there before the mesh, which has to know by
/// which address people come.
struct Chromium {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    sites: Value,
}

impl Chromium {
    fn start(script: &str) -> Self {
        let piped = node(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = piped.unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let sites = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        Self { child, lines, sites }
    }

    fn site(&self, name: &str) -> &str {
        self.sites[name].as_str().unwrap()
    }

    fn travels(mut self, given: &Value) {
        writeln!(self.child.stdin.take().unwrap(), "{given}").unwrap();
        let last = self.lines.next();
        assert!(self.child.wait().unwrap().success());
        assert_eq!(last.unwrap().unwrap(), "the journey is done");
    }
}

#[test]
fn the_client_in_node_makes_the_journey_in_two_organisations() {
    let folder = Folder::fresh();
    let up = Up::start(&folder.0, &["--demo"]);

    let told = run(node("node.js").arg(given(&up).to_string()));

    assert_eq!(told.as_deref(), Ok("the journey is done\n"));
}

#[test]
fn two_tabs_of_chromium_in_two_organisations_share_a_cookie_and_nothing_else() {
    let chromium = Chromium::start("browser.js");
    let folder = Folder::fresh();
    let sites = [chromium.site("own"), chromium.site("listed")];
    let flags = ["--demo", "--public-url", sites[0], "--allowed-origin", sites[1]];
    let up = Up::start(&folder.0, &flags);

    chromium.travels(&given(&up));
}

#[tokio::test(flavor = "multi_thread")]
async fn chromium_makes_the_journey_of_a_draft() {
    let tasks = Tasks::default();
    let model = drafts::model(&tasks).await.url(Wire::OpenAi);
    let folder = Folder::fresh();

    block_in_place(|| {
        let chromium = Chromium::start("drafting.js");
        let home = chromium.site("own");
        let flags = ["--demo", "--public-url", home, "--allow-private", "127.0.0.1"];
        let up = Up::start(&folder.0, &flags);
        let mut given = given(&up);
        given["model"] = json!(model);
        chromium.travels(&given);
    });

    tasks.stop().await;
}
