//! What the mesh costs: the wait for it, and its idle time.

use std::{fs, thread::sleep, time::Duration};

use super::up::{Folder, Up};

/// Ticks of `/proc/<pid>/stat` a second, on every Linux that Rust knows.
const TICKS: f64 = 100.0;

/// CPU seconds that a process has used.
fn cpu_seconds(pid: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let after_name = stat.rsplit_once(')').unwrap().1;
    let fields: Vec<_> = after_name.split_whitespace().collect();
    let ticks: f64 = fields[11..13].iter().map(|field| field.parse::<f64>().unwrap()).sum();
    ticks / TICKS
}

/// Proportional set size in MB.
fn pss_megabytes(pid: u32) -> f64 {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap();
    let line = rollup.lines().find(|line| line.starts_with("Pss:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
}

/// The one place that waits by the clock: it measures what happens in that time.
fn pause(seconds: u64) {
    sleep(Duration::from_secs(seconds));
}

#[test]
fn the_mesh_is_ready_in_five_seconds_and_idles_cheaply() {
    let folder = Folder::fresh();
    drop(Up::start(&folder.0, &[]));

    let up = Up::start(&folder.0, &[]);
    pause(10);
    let before = cpu_seconds(up.pid());
    pause(30);
    let share = (cpu_seconds(up.pid()) - before) / 30.0;
    let memory = pss_megabytes(up.pid());

    println!("ready in {:.2?}, {:.2} % of a core, {memory:.0} MB", up.took, share * 100.0);
    assert!(up.took < Duration::from_secs(5), "{:?}", up.took);
    assert!(share < 0.02, "{share}");
    assert!(memory < 150.0, "{memory}");
}
