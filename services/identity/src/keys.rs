//! The signing keys as files, for whoever starts an installation.

use std::path::Path;

use devsphere_auth::{TicketKey, mint::KeyFiles};
use devsphere_error::Result;

/// Makes the key files that the folder lacks, and answers the one key that the database shares.
///
/// # Errors
/// When the folder cannot be written, or a file in it is damaged.
pub fn init(folder: &Path) -> Result<TicketKey> {
    Ok(KeyFiles::init(folder)?.ticket)
}
