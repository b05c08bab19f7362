//! What processes have used so far, as the kernel counts it.

use std::{
    fs,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// Of a second, in `/proc`, on every Linux.
const TICK: Duration = Duration::from_millis(10);

/// The processes of a bench.
pub struct Processes {
    pub gateway: u32,
    pub service: u32,
    pub postmaster: u32,
}

/// Time on processors until then.
#[derive(Debug, Clone, Copy)]
pub struct Used {
    /// Since 1970.
    pub at: Duration,
    pub gateway: Duration,
    pub service: Duration,
    pub postgres: Duration,
}

impl Processes {
    pub fn used(&self) -> Used {
        let postgres = self.of_postgres();
        Used {
            at: SystemTime::now().duration_since(UNIX_EPOCH).unwrap(),
            gateway: TICK * own(self.gateway).unwrap(),
            service: TICK * own(self.service).unwrap(),
            postgres: TICK * postgres,
        }
    }

    /// Its living children, itself, and those whom it has buried; once nobody came or went meanwhile.
    fn of_postgres(&self) -> u32 {
        loop {
            let before = children(self.postmaster);
            let living: u32 = before.iter().filter_map(|child| own(*child)).sum();
            let [user, system, buried_user, buried_system] = ticks(self.postmaster).unwrap();
            if children(self.postmaster) == before {
                return living + user + system + buried_user + buried_system;
            }
        }
    }

    /// Megabytes that gateway, service and PostgreSQL hold, each page shared out among its users.
    pub fn memory(&self) -> [f64; 3] {
        let postgres = children(self.postmaster).into_iter().chain([self.postmaster]);
        [pss(self.gateway), pss(self.service), postgres.map(pss).sum()]
    }
}

/// The parent of a process.
pub fn parent(process: u32) -> u32 {
    stat(process).unwrap()[1].parse().unwrap()
}

fn children(process: u32) -> Vec<u32> {
    let path = format!("/proc/{process}/task/{process}/children");
    let text = fs::read_to_string(path).unwrap();
    text.split_whitespace().map(|child| child.parse().unwrap()).collect()
}

fn own(process: u32) -> Option<u32> {
    let [user, system, ..] = ticks(process)?;
    Some(user + system)
}

/// Its own in user and in system mode, and those of its dead children.
fn ticks(process: u32) -> Option<[u32; 4]> {
    let fields = stat(process)?;
    let number = |place: usize| fields[place].parse().unwrap();
    Some([number(11), number(12), number(13), number(14)])
}

/// What stands behind the name, which may hold anything.
fn stat(process: u32) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (_, fields) = text.rsplit_once(") ")?;
    Some(fields.split(' ').map(str::to_owned).collect())
}

fn pss(process: u32) -> f64 {
    let text = fs::read_to_string(format!("/proc/{process}/smaps_rollup")).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("Pss:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1));
    kib.map_or(0.0, |kib| kib.parse::<f64>().unwrap() / 1024.0)
}
