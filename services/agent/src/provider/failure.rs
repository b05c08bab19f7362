//! Why there is no reply, and what that cost. Nothing here shows a key.

use std::time::Duration;

use devsphere_egress::Refusal;

use super::Usage;

/// No reply.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{cause}")]
pub struct Failure {
    /// Why.
    pub cause: Cause,
    /// What all attempts cost together.
    pub usage: Usage,
    /// How often it was asked.
    pub attempts: u32,
}

impl Failure {
    /// The same question may be answered later.
    pub const fn is_retryable(&self) -> bool {
        self.cause.is_retryable()
    }
}

impl From<Cause> for Failure {
    fn from(cause: Cause) -> Self {
        Self { cause, usage: Usage::default(), attempts: 0 }
    }
}

/// What went wrong. A `message` is what the provider said: 300 printable characters at most, without the key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// No such key, or it may not do this.
    #[error("the provider does not accept the key{}", colon(message))]
    Unauthorized {
        /// Empty where the provider would repeat the key.
        message: String,
    },
    /// The account has no credit left, or has reached a limit of its owner's.
    #[error("the provider's account has nothing left to spend{}", colon(message))]
    OutOfCredit {
        /// In the provider's words.
        message: String,
    },
    /// The provider does not take such a question.
    #[error("the provider refused the request ({status}){}", colon(message))]
    Rejected {
        /// Of HTTP.
        status: u16,
        /// In the provider's words.
        message: String,
    },
    /// The provider has no such model, or not for this key.
    #[error("the provider has no such model{}", colon(message))]
    UnknownModel {
        /// In the provider's words.
        message: String,
    },
    /// Asked too often.
    #[error("the provider's rate limit is reached")]
    RateLimited {
        /// When the provider wants to be asked again.
        retry_after: Option<Duration>,
    },
    /// The provider has too much to do, or is broken.
    #[error("the provider is overloaded or broken{}", colon(message))]
    Overloaded {
        /// When the provider wants to be asked again.
        retry_after: Option<Duration>,
        /// In the provider's words.
        message: String,
    },
    /// No connection; nothing was sent.
    #[error("the provider cannot be reached")]
    Unreachable,
    /// It took too long, by the caller's deadline or by our patience.
    #[error("the provider did not answer in time")]
    TimedOut,
    /// The answer ended in the middle.
    #[error("the provider's answer broke off")]
    Cut,
    /// The answer is none, in the provider's format or in the question's.
    #[error("the provider's answer cannot be used: {0}")]
    Malformed(&'static str),
    /// The answer has more tokens than the question allows.
    #[error("the answer is longer than the question allows")]
    TooLong,
    /// The model, or the provider's filter, does not want to answer.
    #[error("the model declined to answer")]
    Declined,
    /// The address is none that we call.
    #[error("the provider's address is not called: {0}")]
    Blocked(Refusal),
}

impl Cause {
    /// One word for it, for counting and logs.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Unauthorized { .. } => "unauthorized",
            Self::OutOfCredit { .. } => "out_of_credit",
            Self::Rejected { .. } => "rejected",
            Self::UnknownModel { .. } => "unknown_model",
            Self::RateLimited { .. } => "rate_limited",
            Self::Overloaded { .. } => "overloaded",
            Self::Unreachable => "unreachable",
            Self::TimedOut => "timed_out",
            Self::Cut => "cut",
            Self::Malformed(_) => "malformed",
            Self::TooLong => "too_long",
            Self::Declined => "declined",
            Self::Blocked(_) => "blocked",
        }
    }

    /// The same question may be answered later.
    pub const fn is_retryable(&self) -> bool {
        matches!(
            self,
            Self::RateLimited { .. }
                | Self::Overloaded { .. }
                | Self::Unreachable
                | Self::TimedOut
                | Self::Cut
        )
    }

    /// When the provider wants to be asked again, if it said so.
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after } | Self::Overloaded { retry_after, .. } => {
                *retry_after
            }
            _ => None,
        }
    }
}

fn colon(message: &str) -> String {
    if message.is_empty() { String::new() } else { format!(": {message}") }
}
