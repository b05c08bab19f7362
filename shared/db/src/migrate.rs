//! Roles, schemas and migrations: the one place where anything but a service's own role speaks to PostgreSQL.

use std::{borrow::Cow, collections::BTreeMap};

use devsphere_auth::TicketKey;
use sqlx::{
    Connection as _, Executor as _, PgConnection,
    migrate::{MigrateError, Migrator},
    postgres::PgConnectOptions,
};

static PLATFORM: Migrator = sqlx::migrate!();

/// Lock waits of a migration are short, so that it never queues traffic behind itself; it tries again.
const LOCK_TRIES: u32 = 5;

/// A service's schema and the migrations that make it.
#[derive(Clone, Copy)]
pub struct Schema {
    /// As in `crm`; its role is `devsphere_crm`.
    pub name: &'static str,
    /// What the build brings.
    pub migrations: &'static Migrator,
}

impl Schema {
    /// The service's login role.
    pub fn role(&self) -> String {
        role_of(self.name)
    }

    /// The newest migration of this build.
    pub fn version(&self) -> i64 {
        self.migrations.iter().map(|migration| migration.version).max().unwrap_or_default()
    }
}

/// The login role of a service.
pub fn role_of(service: &str) -> String {
    format!("devsphere_{service}")
}

/// The role that migrates; it becomes the owner.
pub const MIGRATOR: &str = "devsphere_migrator";

/// The role that chains and signs the audit log of every organisation.
pub const SEALER: &str = "devsphere_sealer";

/// The role that reads every row for `devsphere backup`, and writes none: the only one that passes walls.
pub const BACKUP: &str = "devsphere_backup";

/// The one table that no backup holds: each installation has keys of its own.
pub const NOT_BACKED_UP: &str = "platform.ticket_key";

/// Why the database could not be brought up to this build.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// PostgreSQL refused a statement.
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
    /// A migration failed, or the database knows a newer one than this build.
    #[error("migrations of {schema}: {source}")]
    Migration { schema: &'static str, source: MigrateError },
    /// The passwords do not serialize.
    #[error("passwords: {0}")]
    Passwords(#[from] serde_json::Error),
}

/// Makes or updates every role and right. `admin` is the cluster's administrator in the database
/// to use; `passwords` has one entry for each role that signs in, the migrator included.
///
/// # Errors
/// When the administrator may not do so, or is not one.
pub async fn bootstrap(
    admin: &PgConnectOptions,
    passwords: &BTreeMap<String, String>,
) -> Result<(), Error> {
    let mut connection = PgConnection::connect_with(admin).await?;
    let mut tx = connection.begin().await?;
    sqlx::query("select set_config('devsphere.passwords', $1, true)")
        .bind(serde_json::to_string(passwords)?)
        .execute(&mut *tx)
        .await?;
    tx.execute(sqlx::raw_sql(include_str!("../sql/bootstrap.sql"))).await?;
    tx.commit().await?;
    connection.close().await?;
    Ok(())
}

/// Brings the platform and then each service to this build, as the owner, and lets the services
/// use the platform's functions.
///
/// # Errors
/// When a migration fails; what was applied before stays.
pub async fn migrate(migrator: &PgConnectOptions, schemas: &[Schema]) -> Result<(), Error> {
    let mut connection = PgConnection::connect_with(migrator).await?;
    connection.execute("set role devsphere_owner").await?;
    connection.execute("set lock_timeout = '2s'").await?;

    let platform = Schema { name: "platform", migrations: &PLATFORM };
    apply(&mut connection, platform).await?;
    for schema in schemas {
        sqlx::query("select set_config('devsphere.service', $1, false)")
            .bind(schema.name)
            .execute(&mut connection)
            .await?;
        connection.execute(sqlx::raw_sql(include_str!("../sql/admit.sql"))).await?;
        apply(&mut connection, *schema).await?;
    }
    connection.execute(sqlx::raw_sql(include_str!("../sql/backup.sql"))).await?;
    connection.close().await?;
    Ok(())
}

/// Every schema that [`migrate`] makes with those services, by its name, and this build's version of it.
pub fn versions(schemas: &[Schema]) -> BTreeMap<String, i64> {
    let platform = Schema { name: "platform", migrations: &PLATFORM };
    let all = schemas.iter().copied().chain([platform]);
    all.map(|schema| (schema.name.to_owned(), schema.version())).collect()
}

/// Makes the table that a backup leaves out, in a database that was filled from one.
///
/// # Errors
/// When it is there, or the connection is not the owner's.
pub async fn remake_ticket_key(owner: &mut PgConnection) -> Result<(), Error> {
    owner.execute(sqlx::raw_sql(include_str!("../sql/ticket_key.sql"))).await?;
    Ok(())
}

/// Lets the database check tickets of this key, from now on and without an end.
///
/// # Errors
/// When the migrator cannot be reached.
pub async fn install_ticket_key(migrator: &PgConnectOptions, key: &TicketKey) -> Result<(), Error> {
    let (inner, outer) = key.pads();
    let mut connection = PgConnection::connect_with(migrator).await?;
    connection.execute("set role devsphere_owner").await?;
    sqlx::query(
        "insert into platform.ticket_key (kid, inner_pad, outer_pad) values ($1, $2, $3)
         on conflict (kid) do update set not_after = 'infinity'",
    )
    .bind(key.kid())
    .bind(inner)
    .bind(outer)
    .execute(&mut connection)
    .await?;
    connection.close().await?;
    Ok(())
}

/// Tells the database of every ticket key that there is, by name, with the end of those that have
/// one, in seconds since 1970; it forgets all others.
///
/// # Errors
/// When the migrator cannot be reached.
pub async fn settle_ticket_keys(
    migrator: &PgConnectOptions,
    keys: &[(String, Option<i64>)],
) -> Result<(), Error> {
    let (kids, ends): (Vec<_>, Vec<_>) = keys.iter().cloned().unzip();
    let mut connection = PgConnection::connect_with(migrator).await?;
    connection.execute("set role devsphere_owner").await?;
    sqlx::query(
        "with forgotten as (delete from platform.ticket_key where kid <> all ($1))
         update platform.ticket_key as k set not_after = coalesce(to_timestamp(told.until), 'infinity')
         from (select kid, case when count(until) = count(*) then max(until) end as until
               from unnest($1::text[], $2::bigint[]) as told (kid, until) group by kid) as told
         where k.kid = told.kid",
    )
    .bind(kids)
    .bind(ends)
    .execute(&mut connection)
    .await?;
    connection.close().await?;
    Ok(())
}

async fn apply(connection: &mut PgConnection, schema: Schema) -> Result<(), Error> {
    let failed = |source| Error::Migration { schema: schema.name, source };
    let mut migrator = Migrator::with_migrations(schema.migrations.iter().cloned().collect());
    migrator.create_schema(Cow::Borrowed(schema.name));
    migrator.dangerous_set_table_name(format!("{}._migrations", schema.name));
    for _ in 1..LOCK_TRIES {
        match migrator.run_direct(None, &mut *connection, false).await {
            Err(error) if is_lock_timeout(&error) => {
                connection.execute("select pg_advisory_unlock_all()").await?;
            }
            done => return done.map_err(failed),
        }
    }
    migrator.run_direct(None, &mut *connection, false).await.map_err(failed)
}

fn is_lock_timeout(error: &MigrateError) -> bool {
    let database = match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => error,
        _ => return false,
    };
    database.as_database_error().and_then(|error| error.code()).as_deref() == Some("55P03")
}
