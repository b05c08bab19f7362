//! One state of the database, for as long as it is looked at: its tables, counted and summed up.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use aws_lc_rs::digest::{Context as Digest, SHA256};
use devsphere_db::migrate::NOT_BACKED_UP;
use sqlx::{
    AssertSqlSafe, Connection as _, Executor as _, PgConnection, Row as _,
    postgres::PgConnectOptions,
};
use tokio_stream::StreamExt as _;

use super::{files::hex, manifest::Table};
use crate::{database::connect, out};

const SAY_EVERY: Duration = Duration::from_secs(5);

/// What a row's text depends on, and what would cut a long look short. Without `row_security = off`
/// a role that has lost its right would leave rows out, and nobody would notice.
const BEGIN: &str = "
    begin isolation level repeatable read, read only;
    set local row_security = off;
    set local statement_timeout = 0;
    set local idle_in_transaction_session_timeout = 0;
    set local timezone = 'UTC';
    set local datestyle = 'ISO, YMD';
    set local intervalstyle = 'iso_8601';
    set local extra_float_digits = 1;
    set local bytea_output = 'hex'";

const TABLES: &str = "
    select format('%s.%s', n.nspname, c.relname) as name, format('%I.%I', n.nspname, c.relname) as quoted
    from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
    where c.relkind = 'r' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
      and c.oid is distinct from to_regclass($1)
    order by 1";

/// A transaction that sees one state.
pub(crate) struct Snapshot {
    connection: PgConnection,
    /// For other sessions that are to see the same.
    pub(crate) id: String,
    /// When it was.
    pub(crate) time: String,
    /// The major version of the server.
    pub(crate) server: u32,
}

impl Snapshot {
    /// The present state, as the backup's role sees it.
    pub(crate) async fn open(options: &PgConnectOptions) -> Result<Self> {
        let mut connection = connect(options)
            .await
            .context("the role devsphere_backup cannot sign in: `devsphere migrate` makes it")?;
        connection.execute(sqlx::raw_sql(BEGIN)).await?;
        let row = sqlx::query(
            "select pg_export_snapshot(), to_char(transaction_timestamp(), 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'),
                    current_setting('server_version_num')::int / 10000",
        )
        .fetch_one(&mut connection)
        .await?;
        let (id, time, server) = (row.try_get(0)?, row.try_get(1)?, row.try_get::<i32, _>(2)?);
        Ok(Self { connection, id, time, server: u32::try_from(server)? })
    }

    /// Every table that a backup holds; `say` hears of each when it is done.
    pub(crate) async fn tables(
        &mut self,
        say: impl Fn(&str, &Table),
    ) -> Result<BTreeMap<String, Table>> {
        let names: Vec<(String, String)> =
            sqlx::query_as(TABLES).bind(NOT_BACKED_UP).fetch_all(&mut self.connection).await?;
        let mut tables = BTreeMap::new();
        for (name, quoted) in names {
            let table = self.table(&name, &quoted).await.with_context(|| name.clone())?;
            say(&name, &table);
            tables.insert(name, table);
        }
        Ok(tables)
    }

    /// Sorted by their own text in the order of bytes, rows come the same on every machine.
    async fn table(&mut self, name: &str, quoted: &str) -> Result<Table> {
        let copy = format!(
            "copy (select (found.*)::text from {quoted} as found order by (found.*)::text collate \"C\") to stdout"
        );
        let (mut rows, mut digest, mut said) = (0, Digest::new(&SHA256), Instant::now());
        let mut text = self.connection.copy_out_raw(&copy).await?;
        while let Some(chunk) = text.next().await {
            let chunk = chunk?;
            // A line's end within a row is written as `\n`.
            rows += u64::try_from(chunk.iter().filter(|byte| **byte == b'\n').count())?;
            digest.update(&chunk);
            if said.elapsed() >= SAY_EVERY {
                said = Instant::now();
                out::say(&format!("{name}: {rows} rows so far"));
            }
        }
        Ok(Table { rows, sha256: hex(digest.finish().as_ref()) })
    }

    /// The version of each schema that migrations made.
    pub(crate) async fn versions(&mut self) -> Result<BTreeMap<String, i64>> {
        let schemas: Vec<String> = sqlx::query_scalar(
            "select n.nspname::text from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
             where c.relname = '_migrations' order by 1",
        )
        .fetch_all(&mut self.connection)
        .await?;
        let mut versions = BTreeMap::new();
        for schema in schemas {
            let newest = format!("select max(version) from \"{schema}\"._migrations where success");
            let newest: Option<i64> =
                sqlx::query_scalar(AssertSqlSafe(newest)).fetch_one(&mut self.connection).await?;
            versions.insert(schema, newest.unwrap_or_default());
        }
        Ok(versions)
    }

    /// The number of the audit log's last signed root.
    pub(crate) async fn last_root(&mut self) -> Result<i64> {
        let last = sqlx::query_scalar("select coalesce(max(number), 0) from platform.audit_root");
        Ok(last.fetch_one(&mut self.connection).await?)
    }

    pub(crate) async fn close(self) -> Result<()> {
        Ok(self.connection.close().await?)
    }
}
