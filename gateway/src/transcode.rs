//! From JSON to messages and back, by descriptor.

mod frames;
mod gzip;
mod json;
mod leaf;
mod render;
mod scan;
mod swift;

pub(crate) use frames::{Deframer, frame};
pub(crate) use gzip::{pack, unpack};
pub(crate) use json::{Reader, parse, read, shown};
pub(crate) use leaf::{from_text, mask};
pub(crate) use render::{Names, render, value};
