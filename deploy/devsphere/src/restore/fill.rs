//! Fills an empty database from a dump, and compares every table with what it must be.

use std::{fs, path::Path, process::Stdio};

use anyhow::{Context as _, Result, bail};
use devsphere_db::{
    migrate::{self, BACKUP, MIGRATOR, SEALER},
    seal::{RootKey, verify},
};
use sqlx::{Connection as _, Executor as _};
use uuid::Uuid;

use crate::{
    admin_code, audit,
    backup::{
        manifest::Manifest,
        program::{Door, Program, after},
        snapshot::Snapshot,
    },
    database::{Database, connect},
    folder::Folder,
    keys::Passwords,
    out,
};

/// Nobody goes on where they were: whoever was shut out after the backup would be back in.
const END_SESSIONS: &str = "
    update identity.session set end_time = transaction_timestamp(), end_reason = 'revoked'
    where end_time is null";

/// The installation's own log keeps that it was restored, and from what.
const NOTE: &str = "
    insert into platform.audit (org_id, action, noun, record_id, principal_kind, principal_id, method, trace_id, after)
    values ($1, 'installation.restored', 'installation', $1, 'operator', $1,
            'devsphere restore', gen_random_uuid(), $2)";

/// Rows, rights and keys; the backup's rows first, as they were, and what restoring changes after.
pub(super) async fn fill(
    folder: &Folder,
    fresh: &Database,
    passwords: &Passwords,
    dump: &Path,
    manifest: &Manifest,
) -> Result<()> {
    let bootstrapped = migrate::bootstrap(fresh.admin(), &passwords.roles).await;
    bootstrapped.context("cannot make the roles")?;
    load(folder, fresh, passwords, dump, manifest.postgres).await?;
    let mut owner = fresh.owner(passwords).await?;
    migrate::remake_ticket_key(&mut owner).await?;
    compare(fresh, passwords, manifest).await?;
    look_at_audit(folder, fresh, passwords, manifest).await?;

    let mut tx = owner.begin().await?;
    tx.execute(END_SESSIONS).await?;
    let note =
        serde_json::json!({ "create_time": manifest.create_time, "sha256": manifest.dump.sha256 });
    sqlx::query(NOTE).bind(Uuid::nil()).bind(note).execute(&mut *tx).await?;
    admin_code::forget(&mut tx, folder).await?;
    tx.commit().await?;
    Ok(owner.close().await?)
}

/// As the owner of everything: what is not the owner's, the administrator has made already.
async fn load(
    folder: &Folder,
    fresh: &Database,
    passwords: &Passwords,
    dump: &Path,
    server: u32,
) -> Result<()> {
    let options = fresh.role(MIGRATOR, passwords)?;
    let password = passwords.roles.get(MIGRATOR).context("the migrator has no password")?;
    let door = Door::open(folder, &options, password)?;
    // A program newer than the server speaks of settings that the server does not know.
    let mut server_now = connect(&options).await?;
    let now: i32 = sqlx::query_scalar("select current_setting('server_version_num')::int / 10000")
        .fetch_one(&mut server_now)
        .await?;
    server_now.close().await?;
    let version = server.max(u32::try_from(now)?);

    let mut list = Program::find("pg_restore", version, &door)?;
    list.args(["--list"]);
    list.file(dump);
    let wanted = folder.run().join(format!("restore-{}.list", std::process::id()));
    fs::write(&wanted, owners_part(&list.output().await?))?;
    let mut load = Program::find("pg_restore", version, &door)?;
    load.args(["--exit-on-error", "--verbose", "--role=devsphere_owner", "--dbname", Door::NAME]);
    load.args(["--use-list".as_ref(), wanted.as_os_str()]);
    load.file(dump);
    let loaded = load.run(Stdio::null(), |line| {
        after(line, "processing data for table ").map(|table| format!("filling {table}"))
    });
    let loaded = loaded.await;
    let _ = fs::remove_file(&wanted);
    loaded
}

/// The entries of a dump's list that end in their owner's name, which is ours.
fn owners_part(list: &str) -> String {
    let is_ours = |line: &&str| !line.starts_with(';') && line.ends_with(" devsphere_owner");
    list.lines().filter(is_ours).map(|line| format!("{line}\n")).collect()
}

async fn compare(fresh: &Database, passwords: &Passwords, manifest: &Manifest) -> Result<()> {
    let mut snapshot = Snapshot::open(&fresh.role(BACKUP, passwords)?).await?;
    let tables = snapshot.tables(|table, found| {
        let as_it_was = manifest.tables.get(table) == Some(found);
        let verdict = if as_it_was { "as it was" } else { "NOT what it was" };
        out::say(&format!("{table}: {} rows, {verdict}", found.rows));
    });
    let differences = manifest.differences(&tables.await?);
    snapshot.close().await?;
    if differences.is_empty() {
        Ok(())
    } else {
        bail!("not what was backed up: {}", differences.join("; "))
    }
}

/// A log that was broken before comes back as broken, but not unsaid.
async fn look_at_audit(
    folder: &Folder,
    fresh: &Database,
    passwords: &Passwords,
    manifest: &Manifest,
) -> Result<()> {
    let own = audit::key(folder)?.public();
    let key: RootKey = own.clone().after(manifest.audit.former(&own)?);
    let mut sealer = connect(&fresh.role(SEALER, passwords)?).await?;
    let report =
        verify(&mut sealer, &key, None, None).await.context("cannot verify the audit log")?;
    sealer.close().await?;
    match report.broken.len() {
        0 => out::say(&format!("audit log: {} records, everything fits", report.sealed)),
        places => out::say(&format!(
            "audit log: {places} places do not fit, and did not when it was backed up: \
             `devsphere audit verify` names them"
        )),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_to_the_server_is_left_to_its_administrator() {
        let list = "; Archive created\n\
            7; 2615 16390 SCHEMA - crm devsphere_owner\n\
            3456; 0 0 ACL - SCHEMA public pg_database_owner\n\
            3460; 0 0 ACL pg_catalog FUNCTION pg_sleep(double precision) postgres\n\
            3400; 0 16400 TABLE DATA crm lead devsphere_owner\n";

        let ours = owners_part(list);

        assert_eq!(ours.lines().count(), 2);
        assert!(ours.contains("SCHEMA - crm") && ours.contains("TABLE DATA"), "{ours}");
    }
}
