//! The binary that `deploy/up` builds, and real clients against it.

mod buf;
mod curl;
mod doctor;
mod drafts;
mod grpcio;
mod grpcurl;
mod idle;
mod journey;
pub mod rotation;
mod schemathesis;
mod trace;
mod typescript;
pub mod up;
