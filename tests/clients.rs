//! The binary that `deploy/up` builds, and real clients against it.

mod grpcio;
mod grpcurl;
mod idle;
mod trace;
mod up;
