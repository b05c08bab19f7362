//! PostgreSQL that says nothing, or that lets nobody in.

use std::time::{Duration, Instant};

use devsphere_db::cluster::{Cluster, Options, SUPERUSER};
use tokio::{task::spawn_blocking, time::sleep_until};
use tonic_health::pb::health_check_response::ServingStatus::{NotServing, Serving};

use super::{
    load::{BACK, Load, compare},
    postgres::{Gate, Stopped, postmaster},
};
use crate::{
    clients::{
        rotation::UNLIMITED,
        up::{Folder, Up},
    },
    counts::full_or,
};

/// Health tells of it by then.
const TOLD: Duration = Duration::from_secs(4);

fn seconds(full: usize, otherwise: usize) -> Duration {
    Duration::from_secs(full_or(full, otherwise) as u64)
}

/// What follows once PostgreSQL is out of reach for so long, and again when it is back.
#[expect(clippy::print_stdout, reason = "the numbers are what these tests are for")]
async fn outage(load: &Load, away: Duration, come_back: impl AsyncFnOnce()) {
    let begun = Instant::now();
    let told = load.health_becomes(NotServing).await;
    sleep_until((begun + away).into()).await;
    let (lasted, back) = (begun.elapsed(), Instant::now());
    come_back().await;
    let acknowledged = load.acknowledges_after(back).await;
    let serving = load.health_becomes(Serving).await.max(acknowledged);
    println!(
        "away for {lasted:.1?}: health told after {told:.1?}; then writes after {acknowledged:.1?}, \
         health after {serving:.1?}"
    );
    assert!(told < TOLD, "{told:?}");
    assert!(acknowledged < BACK && serving < BACK, "{acknowledged:?}, {serving:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgresql_stops_and_no_call_waits_past_its_deadline() {
    let folder = Folder::fresh();
    let up = Up::start(&folder.0, &UNLIMITED);
    let server = postmaster(&folder.0.join("postgres")).unwrap();
    let load = Load::begin(&up).await;

    let stop = async {
        load.is_at_work().await;
        let stopped = Stopped::at_once(server);
        outage(&load, seconds(10, 3), async move || drop(stopped)).await;
        load.end();
    };
    let (one, two, three, ()) = tokio::join!(load.write(), load.write(), load.write(), stop);

    compare(vec![one, two, three], &up.database()).await;
    assert!(!up.said().contains("panicked"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgresql_refuses_connections_and_no_call_waits_past_its_deadline() {
    let (folder, own) = (Folder::fresh(), Folder::fresh());
    let options = Options::new(own.0.join("postgres"), "secret");
    let cluster = spawn_blocking(|| Cluster::start(options)).await.unwrap().unwrap();
    let mut gate = Gate::open(cluster.port()).await;
    let url = format!("postgres://{SUPERUSER}:secret@127.0.0.1:{}/devsphere", gate.port());
    let up = Up::start(&folder.0, &[&["--database-url", url.as_str()][..], &UNLIMITED].concat());
    let load = Load::begin(&up).await;

    let refuse = async {
        load.is_at_work().await;
        gate.shut().await;
        outage(&load, seconds(30, 5), async || gate.reopen().await).await;
        load.end();
    };
    let (one, two, three, ()) = tokio::join!(load.write(), load.write(), load.write(), refuse);

    compare(vec![one, two, three], &up.database()).await;
    assert!(!up.said().contains("panicked"));
}
