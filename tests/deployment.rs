//! What an installation is run with, away from the developer's machine: files, units, images, backups.

pub mod backup;
mod damage;
mod flags;
mod handed;
mod images;
mod kubernetes;
mod metrics;
mod network;
mod observability;
mod secrets;
mod systemd;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use crate::{
    apart::set::{GATEWAY, SEALER, SERVICES},
    clients::up::{root, run, tool},
};

/// A folder below `deploy`.
fn deploy(folder: &str) -> PathBuf {
    root().join("deploy").join(folder)
}

/// What runs, the gateway last.
fn processes() -> impl Iterator<Item = &'static str> {
    SERVICES.into_iter().chain([SEALER, GATEWAY])
}

/// The files of a folder with that ending, by name.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        entries.filter(|path| path.to_str().unwrap().ends_with(ending)).collect();
    files.sort();
    assert!(!files.is_empty(), "{} has no {ending}", folder.display());
    files
}

/// The documents of a YAML file.
fn yaml(file: &Path) -> Vec<Value> {
    let script = "import json, sys, yaml
print(json.dumps(list(yaml.safe_load_all(open(sys.argv[1])))))";
    let text = run(Command::new(tool("python")).args(["-c", script]).arg(file)).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Every string below a value.
fn strings(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(values) => values.iter().flat_map(strings).collect(),
        Value::Object(values) => values.values().flat_map(strings).collect(),
        _ => Vec::new(),
    }
}
