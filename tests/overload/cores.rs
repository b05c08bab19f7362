//! The mesh on one core and its load on another, so that neither is measured by the other's work.

use std::{collections::BTreeSet, fs, process::Command};

/// Puts the test back on all cores when it is over.
pub struct Cores(());

impl Cores {
    /// The process and all its descendants get the first core, this one the second.
    pub fn share(mesh: u32) -> Self {
        for process in family(mesh) {
            pin(process, "0");
        }
        pin(std::process::id(), "1");
        Self(())
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

fn family(process: u32) -> BTreeSet<u32> {
    let mut found = BTreeSet::from([process]);
    for thread in fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten() {
        let children = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
        for child in children.split_whitespace() {
            found.extend(family(child.parse().unwrap()));
        }
    }
    found
}
