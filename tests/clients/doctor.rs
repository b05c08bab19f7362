//! `devsphere doctor` beside a mesh at work: nothing is wrong with it, and a role that has become stronger
//! than the walls is named.

#![expect(clippy::disallowed_methods, reason = "does to a role what no RPC can")]

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
