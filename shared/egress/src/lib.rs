//! The one way out to the world: an HTTP client that reaches public addresses, and private ones only where the operator says so.
//!
//! A URL becomes a [`Target`], which has one plain spelling. The [`Client`] holds it against its
//! [`Policy`], looks its name up once, judges every address of the answer, and connects to those
//! alone. Redirects are answers like any other, a proxy named by the environment is not asked, and
//! what comes back is bounded in time and in bytes.

mod address;
mod answer;
mod client;
mod failure;
mod policy;
mod resolve;
mod target;
mod tls;

pub use answer::Answer;
pub use client::{Bounds, Client};
pub use failure::{Failure, Refusal, Source};
pub use policy::{Allowance, BadPolicy, Policy};
pub use resolve::{Looking, Lookup, System};
pub use target::Target;
