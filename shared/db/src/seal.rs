//! The audit log as evidence: each organisation's records in a chain of hashes, the chains' heads under
//! a tree, the tree's root under a signature, and whoever doubts recomputes all of it.
//!
//! What is found out: a record or a seal that was changed, removed, exchanged or put in, and a chain
//! that was cut or made anew. What is not: whatever happens to a record before it is sealed, and a cut
//! of a chain's end that no root has signed yet; that is a second and a minute.

mod batch;
mod chain;
mod file;
mod root;
mod roots;
mod sealer;
mod tree;
mod verify;
mod walk;

pub use root::{FormerKey, RootKey, SealKey};
pub use sealer::Sealer;
pub use verify::{Broken, Problem, Report, verify, verify_within};

/// Why the log could not be sealed, or not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// PostgreSQL refused.
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
    /// The outside copy of the roots cannot be read or written.
    #[error("{path}: {source}")]
    File { path: std::path::PathBuf, source: std::io::Error },
    /// What is stored is not what was written: nothing more is signed.
    #[error("{0}")]
    Tampered(String),
    /// The role could change what it is to seal.
    #[error("the sealer's role is stronger than it should be")]
    Strong,
    /// The key is none.
    #[error("the audit key is damaged")]
    Key,
}

type Hash = [u8; 32];

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}
