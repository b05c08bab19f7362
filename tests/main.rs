//! What is proved about the whole mesh.
#![expect(clippy::unwrap_used, unreachable_pub, reason = "what cannot be arranged fails the test")]

mod ai;
mod apart;
mod attacks;
mod clients;
mod cores;
mod costs;
mod counts;
mod deployment;
mod drain;
mod evidence;
mod faults;
mod forgery;
mod golden;
mod isolation;
mod journeys;
mod layers;
mod matrix;
mod overload;
mod queries;
mod revocation;
mod scale;
mod surfaces;
mod upgrade;
mod whole;
