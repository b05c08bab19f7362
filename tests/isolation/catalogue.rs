//! The migrated database keeps every rule, and no rule is asleep.

use devsphere_testkit::Backend;
use sqlx::{Connection as _, PgConnection};

use super::{MODULES, lint};

/// The oldest server of each major version without a known hole in row-level security
/// (CVE-2025-8713 shows rows of others through statistics).
const PATCHED: [i32; 3] = [150_014, 160_010, 170_006];

#[tokio::test]
async fn the_migrated_database_keeps_every_rule() {
    let backend = Backend::fresh(&MODULES).await;
    let mut inspector = lint::inspector(&backend.admin()).await;

    let mut broken = Vec::new();
    for lint in lint::all() {
        for finding in lint.findings(&mut inspector).await {
            broken.push(format!("{}: {finding}", lint.name));
        }
    }

    assert!(broken.is_empty(), "{broken:#?}");
}

#[tokio::test]
async fn every_planted_fault_is_found_by_its_rule() {
    let backend = Backend::fresh(&MODULES).await;
    let mut inspector = lint::inspector(&backend.admin()).await;

    let (mut rules, mut faults, mut missed) = (0, 0, Vec::new());
    for lint in lint::all() {
        rules += 1;
        assert!(!lint.faults.is_empty(), "nothing shows that {:?} is awake", lint.name);
        let before = lint.findings(&mut inspector).await;
        for fault in lint.faults {
            faults += 1;
            let after = lint.findings_after(&mut inspector, fault).await;
            if after.iter().all(|finding| before.contains(finding)) {
                missed.push(format!("{}: {fault}", lint.name));
            }
        }
    }

    println!("{rules} rules, {faults} faults");
    assert!(missed.is_empty(), "{missed:#?}");
}

#[tokio::test]
async fn the_server_has_no_known_hole_in_row_level_security() {
    let backend = Backend::fresh(&MODULES).await;
    let mut admin = PgConnection::connect_with(&backend.admin()).await.unwrap();

    let version: i32 = sqlx::query_scalar("select current_setting('server_version_num')::integer")
        .fetch_one(&mut admin)
        .await
        .unwrap();

    let oldest = PATCHED.iter().find(|patched| *patched / 10_000 == version / 10_000);
    assert!(version >= *oldest.unwrap_or(&180_000), "PostgreSQL {version} is too old");
}
