//! Browsers: which page a request comes from, and what it may do and see.

mod cors;
mod origins;
mod shield;

pub(crate) use cors::{allow, is_preflight, preflight};
pub(crate) use origins::{Origins, Site, is_form};
pub(crate) use shield::harden;
