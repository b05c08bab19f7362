//! The contracts as Rust types and as descriptors: what every other rule derives from.

mod contract;
#[expect(clippy::all, clippy::pedantic, reason = "generated")]
#[allow(missing_docs, reason = "generated; the comments are in the contracts")]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/tree.rs"));
}

pub use contract::{Access, BadContract, Contract, Method, Module, Permission, option};
pub use generated::devsphere::{crm, identity, r#type};

/// Every contract with its imports, options and comments, as an encoded `FileDescriptorSet`.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.binpb"));

/// The numbering of permissions: line `n` (from 0) is bit `n`; append-only.
pub const PERMISSIONS: &str = include_str!("../../../proto/permissions.txt");
