//! The one error of the mesh, and its one mapping to a gRPC status.

mod database;
mod reasons;
mod status;
mod violation;

use std::time::Duration;

pub use database::{OnConstraint, is_lost_connection};
pub use reasons::{Language, http_status, localized, reasons};
pub use status::{DOMAIN, Failure};
pub use violation::{Check, Violation};

/// What a fallible call of the mesh returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The cause of a failure that only the log may show.
pub type Source = Box<dyn std::error::Error + Send + Sync>;

/// Why a call failed, in the caller's terms; `product.md` B4 lists the codes, `proto/causes.md` the causes.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No credential, or one that does not hold; says nothing more.
    #[error("not signed in")]
    Unauthenticated,
    /// An e-mail address and a password that do not belong together; says not which is wrong.
    #[error("the e-mail address or the password is wrong")]
    BadCredentials,
    /// The caller lacks the named permission.
    #[error("permission {0} is needed")]
    Forbidden(&'static str),
    /// A browser asks in the name of a page that may not.
    #[error("a page of another origin may not do this")]
    Csrf,
    /// Fields that break a rule of the contract, all at once.
    #[error("{}", violation::summary(.0))]
    Invalid(Vec<Violation>),
    /// A request that is wrong as a whole; the cause says how.
    #[error("{message}")]
    BadRequest { cause: &'static str, message: &'static str },
    /// No such record here, or another organisation's: the same words.
    #[error("{0} not found")]
    NotFound(&'static str),
    /// A value that must be unique is taken.
    #[error("{0} already exists")]
    AlreadyExists(&'static str),
    /// The same where the caller may see who holds it: the field, and the holder's name.
    #[error("{what} already exists")]
    Taken { what: &'static str, field: String, holder: String },
    /// The record, or the organisation, does not allow this now.
    #[error("{message}")]
    InvalidState { cause: &'static str, message: &'static str },
    /// A verb that the record's state does not know.
    #[error("cannot {verb} from state {state}")]
    BadTransition { state: &'static str, verb: &'static str, allowed: Vec<&'static str> },
    /// A limit of the organisation's plan, or one that it set itself.
    #[error("{message}")]
    PlanLimit { cause: &'static str, message: &'static str },
    /// A model gave no answer, or none that can be used; the cause says why.
    #[error("{message}")]
    AiFailed { cause: &'static str, message: String, retry_after: Option<Duration> },
    /// The organisation is read-only (suspended, being deleted).
    #[error("the organisation is locked")]
    Locked { cause: &'static str },
    /// The etag is stale; `etag` is the current one where it is known.
    #[error("changed since it was read")]
    Conflict { etag: Option<String> },
    /// Too many calls of this kind.
    #[error("too many attempts, wait {} s", .retry_after.as_secs().max(1))]
    RateLimited { retry_after: Duration },
    /// The service is at its limit; trying again helps.
    #[error("overloaded, try again")]
    Overloaded,
    /// Something the service stands on is away; trying again helps.
    #[error("{message}")]
    Unavailable {
        cause: &'static str,
        message: &'static str,
        #[source]
        source: Option<Source>,
    },
    /// The database ticket ran out before the transaction began (SQLSTATE DV001).
    #[error("try again")]
    TicketExpired,
    /// The answer to this request id is stored already (SQLSTATE DV003); never leaves the service stack.
    #[error("already answered")]
    Replayed,
    /// Another transaction won (40001, 40P01); the service stack runs the call again.
    #[error("changed by another call")]
    Serialization,
    /// The deadline passed.
    #[error("deadline exceeded")]
    DeadlineExceeded,
    /// The message is larger than the service reads.
    #[error("the message is larger than {limit} bytes")]
    PayloadTooLarge { limit: usize },
    /// A body of a kind that nobody here reads.
    #[error("the content type is not supported")]
    UnsupportedMediaType,
    /// A body packed in a way that nobody here unpacks.
    #[error("the encoding is not supported, send gzip or identity")]
    UnsupportedEncoding,
    /// No such method here.
    #[error("unknown method")]
    UnknownMethod,
    /// A refusal of another service, passed on as it came.
    #[error("{}", .0.message())]
    Peer(Box<tonic::Status>),
    /// A fault of ours; the cause is for the log alone.
    #[error("internal error")]
    Internal(#[source] Source),
}

impl Error {
    /// A fault of ours, with what went wrong for the log.
    pub fn internal(source: impl Into<Source>) -> Self {
        Self::Internal(source.into())
    }

    /// Whoever asks for a decision on a record, or wrote it, does not decide it.
    pub const fn own_work() -> Self {
        Self::InvalidState {
            cause: "own_work",
            message: "whoever wrote or submitted it cannot decide it, ask another person",
        }
    }

    /// One field that breaks a rule.
    pub fn field(field: impl Into<String>, description: impl Into<String>) -> Self {
        Self::Invalid(vec![Violation::new(field, description)])
    }
}

impl From<std::convert::Infallible> for Error {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}
