//! Rules and dashboards: valid, tried, and over nothing but what the code measures.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use devsphere_proto::Contract;
use serde_json::{Value, json};

use super::{deploy, files, yaml};
use crate::clients::up::{Folder, root, run, tool};

/// How an instrument is made, and what Prometheus makes of its name.
const INSTRUMENTS: [(&str, &[&str]); 2] = [
    ("f64_histogram(\"", &["_seconds_bucket", "_seconds_sum", "_seconds_count"]),
    ("u64_counter(\"", &["_total"]),
];

fn promtool(args: &[&str], file: &Path) -> Result<String, String> {
    run(Command::new(tool("promtool")).args(args).arg(file))
}

/// The sources that measure, tests apart.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Every series that the code can send.
fn measured() -> BTreeSet<String> {
    let mut paths = Vec::new();
    for folder in ["shared/boot/src", "shared/db/src", "gateway/src", "deploy/devsphere/src"] {
        sources(&root().join(folder), &mut paths);
    }
    let mut series = BTreeSet::new();
    for path in paths {
        let text = fs::read_to_string(path).unwrap();
        for (made, endings) in INSTRUMENTS {
            for rest in text.split(made).skip(1) {
                let name = rest.split('"').next().unwrap().replace('.', "_");
                series.extend(endings.iter().map(|ending| format!("{name}{ending}")));
            }
        }
    }
    assert!(series.len() >= 5, "{series:?}");
    series
}

/// The series that an expression asks for: a name before a brace, or before an interval.
fn asked(expression: &str) -> BTreeSet<String> {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == ':';
    let mut names = BTreeSet::new();
    for (at, _) in expression.match_indices(['{', '[']) {
        let name: String =
            expression[..at].chars().rev().take_while(|letter| is_part(*letter)).collect();
        if !name.is_empty() {
            names.insert(name.chars().rev().collect());
        }
    }
    names
}

/// The rules, each with its expression.
fn rules() -> Vec<Value> {
    let groups = yaml(&deploy("observability/rules.yaml"));
    let groups = groups[0]["groups"].as_array().unwrap().clone();
    groups.iter().flat_map(|group| group["rules"].as_array().unwrap().clone()).collect()
}

/// The expressions of every panel, as Grafana would send them.
fn panels() -> Vec<String> {
    let mut expressions = Vec::new();
    for file in files(&deploy("observability/dashboards"), ".json") {
        let board: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        for panel in board["panels"].as_array().unwrap() {
            assert!(panel["title"].as_str().is_some_and(|title| !title.is_empty()));
            for target in panel["targets"].as_array().unwrap() {
                let expression = target["expr"].as_str().unwrap();
                expressions
                    .push(expression.replace("$__rate_interval", "5m").replace("$module", ".*"));
            }
        }
    }
    expressions
}

#[test]
fn every_rule_is_valid_and_every_alert_is_tried() {
    promtool(&["check", "rules"], &deploy("observability/rules.yaml")).unwrap();
    promtool(&["test", "rules"], &deploy("observability/rules.test.yaml")).unwrap();

    let tests = fs::read_to_string(deploy("observability/rules.test.yaml")).unwrap();
    for rule in rules() {
        let Some(alert) = rule["alert"].as_str() else { continue };
        let quiet = format!("alertname: {alert}, exp_alerts: []");
        let loud = tests.contains(&format!("alertname=\"{alert}\""))
            || tests.contains(&format!("alertname: {alert}\n"));
        assert!(tests.contains(&quiet) && loud, "{alert} is not tried both ways");
        assert!(
            rule["annotations"]["summary"].is_string() && rule["labels"]["severity"].is_string()
        );
    }
}

#[test]
fn nothing_is_asked_for_that_the_code_does_not_measure() {
    let mut known = measured();
    let rules = rules();
    known.extend(rules.iter().filter_map(|rule| rule["record"].as_str()).map(str::to_owned));
    let of_rules = rules.iter().map(|rule| rule["expr"].as_str().unwrap().to_owned());

    for expression in of_rules.chain(panels()) {
        let asked = asked(&expression);
        assert!(!asked.is_empty(), "{expression} asks for nothing");
        for name in asked {
            assert!(known.contains(&name), "{name} in {expression}");
        }
    }
}

#[test]
fn every_panel_asks_in_words_that_prometheus_understands() {
    let folder = Folder::fresh();
    let file = folder.0.join("panels.yaml");
    let write = |expressions: &[String]| {
        let rules: Vec<_> = (0..)
            .zip(expressions)
            .map(|(number, expression)| json!({ "record": format!("panel:{number}"), "expr": expression }))
            .collect();
        let groups = json!({ "groups": [{ "name": "panels", "rules": rules }] });
        fs::write(&file, groups.to_string()).unwrap();
    };

    write(&panels());
    promtool(&["check", "rules"], &file).unwrap();
    write(&["sum(rate(x{}[5m])".to_owned()]);
    assert!(promtool(&["check", "rules"], &file).is_err());
}

#[test]
fn whatever_streams_is_left_out_of_durations_and_nothing_else() {
    let words = ["/Watch", "/Export", "/Generate"];
    for method in Contract::get().unwrap().methods() {
        let left_out = words.iter().any(|word| method.path.contains(word));
        assert_eq!(left_out, method.streams, "{}", method.path);
    }
    let pattern = "rpc_method!~\"unknown|.*/(Watch|Export|Generate).*\"";
    let of_rules = rules().into_iter().map(|rule| rule["expr"].as_str().unwrap().to_owned());
    for expression in of_rules.chain(panels()).filter(|expression| expression.contains("_bucket{"))
    {
        assert!(expression.contains(pattern), "{expression}");
    }
}
