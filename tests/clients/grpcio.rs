//! Python's grpcio, which learns the types by reflection.

use std::process::Command;

use super::up::{Folder, Up, root};

#[test]
fn pythons_grpcio_signs_in_and_works_with_leads_by_reflection() {
    let folder = Folder::fresh();
    let up = Up::start(&folder.0, &["--demo"]);
    let (email, password) = up.demo("manager");

    let output = Command::new(root().join("target/clients/python/bin/python"))
        .arg(root().join("tests/clients/journey.py"))
        .args([up.address(), email, password])
        .output()
        .unwrap();

    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "the journey is done\n");
}
