//! Who calls and what they may do: assertion → [`Caller`] → [`Permit`], each made in one place only.

mod assertion;
mod caller;
mod keys;
pub mod mint;
mod permissions;
mod permit;
mod role;
mod ticket;
mod vault;
mod verified;

pub use assertion::{Claims, HEADER_TYPE, LIFETIME, Organization, Standing, Subject};
pub use caller::{Caller, Verifier};
pub use keys::{KeySource, PublicKey};
pub use permissions::{PermissionSet, module_bits};
pub use permit::{Anonymous, Attempt, Facts, Peer, Permit};
pub use role::Role;
pub use ticket::{Kind, Ticket, TicketFields, TicketKey};
pub use vault::{Place, VAULT_FILE, Vault};

/// Metadata entry that carries the assertion between gateway and services, and between services.
pub const ASSERTION: &str = "devsphere-assertion";
/// Metadata entry with the calling service's name, believed over a Unix socket of our own user only.
pub const PEER: &str = "devsphere-peer";
/// Metadata entry with the id that logs and errors know a request by; a UUID.
pub const REQUEST: &str = "devsphere-request";
/// Metadata entry with the client's address, for lockout, audit and logs.
pub const CLIENT_ADDRESS: &str = "devsphere-client-address";
/// Metadata entry with the client's name of itself, for the list of sessions.
pub const USER_AGENT: &str = "devsphere-user-agent";
