//! The gateway through the wire, before services that note what reaches them.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "the helpers of a test fail, spawn and refuse as the test itself"
)]

mod bounds;
mod browsers;
mod bytes;
mod cache;
mod client;
mod connect;
mod cookies;
mod credentials;
mod csrf;
mod deadlines;
mod documents;
mod edge;
mod errors;
mod headers;
mod http1;
mod identity;
mod limits;
mod own;
mod rates;
mod recorder;
mod refusals;
mod rest;
mod retries;
mod stopping;
mod telemetry;
mod tls;
mod web;
mod world;
