//! Drafts and their ledger, through the wire, with models that do as the test says.

#![expect(clippy::unwrap_used, reason = "what arranges a test fails it")]

mod budget;
mod cancel;
mod draft;
mod fault;
mod ledger;
mod setting;
mod stage;
