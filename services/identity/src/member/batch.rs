//! Several members at once.

use std::collections::HashMap;

use devsphere_error::{Error, Result};
use devsphere_ids::MemberId;
use devsphere_proto::r#type::v1::ItemError;

use super::Member;

/// What was found, in the order asked for. One that is missing ends it all, unless the caller takes
/// a part; then the missing are listed with their places.
pub(super) fn sort_out(
    asked: &[MemberId],
    found: Vec<Member>,
    allow_partial: bool,
) -> Result<(Vec<Member>, Vec<ItemError>)> {
    let mut found: HashMap<_, _> =
        found.into_iter().map(|member| (member.member_id, member)).collect();
    let (mut members, mut errors) = (Vec::new(), Vec::new());
    for (index, id) in (0..).zip(asked) {
        let missing = Error::NotFound("member");
        match found.remove(id) {
            Some(member) => members.push(member),
            None if allow_partial => errors.push(ItemError {
                index,
                reason: missing.reason().into(),
                cause: missing.cause().into(),
                message: missing.to_string(),
            }),
            None => return Err(missing),
        }
    }
    Ok((members, errors))
}
