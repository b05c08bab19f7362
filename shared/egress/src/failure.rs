//! Why a call out came to nothing, in words that hold no secret: no header, no path, no query, no address of ours.

use std::error::Error;

/// What lies under a failure, for the log. It names no URL.
pub type Source = Box<dyn Error + Send + Sync>;

/// Why there is no answer, or no more of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The target is not one that this client reaches; nothing was sent.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// No such name, no connection, or no TLS that holds; nothing was sent.
    #[error("the host cannot be reached")]
    Unreachable(#[source] Source),
    /// The deadline passed; what was asked for may have been done.
    #[error("the host did not answer in time")]
    TimedOut,
    /// The answer has more bytes than the caller takes.
    #[error("the answer is too large")]
    TooLarge,
    /// The connection ended in the middle, or spoke no HTTP; what was asked for may have been done.
    #[error("the answer broke off")]
    Broken(#[source] Source),
}

/// What is wrong with a target, or with what is to be sent there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// More characters than any address needs.
    #[error("the address is too long")]
    Length,
    /// Letters beyond ASCII, spaces, controls, backslashes.
    #[error("the address has a character that it may not have")]
    Character,
    /// Neither `https://` nor `http://`.
    #[error("the address does not begin with https://")]
    Scheme,
    /// A `#`, which no server would see.
    #[error("the address has a fragment")]
    Fragment,
    /// A name or password before the host.
    #[error("the address has credentials")]
    Credentials,
    /// No host, or one that is not in its one plain spelling.
    #[error("the address has no host in plain spelling")]
    Host,
    /// A port that is no number, or not the scheme's own.
    #[error("the address has a port that is not open to it")]
    Port,
    /// `http` to a host of the world.
    #[error("the address is not https")]
    Plain,
    /// A name that means a host of ours wherever it is asked for.
    #[error("the host's name is not a public one")]
    LocalName,
    /// An address that is not the public's, and not allowed by the operator.
    #[error("the host's address is not a public one")]
    Address,
    /// A name that leads to such an address.
    #[error("the host's name leads to an address that is not open to it")]
    Leads,
    /// A header that is the client's own business.
    #[error("a header of the request is the client's to set")]
    Header,
}

impl From<reqwest::Error> for Failure {
    fn from(error: reqwest::Error) -> Self {
        if let Some(refusal) = refusal(&error) {
            return Self::Refused(refusal);
        }
        let (unreachable, late) = (error.is_connect(), error.is_timeout());
        // The URL may hold a key in its query.
        let source = Box::new(error.without_url());
        match (unreachable, late) {
            (true, _) => Self::Unreachable(source),
            (false, true) => Self::TimedOut,
            (false, false) => Self::Broken(source),
        }
    }
}

/// The resolver's refusal, which comes back as the cause of a failed connection.
fn refusal(error: &reqwest::Error) -> Option<Refusal> {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(refusal) = error.downcast_ref::<Refusal>() {
            return Some(*refusal);
        }
        cause = error.source();
    }
    None
}
