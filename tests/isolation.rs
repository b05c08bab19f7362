//! No way leads to another organisation's rows, from the catalogue to the wire, and what would open
//! one does not start.
#![expect(
    clippy::disallowed_methods,
    clippy::panic,
    reason = "thieves and inspectors connect by themselves; what was counted stands in the output"
)]

mod catalogue;
mod contract;
mod cut;
mod door;
mod interleaved;
mod lint;
mod neighbours;
mod pool;
mod probe;
mod table;
mod thief;

use crate::matrix::stage::MODULES;
