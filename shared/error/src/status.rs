//! Error to gRPC status: the one table of `product.md` B4.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt};

use crate::Error;

/// The `domain` of every `google.rpc.ErrorInfo` that leaves the mesh.
pub const DOMAIN: &str = "devsphere";

/// So many violations are named, and the message counts the rest: a status travels in a header, and
/// what is longer than 16 KiB there breaks the connection instead.
const MAX_VIOLATIONS: usize = 40;

/// How long a caller should wait before it tries a busy service again.
const RETRY_SOON: Duration = Duration::from_millis(200);

/// Which of the `*_failed` codes an internal error of a method carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// A read.
    Query,
    /// A create.
    Create,
    /// Any other write.
    Update,
    /// A delete.
    Delete,
}

impl Failure {
    /// Reads it off the method's standard verb (AIP-131 to AIP-136).
    pub fn of_method(method: &str, reads: bool) -> Self {
        let name = method.rsplit('/').next().unwrap_or(method);
        let name = name.strip_prefix("Batch").unwrap_or(name);
        match name {
            _ if reads => Self::Query,
            _ if name.starts_with("Create") || name == "SignUp" => Self::Create,
            _ if name.starts_with("Delete") || name.starts_with("Remove") => Self::Delete,
            _ => Self::Update,
        }
    }

    const fn reason(self) -> &'static str {
        match self {
            Self::Query => "QUERY_FAILED",
            Self::Create => "CREATE_FAILED",
            Self::Update => "UPDATE_FAILED",
            Self::Delete => "DELETE_FAILED",
        }
    }
}

impl From<Error> for Status {
    /// The status without a request id; the service stack renders it once more with [`Error::status`].
    fn from(error: Error) -> Self {
        let mut status = error.status("", Failure::Query);
        status.set_source(Arc::new(error));
        status
    }
}

impl Error {
    /// The status of this error, with the request id that the log knows it by.
    pub fn status(&self, request_id: &str, failure: Failure) -> Status {
        if let Self::Peer(status) = self {
            return (**status).clone();
        }
        let (code, reason) = self.code(failure);
        let mut details = ErrorDetails::new();
        details.set_error_info(reason, DOMAIN, self.metadata());
        if !request_id.is_empty() {
            details.set_request_info(request_id, "");
        }
        if let Self::Invalid(violations) = self {
            let shown = violations.iter().take(MAX_VIOLATIONS);
            let fields = shown.map(|violation| FieldViolation {
                field: violation.field.clone(),
                description: violation.description.clone(),
                reason: violation.rule.to_uppercase().replace('.', "_"),
                localized_message: None,
            });
            details.set_bad_request(fields.collect::<Vec<_>>());
        }
        if let Some(delay) = self.retry_after() {
            details.set_retry_info(Some(delay));
        }
        Status::with_error_details(code, self.to_string(), details)
    }

    /// The reason, as in `NOT_FOUND`, for places that carry errors in a message.
    pub const fn reason(&self) -> &'static str {
        self.code(Failure::Query).1
    }

    /// The finer cause; empty where there is none.
    pub const fn cause(&self) -> &'static str {
        match self {
            Self::BadRequest { cause, .. }
            | Self::InvalidState { cause, .. }
            | Self::PlanLimit { cause, .. }
            | Self::AiFailed { cause, .. }
            | Self::Locked { cause }
            | Self::Unavailable { cause, .. } => cause,
            Self::BadCredentials => "bad_credentials",
            Self::Conflict { etag: Some(_) } => "stale_etag",
            Self::TicketExpired => "ticket_expired",
            _ => "",
        }
    }

    /// The cause, or the reason in lower case where there is none; another service's as it came. For
    /// records that say why something ended.
    pub fn word(&self) -> String {
        let (reason, cause) = match self {
            Self::Peer(status) => {
                let info = status.get_details_error_info();
                info.map_or_else(Default::default, |mut info| {
                    (info.reason, info.metadata.remove("cause").unwrap_or_default())
                })
            }
            own => (own.reason().to_owned(), own.cause().to_owned()),
        };
        if cause.is_empty() { reason.to_lowercase() } else { cause }
    }

    const fn code(&self, failure: Failure) -> (Code, &'static str) {
        match self {
            Self::Unauthenticated | Self::BadCredentials => (Code::Unauthenticated, "UNAUTHORIZED"),
            Self::Forbidden(_) => (Code::PermissionDenied, "FORBIDDEN"),
            Self::Csrf => (Code::PermissionDenied, "CSRF"),
            Self::Invalid(_) | Self::BadRequest { .. } => (Code::InvalidArgument, "BAD_REQUEST"),
            Self::NotFound(_) => (Code::NotFound, "NOT_FOUND"),
            Self::AlreadyExists(_) | Self::Taken { .. } => (Code::AlreadyExists, "ALREADY_EXISTS"),
            Self::InvalidState { .. } => (Code::FailedPrecondition, "INVALID_STATE"),
            Self::BadTransition { .. } => (Code::FailedPrecondition, "BAD_TRANSITION"),
            Self::Locked { .. } => (Code::FailedPrecondition, "LOCKED"),
            Self::PlanLimit { .. } => (Code::FailedPrecondition, "PLAN_LIMIT"),
            Self::AiFailed { retry_after: Some(_), .. } => (Code::Unavailable, "AI_FAILED"),
            Self::AiFailed { .. } => (Code::Internal, "AI_FAILED"),
            Self::Conflict { .. } | Self::Serialization => (Code::Aborted, "CONFLICT"),
            Self::RateLimited { .. } => (Code::ResourceExhausted, "RATE_LIMITED"),
            Self::Overloaded => (Code::Unavailable, "OVERLOADED"),
            Self::Unavailable { .. } | Self::TicketExpired => (Code::Unavailable, "UNAVAILABLE"),
            Self::DeadlineExceeded => (Code::DeadlineExceeded, "DEADLINE_EXCEEDED"),
            Self::PayloadTooLarge { .. } => (Code::InvalidArgument, "PAYLOAD_TOO_LARGE"),
            Self::UnsupportedMediaType => (Code::InvalidArgument, "UNSUPPORTED_MEDIA_TYPE"),
            Self::UnsupportedEncoding => (Code::Unimplemented, "UNSUPPORTED_MEDIA_TYPE"),
            Self::UnknownMethod => (Code::Unimplemented, "METHOD_NOT_ALLOWED"),
            Self::Replayed | Self::Peer(_) | Self::Internal(_) => {
                (Code::Internal, failure.reason())
            }
        }
    }

    fn metadata(&self) -> HashMap<String, String> {
        let mut metadata = HashMap::new();
        let mut put = |key: &str, value: &str| metadata.insert(key.to_owned(), value.to_owned());
        if !self.cause().is_empty() {
            put("cause", self.cause());
        }
        match self {
            Self::Forbidden(permission) => {
                put("permission", permission);
            }
            Self::BadTransition { state, verb, allowed } => {
                put("state", state);
                put("verb", verb);
                put("allowed", &allowed.join(","));
            }
            Self::Conflict { etag: Some(etag) } => {
                put("etag", etag);
            }
            Self::Taken { field, holder, .. } => {
                put("field", field);
                put("holder", holder);
            }
            _ => {}
        }
        metadata
    }

    const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after } => Some(*retry_after),
            Self::AiFailed { retry_after, .. } => *retry_after,
            Self::Overloaded | Self::Unavailable { .. } | Self::TicketExpired => Some(RETRY_SOON),
            _ => None,
        }
    }
}
