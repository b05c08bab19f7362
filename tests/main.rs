//! What is proved about the whole mesh.
#![expect(clippy::unwrap_used, unreachable_pub, reason = "what cannot be arranged fails the test")]

mod counts;
mod isolation;
mod journeys;
mod layers;
mod whole;
