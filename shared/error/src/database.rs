//! What PostgreSQL says, in the mesh's terms: SQLSTATE by SQLSTATE, constraint by constraint.

use std::io;

use crate::{Error, Result};

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        let unavailable = |message, source: sqlx::Error| Self::Unavailable {
            cause: "database",
            message,
            source: Some(source.into()),
        };
        match error {
            // A full pool is overload: the caller backs off, readiness does not flap.
            sqlx::Error::PoolTimedOut => Self::Overloaded,
            sqlx::Error::PoolClosed | sqlx::Error::Io(_) | sqlx::Error::WorkerCrashed => {
                unavailable("the database is away, try again", error)
            }
            sqlx::Error::Database(ref database) => match database.code().as_deref() {
                Some("DV001") => Self::TicketExpired,
                Some("DV003") => Self::Replayed,
                Some("DV004") => Self::BadRequest {
                    cause: "request_id_reused",
                    message: "request_id was used with another request",
                },
                Some("DV005") => Self::InvalidState {
                    cause: "no_organization",
                    message: "no organisation is chosen",
                },
                Some("DV006") => Self::own_work(),
                Some("40001" | "40P01") => Self::Serialization,
                Some("55P03") => Self::Unavailable {
                    cause: "in_flight",
                    message: "the record is busy, try again",
                    source: None,
                },
                Some("57014") => Self::DeadlineExceeded,
                // It shuts down, starts, has crashed, or ended this session, or has no connection,
                // no disk or no memory to spare, or its disk does not answer.
                Some(
                    "57P01" | "57P02" | "57P03" | "57P05" | "25P03" | "25P04" | "53300" | "53100"
                    | "53200" | "58030",
                ) => unavailable("the database is away, try again", error),
                _ => Self::internal(error),
            },
            _ => Self::internal(error),
        }
    }
}

/// True when the connection died rather than the statement: one more try elsewhere may help.
pub fn is_lost_connection(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(error) => error.kind() != io::ErrorKind::InvalidData,
        sqlx::Error::Database(database) => {
            matches!(database.code().as_deref(), Some("57P01" | "57P02" | "57P03"))
        }
        _ => false,
    }
}

/// Turns the violation of one named constraint into an error the caller can act on.
pub trait OnConstraint<T> {
    /// `error` if the constraint `name` was violated, else the usual mapping.
    fn on_constraint(self, name: &str, error: impl FnOnce() -> Error) -> Result<T>;
}

impl<T> OnConstraint<T> for std::result::Result<T, sqlx::Error> {
    fn on_constraint(self, name: &str, error: impl FnOnce() -> Error) -> Result<T> {
        self.map_err(|found| {
            let hit = found.as_database_error().and_then(|database| database.constraint());
            if hit == Some(name) { error() } else { found.into() }
        })
    }
}
