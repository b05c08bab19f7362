//! What a refusal says, in one word each.

use tonic::Status;
use tonic_types::StatusExt as _;

/// Reads the details of a status.
pub trait StatusExt {
    /// The reason, as in `BAD_TRANSITION`; empty where there is none.
    fn reason(&self) -> String;
    /// The finer cause, as in `stale_etag`.
    fn cause(&self) -> String;
    /// One entry of the metadata, as `allowed`.
    fn metadata_of(&self, key: &str) -> String;
    /// Every field that breaks a rule, in order.
    fn fields(&self) -> Vec<String>;
    /// The request's name in the logs.
    fn request(&self) -> String;
}

impl StatusExt for Status {
    fn reason(&self) -> String {
        self.get_details_error_info().map(|info| info.reason).unwrap_or_default()
    }

    fn cause(&self) -> String {
        self.metadata_of("cause")
    }

    fn metadata_of(&self, key: &str) -> String {
        let info = self.get_details_error_info();
        info.and_then(|info| info.metadata.get(key).cloned()).unwrap_or_default()
    }

    fn fields(&self) -> Vec<String> {
        let fields = self.get_details_bad_request().map(|request| request.field_violations);
        fields.unwrap_or_default().into_iter().map(|violation| violation.field).collect()
    }

    fn request(&self) -> String {
        self.get_details_request_info().map(|info| info.request_id).unwrap_or_default()
    }
}
