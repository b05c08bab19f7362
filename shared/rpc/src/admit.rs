//! The validate step: the message keeps every rule of its contract, or every violation is named at once.

use devsphere_auth::{Anonymous, Permit};
use devsphere_error::{Error, Result};
use devsphere_ids::RequestId;
use prost::{Message, Name};
use tonic::Request;

use crate::validate;

/// Takes the permit that the service stack left, checks the message, and turns it into `D`: the
/// domain's words, or the message itself.
///
/// # Errors
/// `Invalid` with every violation; `Internal` when the stack was left out.
pub fn admit<R, D>(request: Request<R>) -> Result<(Permit, D)>
where
    R: Message + Name,
    D: TryFrom<R>,
    Error: From<D::Error>,
{
    let (_, mut extensions, message) = request.into_parts();
    let permit: Permit = extensions.remove().ok_or_else(|| Error::internal("no permit"))?;
    let checked = validate::checked(&message)?;
    let request_id = checked
        .get_field_by_name("request_id")
        .and_then(|value| value.as_str().and_then(|text| text.parse::<RequestId>().ok()));
    Ok((permit.repeatable(request_id), message.try_into()?))
}

/// The same for a call that needs no caller.
///
/// # Errors
/// As [`admit`].
pub fn admit_anonymous<R, D>(request: Request<R>) -> Result<(Anonymous, D)>
where
    R: Message + Name,
    D: TryFrom<R>,
    Error: From<D::Error>,
{
    let (_, mut extensions, message) = request.into_parts();
    let anonymous = extensions.remove().ok_or_else(|| Error::internal("no admission"))?;
    validate::checked(&message)?;
    Ok((anonymous, message.try_into()?))
}
