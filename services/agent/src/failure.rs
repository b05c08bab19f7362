//! What a provider's failure is called in the mesh's errors.

use std::time::Duration;

use devsphere_error::Error;

use crate::provider::{Cause, Failure};

/// A provider that does not say when to ask again is asked no sooner.
const SOON: Duration = Duration::from_secs(5);

/// The failure as callers are told it: with what to do about it, and what the provider said.
pub(crate) fn failed(failure: &Failure) -> Error {
    let cause = &failure.cause;
    let retry_after = cause.is_retryable().then(|| cause.retry_after().unwrap_or(SOON));
    Error::AiFailed { cause: word(cause), message: cause.to_string(), retry_after }
}

const fn word(cause: &Cause) -> &'static str {
    match cause {
        Cause::Unauthorized { .. } => "provider_unauthorized",
        Cause::OutOfCredit { .. } => "provider_out_of_credit",
        Cause::Rejected { .. } => "provider_rejected",
        Cause::UnknownModel { .. } => "provider_unknown_model",
        Cause::RateLimited { .. } => "provider_rate_limited",
        Cause::Overloaded { .. } => "provider_overloaded",
        Cause::Unreachable => "provider_unreachable",
        Cause::TimedOut => "provider_timed_out",
        Cause::Cut => "provider_cut",
        Cause::Malformed(_) => "answer_malformed",
        Cause::TooLong => "answer_too_long",
        Cause::Declined => "declined",
        Cause::Blocked(_) => "provider_blocked",
    }
}
