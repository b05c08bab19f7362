//! The house rules that a compiler does not know: arrows between crates, words in SQL, lengths of files.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// The one order in which shared crates stand on each other; those of one step do not know each other.
const ORDER: [&[&str]; 7] = [
    &["proto", "ids"],
    &["error"],
    &["auth"],
    &["db"],
    &["rpc", "egress"],
    &["boot"],
    &["testkit"],
];

/// Only these make assertions.
const MINTS: [&str; 3] = ["shared/auth/", "services/identity/", "shared/testkit/"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// Every package of the workspace: its folder, and the folders it depends on outside of tests.
fn packages() -> BTreeMap<String, Vec<String>> {
    let output = Command::new("cargo")
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let root = root();
    let folder = |path: &str| {
        let path = Path::new(path).strip_prefix(&root).unwrap();
        path.to_str().unwrap().trim_end_matches("/Cargo.toml").to_owned()
    };
    let package = |package: &Value| {
        let dependencies = package["dependencies"].as_array().unwrap().iter();
        let ours = dependencies
            .filter(|dependency| dependency["kind"].is_null())
            .filter_map(|dependency| Some(folder(dependency["path"].as_str()?)))
            .collect();
        (folder(package["manifest_path"].as_str().unwrap()), ours)
    };
    metadata["packages"].as_array().unwrap().iter().map(package).collect()
}

/// The tracked text files with that ending, outside of generated data.
fn files(ending: &str) -> Vec<(String, String)> {
    let output = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .unwrap();
    let listed = String::from_utf8(output.stdout).unwrap();
    let found = listed.lines().filter(|name| name.ends_with(ending));
    found
        .filter_map(|name| Some((name.to_owned(), fs::read_to_string(root().join(name)).ok()?)))
        .collect()
}

fn step(folder: &str) -> Option<usize> {
    let name = folder.strip_prefix("shared/")?;
    ORDER.iter().position(|step| step.contains(&name))
}

#[test]
fn shared_crates_stand_on_each_other_in_one_order() {
    for (folder, dependencies) in packages() {
        let Some(own) = folder.strip_prefix("shared/") else { continue };
        let own = step(&folder).unwrap_or_else(|| panic!("shared/{own} has no place in the order"));
        for dependency in dependencies {
            let under = step(&dependency);
            assert!(under.is_some_and(|under| under < own), "{folder} may not use {dependency}");
        }
    }
}

#[test]
fn a_service_uses_shared_crates_and_never_another_service_or_the_test_kit() {
    for (folder, dependencies) in packages() {
        if !folder.starts_with("services/") && folder != "gateway" {
            continue;
        }
        for dependency in dependencies {
            let fine = dependency.starts_with("shared/") && dependency != "shared/testkit";
            assert!(fine, "{folder} may not use {dependency}");
        }
    }
}

#[test]
fn the_gateway_has_no_database() {
    let manifest = fs::read_to_string(root().join("gateway/Cargo.toml")).unwrap();

    assert!(!manifest.contains("devsphere-db") && !manifest.contains("sqlx"));
}

#[test]
fn only_egress_calls_out_to_the_world() {
    for (name, manifest) in files("Cargo.toml") {
        // The versions stand in the first, and say nothing of who uses them.
        let may = name == "Cargo.toml" || name == "shared/egress/Cargo.toml";
        assert!(may || !manifest.contains("reqwest"), "{name} has a client of its own");
    }
}

#[test]
fn every_crate_takes_lints_and_versions_from_the_workspace() {
    for (name, manifest) in files("Cargo.toml") {
        if name == "Cargo.toml" {
            continue;
        }
        assert!(manifest.contains("[lints]\nworkspace = true"), "{name} has lints of its own");
        let own_version =
            manifest.lines().find(|line| line.contains("= \"") && line.contains("version ="));
        assert_eq!(own_version, None, "{name} names a version");
    }
}

#[test]
fn only_identity_and_the_test_kit_make_assertions() {
    for (name, text) in files(".rs") {
        let may = MINTS.iter().any(|folder| name.starts_with(folder)) || name.contains("tests/");
        assert!(may || !text.contains("mint::"), "{name} names the mint");
    }
}

#[test]
fn no_sql_of_a_service_names_the_organisation_or_leaves_its_transaction() {
    let banned =
        ["set_config", "set role devsphere", "org_id =", "commit;", "rollback;", "set local"];
    for (name, text) in files("store.rs") {
        let lower = text.to_lowercase();
        for word in banned {
            assert!(!lower.contains(word), "{name} says {word:?}");
        }
    }
}

#[test]
fn only_the_opening_and_the_lists_build_sql() {
    for (name, text) in files(".rs") {
        let may = name.starts_with("shared/db/src/lease.rs")
            || name.starts_with("shared/db/src/list")
            || name.starts_with("shared/testkit/")
            || name.contains("tests/")
            || name.starts_with("deploy/");
        assert!(may || !text.contains("AssertSqlSafe"), "{name} builds SQL");
    }
}

#[test]
fn no_file_is_too_long_to_read_in_one_sitting() {
    for (name, text) in files(".rs") {
        let limit = if name.contains("tests/") { 500 } else { 300 };
        let lines = text.lines().count();
        assert!(lines <= limit, "{name} has {lines} lines, {limit} are the most");
    }
}

#[test]
fn every_file_says_in_its_first_line_what_it_is_for() {
    for (name, text) in files(".rs") {
        assert!(text.starts_with("//! "), "{name} does not say what it is for");
    }
}

#[test]
fn nothing_is_half_made_or_switched_off() {
    let marks = [
        concat!("to", "do!("),
        concat!("unimpl", "emented!("),
        concat!("#[", "ignore"),
        concat!("FIX", "ME"),
    ];
    for (name, text) in files(".rs") {
        for mark in marks {
            assert!(!text.contains(mark), "{name} says {mark}");
        }
    }
}
