//! The processes of a PostgreSQL, and a way to it that can be shut.

use std::{fs, net::SocketAddr, path::Path, process::Command};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

/// The server of that data directory by its number; none where nobody serves it.
pub fn postmaster(data_dir: &Path) -> Option<u32> {
    let lock = fs::read_to_string(data_dir.join("postmaster.pid")).ok()?;
    let pid = lock.lines().next()?.trim().parse().ok()?;
    Path::new(&format!("/proc/{pid}")).exists().then_some(pid)
}

/// Those that the server has begun.
fn sessions(postmaster: u32) -> Vec<u32> {
    let parent = format!(" {postmaster} ");
    let of_number = |name: std::ffi::OsString| name.to_str()?.parse::<u32>().ok();
    let all = fs::read_dir("/proc").unwrap().flatten().filter_map(|one| of_number(one.file_name()));
    let begun = |pid: &u32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // After the name and the state.
        stat.rsplit_once(") ").is_some_and(|(_, rest)| rest[1..].starts_with(&parent))
    };
    all.filter(begun).collect()
}

/// Sends a signal to the server, and then to everyone whom it had begun.
pub fn signal_all(signal: &str, postmaster: u32) {
    let before = sessions(postmaster);
    send(signal, &[postmaster]);
    // Also those that it began meanwhile.
    let all = [before, sessions(postmaster)].concat();
    send(signal, &all);
}

/// Sends a signal; whoever has gone meanwhile does not hear it.
pub fn send(signal: &str, pids: &[u32]) {
    let pids = pids.iter().map(u32::to_string);
    Command::new("kill").arg(signal).args(pids).output().unwrap();
}

/// A server that was stopped, all of it; it goes on when this is dropped.
pub struct Stopped(u32);

impl Stopped {
    pub fn at_once(postmaster: u32) -> Self {
        signal_all("-STOP", postmaster);
        Self(postmaster)
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        signal_all("-CONT", self.0);
    }
}

/// A port before PostgreSQL's; shut, it refuses.
pub struct Gate {
    port: u16,
    server: u16,
    guard: JoinSet<()>,
}

impl Gate {
    pub async fn open(server: u16) -> Self {
        let mut gate = Self { port: 0, server, guard: JoinSet::new() };
        gate.reopen().await;
        gate
    }

    pub const fn port(&self) -> u16 {
        self.port
    }

    pub async fn reopen(&mut self) {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], self.port))).await;
        let listener = listener.unwrap();
        self.port = listener.local_addr().unwrap().port();
        let server = self.server;
        self.guard.spawn(async move {
            let mut guests = JoinSet::new();
            while let Ok((mut guest, _)) = listener.accept().await {
                guests.spawn(async move {
                    let mut server = TcpStream::connect(("127.0.0.1", server)).await.unwrap();
                    // Whoever goes first ends it.
                    let _ = (guest.set_nodelay(true), server.set_nodelay(true));
                    let _ = copy_bidirectional(&mut guest, &mut server).await;
                });
            }
        });
    }

    /// Throws everybody out, and lets nobody in.
    pub async fn shut(&mut self) {
        self.guard.shutdown().await;
    }
}
