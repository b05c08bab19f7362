//! Ids in requests: texts that the contract has checked, as the ids of a noun.

use std::str::FromStr;

use devsphere_error::Error;
use devsphere_ids::NotAnId;

/// An id of a field that may be empty.
pub fn optional<T: FromStr<Err = NotAnId>>(text: &str) -> Result<Option<T>, NotAnId> {
    if text.is_empty() { Ok(None) } else { text.parse().map(Some) }
}

/// Ids of a field that repeats.
pub fn all<T: FromStr<Err = NotAnId>>(texts: &[String]) -> Result<Vec<T>, NotAnId> {
    texts.iter().map(|text| text.parse()).collect()
}

/// What a field hears whose text is no id.
pub fn bad(field: &'static str) -> impl FnOnce(NotAnId) -> Error {
    move |problem| Error::field(field, problem.to_string())
}
