//! The manifests: valid, complete, and every pod locked down.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use devsphere_proto::Contract;
use serde_json::{Value, json};

use super::{deploy, files, yaml};
use crate::{
    clients::up::{Folder, run, tool},
    matrix::stage::MODULES,
};

/// The oldest version that has what the manifests use, and the newest whose schemas there are.
const VERSIONS: [&str; 2] = ["1.27", "1.37"];
/// Of the services' own, which no published schema describes.
const WITHOUT_SCHEMA: [&str; 2] = ["cert-manager.io/v1", "kustomize.config.k8s.io/v1beta1"];
/// The gateway drains for 1.5 s and 10 s, and the services of the same process after it.
const DRAIN: i64 = 22;

/// Every object that is applied.
pub(super) fn objects() -> Vec<Value> {
    let all = files(&deploy("kubernetes"), ".yaml");
    let applied = all.iter().filter(|path| !path.ends_with("kustomization.yaml"));
    applied.flat_map(|path| yaml(path)).collect()
}

pub(super) fn of_kind<'o>(objects: &'o [Value], kind: &str) -> Vec<&'o Value> {
    objects.iter().filter(|object| object["kind"] == kind).collect()
}

pub(super) fn name(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap()
}

/// The name and the pod of each workload.
pub(super) fn pods(objects: &[Value]) -> Vec<(&str, &Value)> {
    let pod = |object: &Value| match object["kind"].as_str()? {
        "Deployment" | "Job" => Some("/spec/template"),
        "CronJob" => Some("/spec/jobTemplate/spec/template"),
        _ => None,
    };
    let found = objects.iter().filter_map(|object| Some((object, object.pointer(pod(object)?)?)));
    found.map(|(object, template)| (name(object), &template["spec"])).collect()
}

fn validate(version: &str, files: &[impl AsRef<Path>]) -> Result<String, String> {
    let mut validate = Command::new(tool("kubernetes-validate"));
    validate.args(["--strict", "--kubernetes-version", version]);
    run(validate.args(files.iter().map(AsRef::as_ref)))
}

#[test]
fn every_manifest_is_valid_for_the_oldest_and_the_newest_version() {
    let files = files(&deploy("kubernetes"), ".yaml");
    let with_schema = files
        .iter()
        .flat_map(|path| yaml(path))
        .filter(|object| !WITHOUT_SCHEMA.contains(&object["apiVersion"].as_str().unwrap()));
    let expected = with_schema.count();

    for version in VERSIONS {
        let said = validate(version, &files).unwrap();
        let passed = said.lines().filter(|line| line.contains(" passed ")).count();
        assert_eq!(passed, expected, "{version}: {said}");
    }

    let folder = Folder::fresh();
    let broken = folder.0.join("broken.yaml");
    let text = fs::read_to_string(deploy("kubernetes/crm.yaml")).unwrap();
    for (was, is) in [("replicas: 2", "replicas: two"), ("fsGroup", "fileGroup")] {
        assert!(text.contains(was));
        fs::write(&broken, text.replace(was, is)).unwrap();
        assert!(validate("1.37", &[&broken]).is_err(), "{is}");
    }
}

#[test]
fn nothing_is_forgotten_in_the_list_of_what_is_applied() {
    let folder = deploy("kubernetes");
    let list = yaml(&folder.join("kustomization.yaml"));
    let listed: BTreeSet<_> = list[0]["resources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap())
        .collect();

    let there = files(&folder, ".yaml");
    let there: BTreeSet<_> =
        there.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();

    let mut listed_and_list = listed;
    listed_and_list.insert("kustomization.yaml");
    assert_eq!(listed_and_list, there);
}

#[test]
fn every_pod_is_locked_down_and_bounded() {
    let objects = objects();
    let pods = pods(&objects);
    assert_eq!(pods.len(), MODULES.len() + 4, "and gateway, sealer, migration and backup");
    for (name, pod) in pods {
        let of_pod = &pod["securityContext"];
        assert_eq!(pod["automountServiceAccountToken"], false, "{name}");
        assert_eq!(of_pod["runAsNonRoot"], true, "{name}");
        assert_eq!(of_pod["seccompProfile"]["type"], "RuntimeDefault", "{name}");
        let empty = Vec::new();
        let first = pod["initContainers"].as_array().unwrap_or(&empty);
        for container in first.iter().chain(pod["containers"].as_array().unwrap()) {
            let own = json!({
                "allowPrivilegeEscalation": false,
                "readOnlyRootFilesystem": true,
                "capabilities": { "drop": ["ALL"] },
            });
            assert_eq!(container["securityContext"], own, "{name}");
            let resources = &container["resources"];
            for bound in ["/requests/cpu", "/requests/memory", "/limits/memory"] {
                assert!(resources.pointer(bound).is_some(), "{name} has no {bound}");
            }
        }
        for volume in pod["volumes"].as_array().unwrap() {
            let allowed = ["secret", "emptyDir", "persistentVolumeClaim"];
            assert!(allowed.iter().any(|kind| volume.get(kind).is_some()), "{name}: {volume}");
        }
    }
}

#[test]
fn whatever_serves_runs_twice_apart_is_probed_and_drains_in_time() {
    let objects = objects();
    let budgets: BTreeSet<_> =
        of_kind(&objects, "PodDisruptionBudget").into_iter().map(name).collect();
    for deployment in of_kind(&objects, "Deployment") {
        let (name, spec) = (name(deployment), &deployment["spec"]);
        let pod = &spec["template"]["spec"];
        let container = &pod["containers"][0];
        assert_eq!(container["args"][0], "run", "{name}");
        assert_eq!(container["args"][1], name, "{name}");
        let grace = pod["terminationGracePeriodSeconds"].as_i64().unwrap();
        assert!(grace > DRAIN + 10, "{name}: {grace} s");
        // It serves nobody, and a lock lets one work.
        if name == "sealer" {
            assert_eq!(spec["replicas"], 1);
            continue;
        }
        assert!(spec["replicas"].as_i64().unwrap() >= 2, "{name}");
        assert!(budgets.contains(name), "{name} may be drained away whole");
        assert!(pod["topologySpreadConstraints"].as_array().is_some_and(|rules| !rules.is_empty()));
        let probe = container["readinessProbe"]["grpc"]["port"].as_i64().unwrap();
        let listens = format!("--probe-listen=0.0.0.0:{probe}");
        assert!(container["args"].as_array().unwrap().contains(&Value::from(listens)), "{name}");
        // A database that is away is no reason to be killed.
        assert!(container["livenessProbe"].get("tcpSocket").is_some(), "{name}");
    }
}

#[test]
fn every_module_is_deployed_and_found_at_its_port() {
    let objects = objects();
    let services = of_kind(&objects, "Service");
    for module in Contract::get().unwrap().modules() {
        let port = 7000 + module.bit;
        let deployments = of_kind(&objects, "Deployment");
        let Some(deployment) = deployments.iter().find(|found| name(found) == module.name) else {
            continue;
        };
        let ports = &deployment["spec"]["template"]["spec"]["containers"][0]["ports"];
        assert_eq!(ports[0]["containerPort"], port, "{}", module.name);
        let service = services.iter().find(|service| name(service) == module.name).unwrap();
        assert_eq!(service["spec"]["clusterIP"], "None", "{}", module.name);
        assert_eq!(service["spec"]["ports"][0]["port"], port, "{}", module.name);
    }
    let deployed: BTreeSet<_> = of_kind(&objects, "Deployment").into_iter().map(name).collect();
    let built = MODULES.iter().map(|module| module.schema.name);
    let expected: BTreeSet<_> = built.chain(["gateway", "sealer"]).collect();
    assert_eq!(deployed, expected);
}
