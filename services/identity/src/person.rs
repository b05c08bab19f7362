//! The caller's own person: who they are, and what proves it.

pub(crate) mod rpc;
mod store;

use devsphere_error::{Check, Error, Result};
use devsphere_proto::identity::v1 as pb;

use crate::password;

/// A checked change of password.
pub(crate) struct NewPassword {
    pub(crate) current: String,
    pub(crate) new: String,
}

impl TryFrom<pb::ChangePasswordRequest> for NewPassword {
    type Error = Error;

    fn try_from(request: pb::ChangePasswordRequest) -> Result<Self> {
        let mut check = Check::default();
        if request.new_password == request.current_password {
            check.note("new_password", "must differ from the current one");
        }
        password::check(&mut check, "new_password", &request.new_password, &[]);
        check.done()?;
        Ok(Self { current: request.current_password, new: request.new_password })
    }
}

/// A code as people type it: without blanks and dashes, in capitals.
pub(crate) fn plain_code(code: &str) -> String {
    code.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_uppercase()
}
