//! PostgreSQL: new enough, reachable by each role, no role stronger than it should be, every schema at this build.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Result, anyhow};
use devsphere_db::{
    Schema, Strength,
    migrate::{BACKUP, MIGRATOR, SEALER},
};
use sqlx::{Connection as _, PgConnection, Row as _};

use super::{Fault, Report};
use crate::{
    database::{Database, connect},
    folder::Folder,
    keys::Passwords,
    mesh, modules, out,
};

/// The first of each major version whose statistics keep to row-level security (CVE-2025-8713).
const OLDEST: [(i32, i32); 3] = [(15, 14), (16, 10), (17, 6)];
/// What a ticket's check allows.
const SKEW_SECONDS: f64 = 5.0;

const MIGRATE: &str = "`devsphere migrate` mends it";
const LOOK: &str =
    "postgres.log in the data directory says more; --database-url names another server";

pub(super) async fn check(
    report: &mut Report,
    folder: &Folder,
    passwords: &Passwords,
    url: Option<&str>,
) {
    let database = match Database::find(folder, passwords, url).await {
        Ok(database) => database,
        Err(error) => return report.note("PostgreSQL", Err(Fault::new(out::whole(&error), LOOK))),
    };
    match connect(database.admin()).await {
        Ok(mut admin) => {
            report.note("PostgreSQL", version(&mut admin).await);
            report.note("clock", clock(&mut admin).await);
            let _ = admin.close().await;
            let room = database.has_room(mesh::connections()).await;
            let room = room.map(|room| format!("{} of {room} needed", mesh::connections()));
            let remedy = "raise max_connections in postgresql.conf";
            report.note(
                "connections",
                room.map_err(|error| Fault::new(format!("{error:#}"), remedy)),
            );
        }
        Err(error) => {
            report.note("PostgreSQL", Err(Fault::new(out::whole(&error), LOOK)));
        }
    }
    report.note(MIGRATOR, migrator(&database, passwords).await);
    report.note(SEALER, sealer(&database, passwords).await);
    report.note(BACKUP, backup(&database, passwords).await);
    for schema in modules::schemas() {
        report.note(&schema.role(), service(&database, passwords, schema).await);
    }
    if let Err(error) = database.close().await {
        report.note("PostgreSQL", Err(Fault::new(out::whole(&error), LOOK)));
    }
}

async fn version(admin: &mut PgConnection) -> Result<String, Fault> {
    let found = sqlx::query(
        "select current_setting('server_version') as version,
                current_setting('server_version_num')::int as number",
    );
    let row = found.fetch_one(admin).await.and_then(|row| {
        Ok((row.try_get::<String, _>("version")?, row.try_get::<i32, _>("number")?))
    });
    let (version, number) = row.map_err(|error| Fault::new(error, LOOK))?;
    let (major, minor) = (number / 10_000, number % 10_000);
    let too_old = |(since, first): (i32, i32)| major == since && minor < first;
    if major < OLDEST[0].0 || OLDEST.into_iter().any(too_old) {
        let what = format!("{version} has a hole in row-level security (CVE-2025-8713)");
        return Err(Fault::new(what, "upgrade it: 15.14, 16.10, 17.6 or newer"));
    }
    Ok(version)
}

async fn clock(admin: &mut PgConnection) -> Result<String, Fault> {
    let before = now();
    let theirs = sqlx::query_scalar("select extract(epoch from clock_timestamp())::float8");
    let theirs: f64 = theirs.fetch_one(admin).await.map_err(|error| Fault::new(error, LOOK))?;
    // Half the way there and back is nobody's fault.
    let skew = theirs - f64::midpoint(before, now());
    if skew.abs() < SKEW_SECONDS {
        return Ok(format!("{skew:+.3} s from PostgreSQL's"));
    }
    let what = format!("{skew:+.1} s from PostgreSQL's, {SKEW_SECONDS} s are allowed");
    Err(Fault::new(what, "set both machines' clocks by NTP"))
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

async fn migrator(database: &Database, passwords: &Passwords) -> Result<String, Fault> {
    let asked = async {
        let mut owner = connect(&database.role(MIGRATOR, passwords)?).await?;
        let found: (bool, bool) = sqlx::query_as(
            "select rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication,
                    (select array_agg(m.roleid::regrole::text) = '{devsphere_owner}'
                     from pg_auth_members as m where m.member = r.oid)
             from pg_roles as r where rolname = current_user",
        )
        .fetch_one(&mut owner)
        .await?;
        owner.close().await?;
        anyhow::Ok(found)
    };
    match asked.await {
        Ok((false, true)) => Ok("signs in, and becomes devsphere_owner only".into()),
        Ok(_) => Err(Fault::new("is stronger or weaker than it should be", MIGRATE)),
        Err(error) => Err(Fault::new(format!("cannot sign in: {}", out::whole(&error)), MIGRATE)),
    }
}

async fn sealer(database: &Database, passwords: &Passwords) -> Result<String, Fault> {
    let asked = async {
        let mut sealer = connect(&database.role(SEALER, passwords)?).await?;
        let strong = Strength::of(&mut sealer).await?.is_too_much();
        let waiting = sqlx::query_scalar("select count(*) from platform.audit_unsealed");
        let waiting: i64 = waiting.fetch_one(&mut sealer).await?;
        sealer.close().await?;
        if strong {
            return Err(anyhow!("is stronger than it should be"));
        }
        Ok(waiting)
    };
    match asked.await {
        Ok(waiting) => Ok(format!(
            "signs in, no stronger than it should be, {waiting} audit records are not sealed yet"
        )),
        Err(error) => Err(Fault::new(out::whole(&error), MIGRATE)),
    }
}

async fn backup(database: &Database, passwords: &Passwords) -> Result<String, Fault> {
    let asked = async {
        let mut backup = connect(&database.role(BACKUP, passwords)?).await?;
        let found = Strength::of(&mut backup).await?;
        backup.close().await?;
        let needed = Strength { passes_walls: true, changes_walls: false };
        if found == needed {
            Ok(())
        } else {
            Err(anyhow!("is stronger or weaker than it should be"))
        }
    };
    match asked.await {
        Ok(()) => Ok("signs in, and reads past the walls".into()),
        Err(error) => Err(Fault::new(out::whole(&error), MIGRATE)),
    }
}

async fn service(
    database: &Database,
    passwords: &Passwords,
    schema: Schema,
) -> Result<String, Fault> {
    let asked = async {
        let mut role = connect(&database.role(&schema.role(), passwords)?).await?;
        let strong = Strength::of(&mut role).await?.is_too_much();
        let version: Option<i64> = sqlx::query_scalar("select platform.schema_version($1)")
            .bind(schema.name)
            .fetch_one(&mut role)
            .await?;
        role.close().await?;
        if strong {
            return Err(anyhow!("is stronger than it should be"));
        }
        Ok(version.unwrap_or_default())
    };
    match asked.await {
        Ok(found) if found >= schema.version() => {
            Ok(format!("signs in, no stronger than it should be, schema at version {found}"))
        }
        Ok(found) => {
            let what = format!("schema at version {found}, this build needs {}", schema.version());
            Err(Fault::new(what, MIGRATE))
        }
        Err(error) => Err(Fault::new(out::whole(&error), MIGRATE)),
    }
}
