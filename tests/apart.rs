//! The mesh as separate processes, two of each, which know each other by their certificates.

mod agent;
pub mod front;
mod kills;
mod matrix;
mod renewal;
mod rolling;
pub mod set;
pub mod stranger;
mod strangers;
pub mod ways;
