//! PostgreSQL on a disk that runs full: first no table can grow, then the log of changes cannot, and
//! the server dies and cannot start.

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use devsphere_testkit::eventually;
use sqlx::{ConnectOptions as _, Executor as _, postgres::PgConnectOptions};
use tonic_health::pb::health_check_response::ServingStatus::{NotServing, Serving};

use super::load::{BACK, Load, compare};
use crate::clients::{
    rotation::UNLIMITED,
    up::{Folder, Up, run},
};

/// A file system of its own that goes away with the test.
struct Disk(PathBuf);

impl Disk {
    /// Small, but large enough for the mesh. Only root may mount one.
    fn mount(path: PathBuf) -> Self {
        fs::create_dir(&path).unwrap();
        let mut mount = Command::new("mount");
        run(mount.args(["-t", "tmpfs", "-o", "size=256m", "tmpfs"]).arg(&path)).unwrap();
        Self(path)
    }

    /// Takes all the space that is left.
    fn fill(&self) {
        let mut ballast = File::create(self.ballast()).unwrap();
        for piece in [1 << 20, 4096] {
            while ballast.write_all(&vec![0; piece]).is_ok() {}
        }
    }

    fn clear(&self) {
        fs::remove_file(self.ballast()).unwrap();
    }

    fn ballast(&self) -> PathBuf {
        self.0.join("ballast")
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Whoever still works on it keeps it until they are gone.
        let _ = Command::new("umount").arg("--lazy").arg(self.path()).status();
    }
}

/// Writes on until the log of changes needs room that is not there, and the server dies of it.
async fn exhaust(options: &PgConnectOptions) {
    let switch = "select pg_logical_emit_message(true, 'test', 'x'); select pg_switch_wal()";
    eventually("the end of the server", async || match options.connect().await {
        Ok(mut admin) => admin.execute(sqlx::raw_sql(switch)).await.err().map(drop),
        Err(_) => Some(()),
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_runs_full_and_nothing_is_half_written() {
    let folder = Folder::fresh();
    let disk = Disk::mount(folder.0.join("postgres"));
    let up = Up::start(&folder.0, &UNLIMITED);
    let load = Load::begin(&up).await;

    let fill = async {
        load.is_at_work().await;
        disk.fill();
        eventually("a refused write", async || up.said().contains("No space left").then_some(()))
            .await;
        let cleared = Instant::now();
        disk.clear();
        let grown = load.acknowledges_after(cleared).await;

        disk.fill();
        exhaust(&up.database()).await;
        let told = load.health_becomes(NotServing).await;
        let cleared = Instant::now();
        disk.clear();
        let back = load.acknowledges_after(cleared).await;
        let serving = load.health_becomes(Serving).await;
        println!(
            "writes {grown:.1?} after there was room again; with no server health told after \
             {told:.1?}, writes after {back:.1?}, health {serving:.1?} later"
        );
        assert!(grown < BACK && back < BACK && serving < BACK);
        load.end();
    };
    let (one, two, three, ()) = tokio::join!(load.write(), load.write(), load.write(), fill);

    compare(vec![one, two, three], &up.database()).await;
    assert!(!up.said().contains("panicked"));
}
