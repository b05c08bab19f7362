//! What every handler does with its message: admit it, filter, order, page, mask, tell versions apart, and write sheets.

mod admit;
pub mod batch;
pub mod csv;
pub mod etag;
pub mod filter;
pub mod id;
pub mod mask;
pub mod order;
pub mod page;
pub mod time;
pub mod trash;
pub mod validate;

pub use admit::{admit, admit_anonymous};
