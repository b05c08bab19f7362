//! Asking a scripted provider, in both formats.
#![expect(clippy::unwrap_used, reason = "the helpers of a test fail as the test itself")]

mod cancels;
mod faults;
mod log;
mod replies;
mod retries;
mod secrets;
mod stage;
mod times;
