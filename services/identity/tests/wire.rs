//! Identity through the wire: sessions, members, assertions.
#![expect(clippy::unwrap_used, unreachable_pub, reason = "what cannot be arranged fails the test")]

#[path = "wire/assertion.rs"]
mod assertion;
#[path = "wire/instance.rs"]
mod instance;
#[path = "wire/member.rs"]
mod member;
#[path = "wire/session.rs"]
mod session;
#[path = "wire/setup.rs"]
mod setup;
