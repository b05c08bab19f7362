//! Why a stream ends, told as the service stack tells it of a unary call, which has ended for a stream by then.

use devsphere_auth::Permit;
use devsphere_error::{Error, Failure};
use tonic::Status;

/// The last status of a stream that the permit began.
pub fn refusal(permit: &Permit, error: &Error) -> Status {
    let (method, facts) = (permit.method(), permit.facts());
    if let Error::Internal(source) = error {
        tracing::error!(method = method.path, %source, "call failed");
    }
    error.status(&facts.trace.to_string(), Failure::of_method(method.path, method.reads))
}
