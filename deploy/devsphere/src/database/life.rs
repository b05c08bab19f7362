//! Databases made, looked into, renamed and removed, by the administrator.

use anyhow::{Context as _, Result, bail, ensure};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

use super::{Database, MAINTENANCE, connect, with_path};

/// PostgreSQL cuts a longer name short.
const LONGEST_NAME: usize = 63;

/// What a database holds that no empty one does.
const CONTENT: &str = "
    select string_agg(what, ', ' order by what) from (
        select 'the schema ' || nspname as what from pg_namespace
        where nspname !~ '^pg_' and nspname not in ('information_schema', 'public')
        union all
        select 'public.' || relname from pg_class where relnamespace = 'public'::regnamespace
        union all
        select 'public.' || proname from pg_proc where pronamespace = 'public'::regnamespace
        order by 1 limit 5
    ) as found";

impl Database {
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Another database of the same server.
    pub(crate) fn beside(&self, name: &str) -> Result<Self> {
        ensure!(name.len() <= LONGEST_NAME, "{name} is too long a name for a database");
        let (admin, url) = (self.admin.clone().database(name), with_path(&self.url, name));
        Ok(Self { cluster: None, admin, name: name.to_owned(), url })
    }

    /// Makes the database if there is none.
    pub(crate) async fn create(&self) -> Result<()> {
        let mut admin = self.administrator().await?;
        if self.is_there(&mut admin).await? {
            return Ok(admin.close().await?);
        }
        admin.execute(AssertSqlSafe(format!("create database {}", quoted(&self.name)))).await?;
        Ok(admin.close().await?)
    }

    /// What is in it, if there is such a database and anything in it.
    pub(crate) async fn content(&self) -> Result<Option<String>> {
        let mut admin = self.administrator().await?;
        let is_there = self.is_there(&mut admin).await?;
        admin.close().await?;
        if !is_there {
            return Ok(None);
        }
        let mut inside = connect(&self.admin).await?;
        let found = sqlx::query_scalar(CONTENT).fetch_one(&mut inside).await?;
        inside.close().await?;
        Ok(found)
    }

    /// Removes the database, if there is one, with everything in it.
    pub(crate) async fn remove(&self) -> Result<()> {
        let mut admin = self.administrator().await?;
        let drop = format!("drop database if exists {} with (force)", quoted(&self.name));
        admin.execute(AssertSqlSafe(drop)).await?;
        Ok(admin.close().await?)
    }

    /// Removes the database if there is one, but only an empty one in which nobody is.
    pub(crate) async fn give_way(&self) -> Result<()> {
        if let Some(found) = self.content().await? {
            bail!("{} is not empty any more, it holds {found}", self.name);
        }
        let mut admin = self.administrator().await?;
        let drop = format!("drop database if exists {}", quoted(&self.name));
        admin.execute(AssertSqlSafe(drop)).await?;
        Ok(admin.close().await?)
    }

    /// Gives it another name.
    pub(crate) async fn rename(&self, name: &str) -> Result<()> {
        let mut admin = self.administrator().await?;
        let rename = format!("alter database {} rename to {}", quoted(&self.name), quoted(name));
        admin.execute(AssertSqlSafe(rename)).await?;
        Ok(admin.close().await?)
    }

    async fn is_there(&self, admin: &mut PgConnection) -> Result<bool> {
        let there = sqlx::query("select from pg_database where datname = $1").bind(&self.name);
        Ok(there.fetch_optional(admin).await?.is_some())
    }

    async fn administrator(&self) -> Result<PgConnection> {
        let admin = connect(&self.admin.clone().database(MAINTENANCE)).await;
        admin.context(match self.cluster {
            Some(_) => "keys/postgres.password is not what the cluster was made with: restore it",
            None => "PostgreSQL's administrator cannot sign in",
        })
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
