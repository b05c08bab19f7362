//! The mesh on one core and its load on another, so that neither is measured by the other's work.

use std::process::Command;

/// Puts the test back on all cores when it is over.
pub struct Cores(());

impl Cores {
    /// What `start` starts is left on the first core, and this process works on the second.
    pub async fn share<T>(start: impl Future<Output = T>) -> (Self, T) {
        pin(std::process::id(), "0");
        let started = start.await;
        pin(std::process::id(), "1");
        (Self(()), started)
    }
}

impl Drop for Cores {
    fn drop(&mut self) {
        let last =
            std::thread::available_parallelism().map_or(1, std::num::NonZero::get).max(2) - 1;
        pin(std::process::id(), &format!("0-{last}"));
    }
}

/// All threads of a process.
fn pin(process: u32, cores: &str) {
    let process = process.to_string();
    let done = Command::new("taskset").args(["-a", "-c", "-p", cores, &process]).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}
