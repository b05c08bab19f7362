//! The only door to PostgreSQL: a transaction that already knows its organisation.
//!
//! Each of these compiles with the right type and not with the wrong one, so that it is the type
//! that is refused.
//!
//! ```
//! # use devsphere_auth::Permit; use devsphere_db::TenantDb;
//! async fn authorized(db: &TenantDb, permit: &Permit) {
//!     let _ = db.write(permit).await;
//! }
//! ```
//!
//! ```compile_fail,E0308
//! # use devsphere_auth::Caller; use devsphere_db::TenantDb;
//! async fn authorized_nowhere(db: &TenantDb, caller: &Caller) {
//!     let _ = db.write(caller).await; // expected `&Permit`
//! }
//! ```
//!
//! ```
//! # use devsphere_db::TenantTx;
//! async fn insert(tx: &mut TenantTx) {}
//! async fn within_a_tenant(tx: &mut TenantTx) {
//!     insert(tx).await;
//! }
//! ```
//!
//! ```compile_fail,E0308
//! # use devsphere_db::TenantTx; use sqlx::PgConnection;
//! async fn insert(tx: &mut TenantTx) {}
//! async fn tenant_nowhere(connection: &mut PgConnection) {
//!     insert(connection).await; // expected `&mut TenantTx`
//! }
//! ```

use devsphere_auth::{Attempt, Permit};
use devsphere_error::{Error, Result, is_lost_connection};
use prost::Message;
use sqlx::{PgConnection, PgPool};
use tracing::{Instrument as _, Span};

use crate::{Change, lease::Lease};

/// The largest message (`design.md` §8).
const MAX_ANSWER: usize = 4 * 1024 * 1024;

/// A service's way to its own schema. There is no way to borrow the pool.
#[derive(Clone)]
pub struct TenantDb {
    pool: PgPool,
}

impl TenantDb {
    pub(crate) const fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    /// Opens a read-only transaction that sees only the permit's organisation. One round trip.
    ///
    /// # Errors
    /// `TicketExpired`, `Overloaded` after 250 ms without a free connection, `Unavailable`.
    pub async fn read(&self, permit: &Permit) -> Result<TenantTx> {
        self.open(permit, &opening(permit, " read only", "")).await
    }

    /// Opens a transaction that sees and changes only the permit's organisation, and takes the
    /// request id where there is one. One round trip.
    ///
    /// # Errors
    /// As [`TenantDb::read`]; `Replayed` when the request was answered already (the answer is then
    /// in the permit's attempt), `BadRequest` when its id was used with another request.
    pub async fn write(&self, permit: &Permit) -> Result<TenantTx> {
        let once = permit.request_id().map(|request_id| {
            // Beside the ticket these three are the only literals: a method's path from our own
            // contract, a UUID, and hexadecimal digits.
            format!(
                "; select platform.once('{}', '{request_id}', '\\x{}')",
                permit.method().path,
                hex(&permit.facts().attempt.hash),
            )
        });
        let opening = opening(permit, "", once.as_deref().unwrap_or_default());
        match self.open(permit, &opening).await {
            Err(Error::Replayed) => Err(self.replay(permit, &permit.facts().attempt).await?),
            opened => opened,
        }
    }

    async fn open(&self, permit: &Permit, opening: &str) -> Result<TenantTx> {
        // With a target of its own, so that only a collector is told of it.
        let span = tracing::info_span!(
            target: "transaction",
            "transaction",
            otel.kind = "client",
            db.system = "postgresql",
        );
        let begin = || Lease::begin(&self.pool, opening);
        let lease = match begin().instrument(span.clone()).await {
            Err(error) if is_lost_connection(&error) => begin().instrument(span.clone()).await,
            opened => opened,
        }?;
        Ok(TenantTx { lease, permit: permit.clone(), changes: Vec::new(), span })
    }

    /// Reads the stored answer in a statement of its own, so that it is never part of an error.
    async fn replay(&self, permit: &Permit, attempt: &Attempt) -> Result<Error> {
        let mut tx = self.read(permit).await?;
        let answer: Option<Vec<u8>> = sqlx::query_scalar("select platform.answer($1, $2)")
            .bind(permit.method().path)
            .bind(permit.request_id().map(devsphere_ids::RequestId::uuid))
            .fetch_one(tx.conn())
            .await?;
        Ok(match answer {
            Some(answer) => {
                attempt.replay(answer);
                Error::Replayed
            }
            None => Error::InvalidState {
                cause: "answer_shown_once",
                message: "the request was carried out; its answer is shown only once",
            },
        })
    }
}

/// An open transaction of one organisation. Dropped, it rolls back.
pub struct TenantTx {
    lease: Lease,
    permit: Permit,
    changes: Vec<Change>,
    span: Span,
}

impl TenantTx {
    /// The connection, for the statements of a store.
    pub fn conn(&mut self) -> &mut PgConnection {
        &mut self.lease
    }

    /// Who acts here.
    pub const fn permit(&self) -> &Permit {
        &self.permit
    }

    /// Notes a change; it becomes an event and an audit record when the transaction commits.
    pub fn emit(&mut self, change: Change) {
        self.changes.push(change);
    }

    /// Records what changed and the answer, and commits. Two round trips.
    ///
    /// # Errors
    /// As any statement; then nothing has happened.
    pub async fn commit<T: Message>(mut self, answer: T) -> Result<T> {
        let method = self.permit.method();
        let facts = self.permit.facts();
        // Refused while nothing has happened yet, rather than by the transport afterwards.
        if answer.encoded_len() > MAX_ANSWER {
            return Err(Error::PayloadTooLarge { limit: MAX_ANSWER });
        }
        let request_id = self.permit.request_id().map(devsphere_ids::RequestId::uuid);
        let stored =
            (request_id.is_some() && !method.secret_answer).then(|| answer.encode_to_vec());
        let changes = serde_json::to_value(&self.changes).map_err(Error::internal)?;
        let record = sqlx::query("select platform.record($1, $2, $3, $4::text::inet, $5, $6)")
            .bind(changes)
            .bind(method.path)
            .bind(facts.trace)
            .bind(facts.address.map(|address| address.to_string()))
            .bind(request_id)
            .bind(stored);
        record.execute(&mut *self.lease).instrument(self.span.clone()).await?;
        self.lease.commit().instrument(self.span).await?;
        Ok(answer)
    }
}

/// Begins with a rollback because sqlx 0.9 hands back connections whose cancelled or failed begin
/// left them inside a transaction (its issues 4385 and 4393): right in the idle, open and aborted state.
fn opening(permit: &Permit, mode: &str, once: &str) -> String {
    let ticket = permit.caller().ticket().as_str();
    format!("rollback; begin{mode}; select set_config('devsphere.ticket', '{ticket}', true){once}")
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;

    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
