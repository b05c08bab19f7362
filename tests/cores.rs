//! What is measured works on one core and its load on another, so that neither slows the other by the
//! work alone.

use std::{fs, process::Command, thread::available_parallelism};

/// What is measured has this core, and what only makes it work the other.
pub const MEASURED: &str = "0";
pub const LOAD: &str = "1";

/// Puts this process back on all cores when it is over.
pub struct Cores(());

impl Cores {
    /// This process is measured, or what it starts.
    pub fn measured() -> Self {
        pin_all(MEASURED);
        Self(())
    }

    /// From now on this process is the load of what it started.
    pub fn load(&self) {
        pin_all(LOAD);
    }
}

impl Drop for Cores {
    fn drop(&mut self) {
        let last = available_parallelism().map_or(1, std::num::NonZero::get).max(2) - 1;
        pin_all(&format!("0-{last}"));
    }
}

/// This thread alone.
pub fn pin_this_thread(cores: &str) {
    let own = fs::read_link("/proc/thread-self").unwrap();
    taskset(&["-c", "-p", cores, own.file_name().unwrap().to_str().unwrap()]);
}

/// A process of one thread, as those of PostgreSQL are.
pub fn pin(process: i32, cores: &str) {
    taskset(&["-c", "-p", cores, &process.to_string()]);
}

fn pin_all(cores: &str) {
    taskset(&["-a", "-c", "-p", cores, &std::process::id().to_string()]);
}

fn taskset(args: &[&str]) {
    let done = Command::new("taskset").args(args).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}
