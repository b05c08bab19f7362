//! Identity through the wire: sessions, members, assertions.
#![expect(clippy::unwrap_used, unreachable_pub, reason = "what cannot be arranged fails the test")]

#[path = "wire/assertion.rs"]
mod assertion;
#[path = "wire/custom_role.rs"]
mod custom_role;
#[path = "wire/instance.rs"]
mod instance;
#[path = "wire/invitation.rs"]
mod invitation;
#[path = "wire/member.rs"]
mod member;
#[path = "wire/organization.rs"]
mod organization;
#[path = "wire/session.rs"]
mod session;
#[path = "wire/setup.rs"]
mod setup;
