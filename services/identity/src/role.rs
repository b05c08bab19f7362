//! Roles on the wire.

use devsphere_auth::Role;
use devsphere_error::{Error, Result};
use devsphere_proto::identity::v1 as pb;

/// A role as a request names it; the portal's role comes with the portal.
///
/// # Errors
/// A violation on `field`.
pub(crate) fn role_from_wire(role: pb::Role, field: &str) -> Result<Role> {
    match role {
        pb::Role::Unspecified => Err(Error::field(field, "is required")),
        pb::Role::Client => Err(Error::field(field, "is given in the client portal only")),
        pb::Role::Ceo => Ok(Role::Ceo),
        pb::Role::Admin => Ok(Role::Admin),
        pb::Role::Manager => Ok(Role::Manager),
        pb::Role::Sales => Ok(Role::Sales),
        pb::Role::Seo => Ok(Role::Seo),
        pb::Role::Finance => Ok(Role::Finance),
        pb::Role::Hr => Ok(Role::Hr),
        pb::Role::Support => Ok(Role::Support),
        pb::Role::Operator => Ok(Role::Operator),
        pb::Role::Viewer => Ok(Role::Viewer),
    }
}

pub(crate) const fn role_to_wire(role: Role) -> pb::Role {
    match role {
        Role::Ceo => pb::Role::Ceo,
        Role::Admin => pb::Role::Admin,
        Role::Manager => pb::Role::Manager,
        Role::Sales => pb::Role::Sales,
        Role::Seo => pb::Role::Seo,
        Role::Finance => pb::Role::Finance,
        Role::Hr => pb::Role::Hr,
        Role::Support => pb::Role::Support,
        Role::Operator => pb::Role::Operator,
        Role::Viewer => pb::Role::Viewer,
        Role::Client => pb::Role::Client,
    }
}
