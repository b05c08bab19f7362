//! A mesh for one test: its own database, real sockets, callers of any role; no back door.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "what cannot be arranged fails the test"
)]

mod backend;
mod caller;
mod counter;
mod eventually;
pub mod provider;
mod refusal;
mod world;

pub use backend::Backend;
pub use caller::{Caller, CallerChannel, Org, Speak, organization};
pub use counter::{Counter, RoundTrips};
pub use eventually::eventually;
pub use refusal::StatusExt;
pub use world::{World, patient};
