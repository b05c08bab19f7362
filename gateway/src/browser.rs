//! Browsers: which page a request comes from, what it may do and see, and where its refresh token is.

mod cookie;
mod cors;
mod origins;
mod shield;
mod tokens;

pub(crate) use cookie::{Cookies, TOKENS};
pub(crate) use cors::{allow, is_preflight, preflight};
pub(crate) use origins::{Origins, Site, is_form};
pub(crate) use shield::harden;
pub(crate) use tokens::{fill, take};
