//! A connection for one transaction, and its way back: off the caller's path, in one round trip.

use std::{
    io,
    ops::{Deref, DerefMut},
};

use sqlx::{
    AssertSqlSafe, Executor as _, PgConnection, PgPool, Postgres, SqlSafeStr as _,
    pool::PoolConnection, postgres::PgTransactionManager,
};
use sqlx_core::transaction::TransactionManager as _;
use tokio::time::timeout;

use crate::pool::PATIENCE;

/// A connection with an open transaction. Dropped, it rolls back what was not committed and goes back
/// to the pool; a server that does not answer for 5 s is given up.
///
/// sqlx's own transaction waits without end there, and asks twice.
pub(crate) struct Lease(PoolConnection<Postgres>);

impl Lease {
    /// Takes a connection and begins there with that statement. One round trip.
    pub(crate) async fn begin(pool: &PgPool, opening: &str) -> Result<Self, sqlx::Error> {
        let mut lease = Self(pool.acquire().await?);
        let opening = AssertSqlSafe(opening.to_owned()).into_sql_str();
        // In a task of its own: a begin that is cut off half-way would leave the connection inside a
        // transaction that sqlx does not know of, with its locks.
        let begun = tokio::spawn(async move {
            match PgTransactionManager::begin(&mut lease, Some(opening)).await {
                Ok(()) => Ok(lease),
                Err(error) => {
                    tokio::spawn(lease.end());
                    Err(error)
                }
            }
        });
        begun.await.map_err(|stopped| sqlx::Error::Io(io::Error::other(stopped)))?
    }

    /// One round trip.
    pub(crate) async fn commit(mut self) -> Result<(), sqlx::Error> {
        PgTransactionManager::commit(&mut self).await
    }

    /// Ends the transaction that a begin has left in which a later statement failed.
    async fn end(mut self) {
        // A connection that does not answer this does not answer the pool either, which drops it.
        let _ = timeout(PATIENCE, self.execute("rollback")).await;
    }
}

impl Deref for Lease {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.0
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.0
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // Goes out with the pool's own question; after a commit there is nothing to roll back.
        PgTransactionManager::start_rollback(&mut self.0);
        tokio::spawn(timeout(PATIENCE, self.0.return_to_pool()));
    }
}
