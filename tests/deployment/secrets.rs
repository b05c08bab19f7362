//! Who gets which key: of all that there are, a process is given only what it uses.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::Command,
};

use super::{
    backup::devsphere,
    deploy,
    kubernetes::{name, objects, of_kind, pods},
    strings, yaml,
};
use crate::{
    apart::set::{GATEWAY, SEALER, SERVICES},
    clients::up::{Folder, run},
};

type Given = BTreeMap<String, BTreeSet<String>>;

/// What each process may hold.
fn expected() -> Given {
    let signing = ["access-token.pkcs8", "assertion.pkcs8", "assertion.pkcs8.next", "ticket"];
    let password = |name: &str| format!("devsphere_{name}.password");
    let given = |name: &str, more: &[&str]| {
        let more = more.iter().map(|file| (*file).to_owned());
        (name.to_owned(), more.chain([password(name)]).collect())
    };
    let mut expected: Given = SERVICES.iter().map(|service| given(service, &[])).collect();
    expected.extend([
        given("identity", &signing),
        given("administration", &["vault.key"]),
        given("agent", &["ai.key"]),
        given(SEALER, &["audit-root.key"]),
        given("backup", &[]),
        (GATEWAY.to_owned(), BTreeSet::new()),
    ]);
    expected
}

/// A folder of keys in the middle of a rotation, with an authority of its own.
fn installation() -> Folder {
    let folder = Folder::fresh();
    run(&mut devsphere("keys init", &folder.0)).unwrap();
    let keys = folder.0.join("keys");
    fs::copy(keys.join("assertion.pkcs8"), keys.join("assertion.pkcs8.next")).unwrap();
    fs::write(keys.join("assertion.1.new"), "half").unwrap();
    fs::write(keys.join("ai.key"), "sk-of-a-provider").unwrap();
    for file in ["authority.pem", "authority.key"] {
        fs::write(keys.join(file), file).unwrap();
    }
    folder
}

fn names_in(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn a_unit_finds_its_own_keys_and_no_longer_those_that_are_gone() {
    let folder = installation();
    let certificates = folder.0.join("certificates");
    fs::create_dir(&certificates).unwrap();
    for file in ["authority.pem", "crm.pem", "crm.key", "gateway.pem", "gateway.key"] {
        fs::write(certificates.join(file), file).unwrap();
    }
    let me = run(Command::new("id").arg("-un")).unwrap();
    let hand_out = |names: &[&str]| {
        let mut command = Command::new(deploy("systemd/devsphere-hand-out"));
        command.args(names).env("DEVSPHERE_STATE", &folder.0).env("DEVSPHERE_USER", me.trim());
        run(&mut command)
    };
    let place = |name: &str| folder.0.with_file_name(format!("{}-{name}", name_of(&folder)));
    let names: Vec<_> = expected().into_keys().collect();

    hand_out(&names.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
    let given: Given =
        names.iter().map(|name| (name.clone(), names_in(&place(name).join("keys")))).collect();
    let certified = names_in(&place("crm").join("certificates"));
    let mode = fs::metadata(place("identity").join("keys/ticket")).unwrap().permissions().mode();
    fs::remove_file(folder.0.join("keys/assertion.pkcs8.next")).unwrap();
    fs::write(folder.0.join("keys/ticket"), "turned").unwrap();
    hand_out(&[]).unwrap();
    let after = names_in(&place("identity").join("keys"));
    let turned = fs::read_to_string(place("identity").join("keys/ticket")).unwrap();
    // Keys that cannot be read are no reason to take away what a process has.
    fs::rename(folder.0.join("keys"), folder.0.join("away")).unwrap();
    let failed = hand_out(&[]).is_err();
    let kept = names_in(&place("identity").join("keys"));
    for name in &names {
        fs::remove_dir_all(place(name)).unwrap();
    }

    assert_eq!(given, expected());
    let own = ["authority.pem", "crm.key", "crm.pem"].map(str::to_owned);
    assert_eq!(certified, BTreeSet::from(own));
    assert_eq!(mode & 0o777, 0o600);
    assert!(!after.contains("assertion.pkcs8.next") && turned == "turned", "{after:?}");
    assert!(failed && kept == after, "{kept:?}");
}

fn name_of(folder: &Folder) -> &str {
    folder.0.file_name().unwrap().to_str().unwrap()
}

#[test]
fn a_pod_mounts_secrets_that_exist_and_hold_its_own_keys() {
    let folder = installation();
    let text = run(Command::new(deploy("kubernetes/secrets")).arg(&folder.0)).unwrap();
    let file = folder.0.join("secrets.yaml");
    fs::write(&file, text).unwrap();
    let made = yaml(&file);
    let made: Given = made
        .iter()
        .filter(|secret| !secret.is_null())
        .map(|secret| {
            let data = secret["data"].as_object().unwrap();
            (name(secret).to_owned(), data.keys().cloned().collect())
        })
        .collect();

    for (process, keys) in expected().into_iter().filter(|(process, _)| process != "gateway") {
        assert_eq!(made[&format!("devsphere-keys-{process}")], keys, "{process}");
    }
    assert!(made["devsphere-keys"].contains("devsphere_migrator.password"));
    for other in ["authority", "vault", "ai"] {
        assert!(!made["devsphere-keys"].iter().any(|file| file.starts_with(other)), "{other}");
    }

    let objects = objects();
    let certificates: BTreeSet<_> = of_kind(&objects, "Certificate")
        .into_iter()
        .map(|certificate| certificate["spec"]["secretName"].as_str().unwrap().to_owned())
        .collect();
    for (process, pod) in pods(&objects) {
        for volume in pod["volumes"].as_array().unwrap() {
            let Some(secret) = volume["secret"]["secretName"].as_str() else { continue };
            let own =
                [format!("devsphere-keys-{process}"), format!("devsphere-certificate-{process}")];
            let whole = process == "migrate" && secret == "devsphere-keys";
            assert!(whole || own.contains(&secret.to_owned()), "{process} mounts {secret}");
            assert!(made.contains_key(secret) || certificates.contains(secret), "{secret}");
        }
    }
}

#[test]
fn a_certificate_names_its_service_and_lasts_a_day() {
    let objects = objects();
    let certificates = of_kind(&objects, "Certificate");
    let named: BTreeSet<_> = certificates.iter().map(|certificate| name(certificate)).collect();
    assert_eq!(named, SERVICES.into_iter().chain([GATEWAY]).collect());
    for certificate in certificates {
        let spec = &certificate["spec"];
        let uri = format!("spiffe://devsphere/svc/{}", name(certificate));
        assert_eq!(strings(&spec["uris"]), [uri.as_str()]);
        assert_eq!((&spec["duration"], &spec["renewBefore"]), (&"24h".into(), &"16h".into()));
        assert_eq!(spec["privateKey"]["rotationPolicy"], "Always");
    }
}
