//! Whatever a unit, a pod or a page tells the binary, the binary understands.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::Command,
};

use serde_json::Value;

use super::{
    backup::devsphere,
    deploy, files,
    kubernetes::{objects, of_kind, pods},
};
use crate::clients::up::{Folder, binary, root, run};

/// Commands that have commands of their own.
const GROUPS: [&str; 3] = ["keys", "audit", "demo"];
/// Whatever runs reads these from its environment.
const PREFIX: &str = "DEVSPHERE_";

/// The flags that each command is given, by the command's words.
#[derive(Default)]
struct Given(BTreeMap<String, BTreeSet<String>>);

impl Given {
    fn take<'w>(&mut self, words: impl IntoIterator<Item = &'w str>) {
        let mut words = words.into_iter();
        let Some(first) = words.next() else { return };
        let command = match GROUPS.contains(&first) {
            true => format!("{first} {}", words.next().unwrap()),
            false => first.to_owned(),
        };
        let flags = words.filter(|word| word.starts_with("--"));
        let flags = flags.map(|flag| flag.split('=').next().unwrap().to_owned());
        self.0.entry(command).or_default().extend(flags);
    }

    /// Lines that call the binary, whatever stands before it.
    fn take_lines(&mut self, path: &Path, before: &str) {
        for line in fs::read_to_string(path).unwrap().lines() {
            if let Some(words) = line.strip_prefix(before) {
                let words = words.split(['#', '|', '&']).next().unwrap();
                self.take(words.split_whitespace());
            }
        }
    }
}

fn help(command: &str) -> String {
    let mut help = Command::new(binary());
    run(help.args(command.split(' ')).arg("--help")).unwrap()
}

/// Words of a text, cut where neither letters nor dashes nor underscores are.
fn words(text: &str) -> BTreeSet<&str> {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
    text.split(|letter| !is_part(letter)).collect()
}

#[test]
fn every_flag_that_the_files_give_is_one_of_its_command() {
    let mut given = Given::default();
    let objects = objects();
    for (_, pod) in pods(&objects) {
        let args = pod["containers"][0]["args"].as_array().unwrap();
        given.take(args.iter().map(|word| word.as_str().unwrap()));
    }
    for unit in files(&deploy("systemd"), ".service") {
        given.take_lines(&unit, "ExecStart=/usr/bin/devsphere ");
    }
    let pages = ["kubernetes/README.md", "systemd/README.md"].map(deploy);
    for page in pages.into_iter().chain([root().join("README.md")]) {
        given.take_lines(&page, "devsphere ");
    }

    let told: Vec<_> = given.0.keys().map(String::as_str).collect();
    let expected =
        ["backup", "keys authority", "keys certificate", "keys init", "migrate", "restore", "run"];
    assert_eq!(told, expected);
    for (command, flags) in given.0 {
        let help = help(&command);
        let known = words(&help);
        for flag in flags {
            assert!(known.contains(flag.as_str()), "devsphere {command} has no {flag}");
        }
    }
}

#[test]
fn every_setting_that_the_files_name_is_read() {
    let mut named = BTreeSet::new();
    let objects = objects();
    for map in of_kind(&objects, "ConfigMap") {
        named.extend(map["data"].as_object().unwrap().keys().cloned());
    }
    for (_, pod) in pods(&objects) {
        let variables = pod["containers"][0]["env"].as_array();
        let variables = variables.map(Vec::as_slice).unwrap_or_default();
        named.extend(variables.iter().filter_map(|one| one["name"].as_str()).map(str::to_owned));
    }
    for file in files(&deploy("systemd"), ".env") {
        let text = fs::read_to_string(file).unwrap();
        // What is left to whoever installs it stands behind a `#`.
        let set = text.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name);
        named.extend(set.map(|name| name.trim_start_matches('#').to_owned()));
    }
    named.retain(|name| name.starts_with(PREFIX));

    let helps = ["run", "migrate", "backup"].map(help);
    let known: BTreeSet<_> = helps.iter().flat_map(|help| words(help)).collect();
    assert!(named.len() >= 8, "{named:?}");
    for name in named {
        assert!(known.contains(name.as_str()), "nothing reads {name}");
    }
}

#[test]
fn what_a_pod_runs_is_something_that_runs() {
    let folder = Folder::fresh();
    let refusal = |name: &str| run(&mut devsphere(&format!("run {name}"), &folder.0)).unwrap_err();
    assert!(refusal("nobody").contains("is none of"));
    let objects = objects();
    for deployment in of_kind(&objects, "Deployment") {
        let name = deployment["metadata"]["name"].as_str().unwrap();
        let labels = &deployment["spec"]["template"]["metadata"]["labels"];
        assert_eq!(labels["app.kubernetes.io/name"], Value::from(name));
        // Known, and only in want of its keys.
        let refused = refusal(name);
        assert!(!refused.contains("is none of"), "{refused}");
    }
}
