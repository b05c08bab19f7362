//! `devsphere doctor`: nothing is wrong with a mesh at work, a role that has become stronger than the walls
//! is named, and so is what keeps a provider of models from answering.

#![expect(clippy::disallowed_methods, reason = "does to a role what no RPC can")]

use std::{fs, net::TcpListener, os::unix::fs::PermissionsExt as _, path::Path};

use devsphere_boot::Tasks;
use devsphere_testkit::provider::{Script, ScriptedProvider, Wire};
use sqlx::{Connection as _, Executor as _, PgConnection};
use tokio::task::block_in_place;

use super::up::{Folder, Up};
use crate::deployment::backup::devsphere;

/// What somebody did to a role, how it is undone, and what the doctor calls the role.
const FAULTS: [[&str; 3]; 4] = [
    ["alter role devsphere_crm bypassrls", "alter role devsphere_crm nobypassrls", "devsphere_crm"],
    [
        "alter role devsphere_sealer createrole",
        "alter role devsphere_sealer nocreaterole",
        "devsphere_sealer",
    ],
    [
        "grant devsphere_owner to devsphere_backup",
        "revoke devsphere_owner from devsphere_backup",
        "devsphere_backup",
    ],
    [
        "alter role devsphere_backup nobypassrls",
        "alter role devsphere_backup bypassrls",
        "devsphere_backup",
    ],
];

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_is_not_as_strong_as_it_should_be_is_named_and_no_other() {
    let folder = Folder::fresh();
    let up = Up::start(&folder.0, &[]);
    let doctor = || {
        let output = block_in_place(|| devsphere("doctor", &folder.0).output()).unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let mut admin = PgConnection::connect_with(&up.database()).await.unwrap();

    let (code, said) = doctor();
    assert_eq!((code, said.contains("FAIL")), (Some(0), false), "{said}");
    for [fault, mended, role] in FAULTS {
        admin.execute(fault).await.unwrap();
        let (code, said) = doctor();
        let failed: Vec<_> = said.lines().filter(|line| line.starts_with("FAIL")).collect();
        assert!(code == Some(1) && failed.len() == 1, "{fault}: {said}");
        assert!(failed[0].contains(role) && failed[0].contains("than it should be"), "{said}");
        admin.execute(mended).await.unwrap();
    }
    assert_eq!(doctor().0, Some(0));
}

const KEY: &str = "sk-the-secret-of-this-test";

/// What the doctor says of the provider where nothing else is to be looked at: its line, and a remedy.
fn of_provider(folder: &Path, flags: &[&str]) -> String {
    let output = block_in_place(|| devsphere("doctor", folder).args(flags).output()).unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(!said.contains(KEY), "{said}");
    let lines = said.lines().skip_while(|line| !line.contains(" ai provider: "));
    lines.take(2).collect::<Vec<_>>().join(" ")
}

/// A provider that always does the same, and the flags that lead to it.
async fn offered(tasks: &Tasks, wire: Wire, script: Script) -> (ScriptedProvider, Vec<String>) {
    let scripted = ScriptedProvider::start(tasks, move |_| script.clone()).await;
    let format = if wire == Wire::OpenAi { "openai" } else { "anthropic" };
    let url = scripted.url(wire);
    let flags = ["--ai-provider", format, "--ai-model", "model-1", "--ai-url", &url];
    let flags = flags.map(str::to_owned).into();
    (scripted, flags)
}

fn with<'f>(flags: &'f [String], more: &[&'f str]) -> Vec<&'f str> {
    flags.iter().map(String::as_str).chain(more.iter().copied()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_answers_is_asked_once_with_the_key_of_its_file() {
    let (folder, tasks) = (Folder::fresh(), Tasks::default());
    let key = folder.0.join("ai.key");
    fs::write(&key, format!("{KEY}\n")).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    let more = ["--allow-private", "127.0.0.1", "--ai-key-file", key.to_str().unwrap()];

    for wire in Wire::ALL {
        let stop = if wire == Wire::OpenAi { "length" } else { "max_tokens" };
        for script in [Script::text("Yes."), Script::text("Yes, I").stop(stop)] {
            let (scripted, flags) = offered(&tasks, wire, script).await;

            let said = of_provider(&folder.0, &with(&flags, &more));

            assert!(said.starts_with("ok    ai provider: model-1 answers after "), "{said}");
            let calls = scripted.calls();
            assert_eq!(calls.len(), 1);
            assert_eq!((calls[0].model.as_str(), calls[0].key.as_str()), ("model-1", KEY));
        }
        fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
        let (scripted, flags) = offered(&tasks, wire, Script::text("Yes.")).await;
        let said = of_provider(&folder.0, &with(&flags, &more));
        assert!(said.starts_with("FAIL  ") && said.contains("mode 644, which lets"), "{said}");
        assert!(scripted.calls().is_empty());
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_keeps_a_provider_from_answering_is_told_with_what_to_do() {
    let (folder, tasks) = (Folder::fresh(), Tasks::default());
    let local = ["--allow-private", "127.0.0.1"];
    let key = Script::refusal(401, "authentication_error", "invalid x-api-key");
    let model = Script::refusal(404, "not_found_error", "model: model-1");
    let path = Script::refusal(404, "not_found_error", "no such path");
    for wire in Wire::ALL {
        for (script, what, remedy) in [
            (&key, "does not accept the key", "-> give its key in a file of mode 0600"),
            (&model, "has no such model: model: model-1", "-> name a model that it has"),
            (&path, "refused the request (404)", "-> look whether --ai-url leads to"),
        ] {
            let (_scripted, flags) = offered(&tasks, wire, script.clone()).await;

            let said = of_provider(&folder.0, &with(&flags, &local));

            assert!(said.starts_with("FAIL  ai provider: model-1 at http://127.0.0.1:"), "{said}");
            assert!(said.contains(what) && said.contains(remedy), "{said}");
        }
    }
    // Nobody listens there any more.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}/v1");
    let flags = ["--ai-provider", "openai", "--ai-model", "model-1", "--ai-url", &url];
    let said = of_provider(&folder.0, &[&flags[..], &local].concat());
    assert!(said.contains("cannot be reached") && said.contains("-> start the server"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_address_is_not_asked_until_it_is_allowed_as_the_doctor_says() {
    let (folder, tasks) = (Folder::fresh(), Tasks::default());
    let (scripted, flags) = offered(&tasks, Wire::OpenAi, Script::text("Yes.")).await;

    let said = of_provider(&folder.0, &with(&flags, &[]));
    let before = scripted.calls().len();
    let (_, allowance) = said.split_once("add --allow-private ").unwrap();
    let after = of_provider(&folder.0, &with(&flags, &["--allow-private", allowance]));

    assert!(said.starts_with("FAIL  ") && before == 0, "{said}");
    assert!(after.starts_with("ok    ") && scripted.calls().len() == 1, "{after}");
    let none = of_provider(&folder.0, &["--allow-private", "127.0.0.1"]);
    assert!(none.starts_with("ok    ") && none.contains("none is offered"), "{none}");
}
