//! Connections of one service, under its own role.

use std::{io, time::Duration};

use devsphere_auth::{Anonymous, Permit};
use devsphere_error::{Error, Result};
use sqlx::{
    Executor as _, PgConnection, PgPool, Postgres,
    postgres::{PgArguments, PgConnectOptions, PgPoolOptions, PgRow},
    query::Map,
};
use tokio::time::timeout;

use crate::{Schema, Strength, TenantDb};

/// Readiness and the start-up may wait longer than a caller does.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// A service's access to the database: transactions of an organisation, and named functions.
#[derive(Clone)]
pub struct Database {
    schema: Schema,
    tenant: PgPool,
    functions: PgPool,
    probe: PgPool,
}

impl Database {
    /// Opens nothing yet: connections come with the first calls, `size` at most. A caller waits
    /// `wait` for one; after that the service is overloaded.
    pub fn new(schema: Schema, options: PgConnectOptions, size: u32, wait: Duration) -> Self {
        let options = options.application_name(&schema.role());
        let pool = |size, wait| {
            PgPoolOptions::new()
                .max_connections(size)
                .acquire_timeout(wait)
                .test_before_acquire(false)
                .idle_timeout(Duration::from_secs(300))
        };
        // Functions have connections of their own: no transaction ever begins there, so a
        // cancelled begin cannot leave one open under a call that opens none.
        Self {
            schema,
            tenant: pool(size, wait).connect_lazy_with(options.clone()),
            functions: cleaned(pool(2, wait)).connect_lazy_with(options.clone()),
            probe: cleaned(pool(1, PATIENCE)).connect_lazy_with(options),
        }
    }

    /// Transactions of the caller's organisation.
    pub fn tenant(&self) -> TenantDb {
        TenantDb::new(self.tenant.clone())
    }

    /// Named functions, for calls that have no caller.
    pub fn functions(&self) -> FunctionDb {
        FunctionDb { pool: self.functions.clone() }
    }

    /// Named functions on the connection of readiness, for what must go on when callers hold every
    /// other one.
    pub fn background(&self) -> FunctionDb {
        FunctionDb { pool: self.probe.clone() }
    }

    /// The proof of what this service does by itself, and for nobody.
    pub const fn clock(&self) -> Clock {
        Clock(())
    }

    /// One cheap statement on a connection of its own, for readiness.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn ping(&self) -> Result<()> {
        sqlx::query("select 1").execute(&self.probe).await?;
        Ok(())
    }

    /// Leaves audit records of what changed nothing, each stamped by its own ticket.
    ///
    /// # Errors
    /// As any statement.
    pub async fn note(&self, notes: serde_json::Value) -> Result<()> {
        let note = sqlx::query("select platform.note($1)").bind(notes);
        note.execute(&self.functions).await?;
        Ok(())
    }

    /// Refuses a role that is stronger than a service's should be, and a schema older than this build.
    ///
    /// # Errors
    /// Says which of them, for the operator.
    pub async fn check(&self) -> Result<()> {
        let strength = Strength::of(&mut *self.probe.acquire().await?).await?;
        if strength.is_too_much() {
            return Err(Error::internal(format!(
                "{} is stronger than it should be",
                self.schema.role()
            )));
        }
        let version = sqlx::query_scalar("select coalesce(platform.schema_version($1), 0)");
        let found: i64 = version.bind(self.schema.name).fetch_one(&self.probe).await?;
        let needed = self.schema.version();
        if found < needed {
            return Err(Error::internal(format!(
                "schema {} is at {found}, this build needs {needed}: run `devsphere migrate`",
                self.schema.name
            )));
        }
        Ok(())
    }

    /// Closes every connection.
    pub async fn close(&self) {
        tokio::join!(self.tenant.close(), self.functions.close(), self.probe.close());
    }
}

/// Ends what a call that was cut off has left behind, off the caller's path.
fn cleaned(pool: PgPoolOptions) -> PgPoolOptions {
    pool.after_release(|connection, _| Box::pin(clean(connection)))
}

/// Ends whatever a connection was left in. One that does not answer for so long is given up: the machine
/// behind it may be gone without a word, and the kernel would wait for a quarter of an hour.
async fn clean(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let silent = |_| sqlx::Error::Io(io::ErrorKind::TimedOut.into());
    timeout(PATIENCE, connection.execute("rollback")).await.map_err(silent)?.map(|_| true)
}

/// What lets call a named function: the door's word that the call needs no caller, or has one, or the
/// service's own that nobody calls.
pub trait Proof: sealed::Sealed {}

impl Proof for Anonymous {}
impl Proof for Clock {}
impl Proof for Permit {}

/// Proof that nobody calls: the service's own clock says that it is time. Whoever holds the service's
/// database has it, and nobody makes one.
///
/// ```
/// # use devsphere_db::{Clock, Proof};
/// fn its_time(clock: &Clock) -> &impl Proof {
///     clock
/// }
/// ```
///
/// ```compile_fail,E0423
/// # use devsphere_db::{Clock, Proof};
/// fn its_time_i_say() -> impl Proof {
///     Clock(()) // expected a constructor that can be seen
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Clock(());

mod sealed {
    pub trait Sealed {}

    impl Sealed for super::Anonymous {}
    impl Sealed for super::Clock {}
    impl Sealed for super::Permit {}
}

/// Calls of definer functions, each one statement and its own transaction. One round trip.
#[derive(Clone)]
pub struct FunctionDb {
    pool: PgPool,
}

impl FunctionDb {
    /// Calls a function that answers one row.
    ///
    /// # Errors
    /// As any statement.
    pub async fn call<O, F>(
        &self,
        _proof: &impl Proof,
        query: Map<'_, Postgres, F, PgArguments>,
    ) -> Result<O>
    where
        F: FnMut(PgRow) -> Result<O, sqlx::Error> + Send,
        O: Send + Unpin,
    {
        Ok(query.fetch_one(&self.pool).await?)
    }

    /// Calls a function that answers several rows.
    ///
    /// # Errors
    /// As any statement.
    pub async fn call_all<O, F>(
        &self,
        _proof: &impl Proof,
        query: Map<'_, Postgres, F, PgArguments>,
    ) -> Result<Vec<O>>
    where
        F: FnMut(PgRow) -> Result<O, sqlx::Error> + Send,
        O: Send + Unpin,
    {
        Ok(query.fetch_all(&self.pool).await?)
    }
}
