//! Batches: all, or with `allow_partial` those that can be.

use std::{collections::HashMap, hash::Hash};

use devsphere_error::{Error, Result};
use devsphere_proto::r#type::v1::ItemError;

/// What was found, in the order asked for. The first refusal ends it all, unless the caller
/// takes a part; then the refused are listed with their places.
///
/// # Errors
/// The first refusal, or anything but a refusal.
pub fn sort_out<I: Eq + Hash, R>(
    (noun, ids): (&'static str, &[I]),
    mut found: HashMap<I, R>,
    allow_partial: bool,
    check: impl Fn(&R) -> Result<()>,
) -> Result<(Vec<R>, Vec<ItemError>)> {
    let (mut records, mut errors) = (Vec::new(), Vec::new());
    for (index, id) in (0..).zip(ids) {
        let record = found.remove(id).ok_or(Error::NotFound(noun));
        match record.and_then(|record| check(&record).map(|()| record)) {
            Ok(record) => records.push(record),
            Err(error) if allow_partial => errors.push(item_error(index, error)?),
            Err(error) => return Err(error),
        }
    }
    Ok((records, errors))
}

/// What one item's refusal says; anything but a refusal fails the whole batch.
fn item_error(index: i32, error: Error) -> Result<ItemError> {
    match error {
        Error::NotFound(_) | Error::InvalidState { .. } => Ok(ItemError {
            index,
            reason: error.reason().into(),
            cause: error.cause().into(),
            message: error.to_string(),
        }),
        other => Err(other),
    }
}
