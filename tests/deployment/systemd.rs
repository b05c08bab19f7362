//! The units: systemd takes them, and finds little that they could do.

use std::{fs, path::PathBuf, process::Command};

use super::{deploy, files, processes};
use crate::{
    apart::set::{SEALER, SERVICES},
    clients::up::{Folder, binary, run},
};

/// Of 100, where systemd itself calls everything up to 40 fine.
const EXPOSURE: &str = "15";

/// The units as they are installed, but for where the programs are.
fn units(folder: &Folder) -> Vec<PathBuf> {
    let mut units = Vec::new();
    for ending in [".service", ".timer", ".path"] {
        for file in files(&deploy("systemd"), ending) {
            let text = fs::read_to_string(&file).unwrap();
            let binary = binary().canonicalize().unwrap();
            let text = text.replace("/usr/bin/devsphere", binary.to_str().unwrap());
            let scripts = format!("{}/", deploy("systemd").display());
            let unit = folder.0.join(file.file_name().unwrap());
            fs::write(&unit, text.replace("/usr/lib/devsphere/", &scripts)).unwrap();
            units.push(unit);
        }
    }
    units
}

fn analyze(args: &[&str], units: &[PathBuf]) -> Result<String, String> {
    let output = Command::new("systemd-analyze").args(args).args(units).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    if output.status.success() { Ok(said) } else { Err(said) }
}

#[test]
fn systemd_takes_every_unit_without_a_word() {
    let folder = Folder::fresh();
    let units = units(&folder);
    assert_eq!(units.len(), 8, "{units:?}");

    let said = analyze(&["verify", "--man=no"], &units).unwrap();
    let ours: Vec<_> = said.lines().filter(|line| line.contains("devsphere")).collect();
    assert!(ours.is_empty(), "{said}");

    let unit = folder.0.join("devsphere@.service");
    let text = fs::read_to_string(&unit).unwrap();
    fs::write(&unit, text.replace("Type=exec", "Type=exact")).unwrap();
    let said = analyze(&["verify", "--man=no"], &[unit]);
    assert!(said.unwrap_or_else(|said| said).contains("exact"));
}

#[test]
fn no_unit_can_do_much() {
    let folder = Folder::fresh();
    let services = |unit: &PathBuf| unit.to_str().unwrap().ends_with(".service");
    let units: Vec<_> = units(&folder).into_iter().filter(services).collect();
    let threshold = format!("--threshold={EXPOSURE}");
    let security = ["security", "--offline=true", &threshold, "--no-pager"];

    for unit in &units {
        let said = analyze(&security, std::slice::from_ref(unit));
        let last = |said: &str| said.lines().last().unwrap_or_default().to_owned();
        let said = said.unwrap_or_else(|said| panic!("{}: {}", unit.display(), last(&said)));
        println!("{}", last(&said));
    }

    let weak = folder.0.join("devsphere-weak.service");
    let text = fs::read_to_string(folder.0.join("devsphere@.service")).unwrap();
    let is_wall = |line: &&str| !line.starts_with("SystemCall") && !line.starts_with("Capability");
    fs::write(
        &weak,
        text.lines().filter(is_wall).map(|line| format!("{line}\n")).collect::<String>(),
    )
    .unwrap();
    assert!(analyze(&security, &[weak]).is_err());
}

#[test]
fn every_user_of_a_unit_is_made() {
    let users = fs::read_to_string(deploy("systemd/devsphere.sysusers")).unwrap();
    let made: Vec<_> = users
        .lines()
        .filter(|line| line.starts_with("u "))
        .map(|line| line.split_whitespace().nth(1).unwrap())
        .collect();
    let mut needed: Vec<String> =
        processes().map(|process| format!("devsphere-{process}")).collect();
    for unit in files(&deploy("systemd"), ".service") {
        let text = fs::read_to_string(unit).unwrap();
        let user = text.lines().find_map(|line| line.strip_prefix("User="));
        needed.extend(user.filter(|user| !user.contains('%')).map(str::to_owned));
    }

    for user in needed {
        assert!(made.contains(&user.as_str()), "{user}");
    }
    let certified = fs::read_to_string(deploy("systemd/devsphere-certificates.service")).unwrap();
    for process in processes().filter(|process| *process != SEALER) {
        assert!(certified.contains(&format!(" {process} ")), "{process} gets no certificate");
    }
    let peers = fs::read_to_string(deploy("systemd/devsphere.env")).unwrap();
    for service in SERVICES {
        assert!(peers.contains(&format!("{service}=127.0.0.1")), "{service} is not found");
    }
    let readme = fs::read_to_string(deploy("systemd/README.md")).unwrap();
    let enabled = format!("devsphere@{{{}}}", processes().collect::<Vec<_>>().join(","));
    assert!(readme.contains(&enabled), "{enabled}");
    let script = deploy("systemd/devsphere-hand-out");
    run(Command::new("bash").arg("-n").arg(script)).unwrap();
}
