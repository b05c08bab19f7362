//! Revocation: what ends, ends everywhere within a second, and never becomes the client's fault.

mod everywhere;
mod outage;
mod people;
mod stream;
