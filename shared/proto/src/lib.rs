//! The contracts as Rust types and as descriptors: what every other rule derives from.

mod binding;
mod comment;
mod contract;
#[expect(
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    clippy::disallowed_methods,
    clippy::doc_markdown,
    clippy::large_enum_variant,
    clippy::too_many_lines,
    unreachable_pub,
    reason = "generated; the comments are the contracts' own"
)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/tree.rs"));
}
mod json;
mod resource;
mod template;

pub use binding::{Binding, Body, ROOT, at};
pub use comment::{comment, comment_at};
pub use contract::{Access, BadContract, Contract, Cookie, Method, Module, Permission, option};
pub use generated::devsphere::{administration, agent, crm, identity, seo, r#type};
pub use json::AsJson;
pub use resource::Resource;
pub use template::{Template, Variable};

/// Every contract with its imports, options and comments, as an encoded `FileDescriptorSet`.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.binpb"));

/// The numbering of permissions: line `n` (from 0) is bit `n`; append-only.
pub const PERMISSIONS: &str = include_str!("../../../proto/permissions.txt");
