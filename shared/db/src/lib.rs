//! PostgreSQL behind one door: the organisation's transaction, its migrations, its cluster.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the one crate that holds connections"
)]

mod change;
pub mod cluster;
mod global_tables;
mod lease;
pub mod list;
pub mod migrate;
mod pool;
pub mod seal;
mod strength;
mod tenant;

pub use change::{Approval, Asked, Change};
pub use global_tables::{GLOBAL_TABLES, OWNER_FUNCTIONS};
pub use migrate::Schema;
pub use pool::{Clock, Database, FunctionDb, Proof};
pub use strength::Strength;
pub use tenant::{TenantDb, TenantTx};
