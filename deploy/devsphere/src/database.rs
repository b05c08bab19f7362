//! PostgreSQL for the commands: the private cluster, the one of a mesh that runs, or another by its address.

mod life;

use anyhow::{Context as _, Result, ensure};
use devsphere_db::{
    cluster::{Cluster, ClusterError, Options, SUPERUSER},
    migrate::MIGRATOR,
};
use sqlx::{Connection as _, Executor as _, PgConnection, postgres::PgConnectOptions};
use tokio::task::spawn_blocking;

use crate::{cli::BadConfig, folder::Folder, keys::Passwords, state::State};

/// The database where nobody names another.
const NAME: &str = "devsphere";
/// Every cluster has it; from there others are made.
const MAINTENANCE: &str = "postgres";

/// A database, and the administrator's way to it.
pub(crate) struct Database {
    cluster: Option<Cluster>,
    admin: PgConnectOptions,
    name: String,
    url: String,
}

impl Database {
    /// The database named, else the one of the mesh that runs in this directory, else the private
    /// cluster, started for as long as this value lives.
    pub(crate) async fn find(
        folder: &Folder,
        passwords: &Passwords,
        url: Option<&str>,
    ) -> Result<Self> {
        if let Some(url) = url {
            return Self::at(url);
        }
        if let Some(state) = State::of_running(folder)? {
            return Self::at(&state.database_url);
        }
        // Nobody who only looks for a cluster wants one made.
        ensure!(
            folder.postgres().join("PG_VERSION").exists(),
            "{} holds no cluster: `devsphere up` makes one, or give --database-url",
            folder.postgres().display()
        );
        Self::private(folder, passwords).await
    }

    /// The database at an address.
    pub(crate) fn at(url: &str) -> Result<Self> {
        let bad = |problem: &str| BadConfig(format!("--database-url: {problem}"));
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return Err(bad("is no postgres:// address").into());
        }
        let admin: PgConnectOptions =
            url.parse().map_err(|error: sqlx::Error| bad(&error.to_string()))?;
        let named = admin.get_database().filter(|name| *name != MAINTENANCE).map(str::to_owned);
        let url = if named.is_some() { url.to_owned() } else { with_path(url, NAME) };
        let name = named.unwrap_or_else(|| NAME.to_owned());
        Ok(Self { cluster: None, admin: admin.database(&name), name, url })
    }

    /// The private cluster, made when missing.
    pub(crate) async fn private(folder: &Folder, passwords: &Passwords) -> Result<Self> {
        let mut options = Options::new(folder.postgres(), &passwords.superuser);
        options.log = Some(folder.postgres_log());
        let started: Result<_, ClusterError> = spawn_blocking(|| Cluster::start(options)).await?;
        let cluster = started?;
        let admin = cluster.connect_options(SUPERUSER, &passwords.superuser, NAME);
        let url = cluster.url(SUPERUSER, &passwords.superuser, NAME);
        Ok(Self { cluster: Some(cluster), admin, name: NAME.to_owned(), url })
    }

    /// The address of the database for people and their tools, the administrator's password included.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// How the administrator signs in.
    pub(crate) const fn admin(&self) -> &PgConnectOptions {
        &self.admin
    }

    /// How a role signs in.
    pub(crate) fn role(&self, role: &str, passwords: &Passwords) -> Result<PgConnectOptions> {
        let password =
            passwords.roles.get(role).with_context(|| format!("{role} has no password"))?;
        Ok(self.signed_in(role, password))
    }

    /// How a role signs in whose password is at hand.
    pub(crate) fn signed_in(&self, role: &str, password: &str) -> PgConnectOptions {
        self.admin.clone().username(role).password(password)
    }

    /// A connection of the owner of everything: for arranging, never for a service.
    pub(crate) async fn owner(&self, passwords: &Passwords) -> Result<PgConnection> {
        let mut owner = connect(&self.role(MIGRATOR, passwords)?).await?;
        owner.execute("set role devsphere_owner").await?;
        Ok(owner)
    }

    /// Refuses a server whose connections would not do for the pools of all services.
    pub(crate) async fn has_room(&self, needed: u32) -> Result<u32> {
        let mut admin = connect(&self.admin).await?;
        let room: i32 = sqlx::query_scalar(
            "select current_setting('max_connections')::int
                    - current_setting('superuser_reserved_connections')::int",
        )
        .fetch_one(&mut admin)
        .await?;
        admin.close().await?;
        let room = u32::try_from(room)?;
        ensure!(needed <= room, "max_connections leaves {room}, the mesh needs {needed}");
        Ok(room)
    }

    /// Stops the private cluster, if it is ours.
    pub(crate) async fn close(self) -> Result<()> {
        match self.cluster {
            Some(cluster) => Ok(spawn_blocking(|| cluster.stop()).await??),
            None => Ok(()),
        }
    }
}

/// The address with another path.
fn with_path(url: &str, path: &str) -> String {
    let (place, query) = url.split_once('?').unwrap_or((url, ""));
    let host = place.find("://").map_or(0, |scheme| scheme + 3);
    let end = place[host..].find('/').map_or(place.len(), |slash| host + slash);
    let question = if query.is_empty() { "" } else { "?" };
    format!("{}/{path}{question}{query}", &place[..end])
}

/// One connection.
#[expect(clippy::disallowed_methods, reason = "the operator's tools are no service")]
pub(crate) async fn connect(options: &PgConnectOptions) -> Result<PgConnection> {
    Ok(PgConnection::connect_with(options).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_without_a_database_means_ours() {
        let url = |url: &str| Database::at(url).unwrap().url().to_owned();

        assert_eq!(url("postgres://a:b@h:1"), "postgres://a:b@h:1/devsphere");
        assert_eq!(
            url("postgres://a@h/postgres?sslmode=disable"),
            "postgres://a@h/devsphere?sslmode=disable"
        );
        assert_eq!(url("postgresql://a@h/mine"), "postgresql://a@h/mine");
        assert!(Database::at("mysql://a@h").is_err());
    }
}
