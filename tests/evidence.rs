//! The audit log as evidence: nobody changes it unseen, and sealing it slows nobody down.
#![expect(clippy::panic, reason = "what was measured stands in the output")]

mod history;
mod honest;
mod load;
mod scale;
mod tamper;
