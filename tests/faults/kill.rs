//! `kill -9` of PostgreSQL: what was acknowledged is there, and there once.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use devsphere_testkit::eventually;

use super::{
    load::{BACK, Load, compare},
    postgres::{postmaster, send, signal_all},
};
use crate::{
    clients::{
        rotation::UNLIMITED,
        up::{Folder, Up, binary, run},
    },
    counts::full_or,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgresql_dies_under_writes_and_nothing_that_was_acknowledged_is_lost_or_done_twice() {
    let folder = Folder::fresh();
    let up = Up::start(&folder.0, &UNLIMITED);
    let data = folder.0.join("postgres");
    let load = Load::begin(&up).await;
    let rounds = full_or(50, 2);

    let kill = async {
        let mut longest = Duration::ZERO;
        for round in 0..rounds {
            load.is_at_work().await;
            let server = postmaster(&data).unwrap();
            let died = Instant::now();
            // Its sessions outlive it for a while, or die with it.
            if round % 2 == 0 {
                send("-KILL", &[server])
            } else {
                signal_all("-KILL", server)
            }
            let next = async || postmaster(&data).filter(|next| *next != server);
            eventually("another server", next).await;
            let away = load.acknowledges_after(died).await;
            println!("PostgreSQL was away for {away:.1?}");
            longest = longest.max(away);
        }
        load.end();
        longest
    };
    let (one, two, three, longest) = tokio::join!(load.write(), load.write(), load.write(), kill);

    assert!(longest < BACK, "{longest:?}");
    compare(vec![one, two, three], &up.database()).await;
    let said = up.said();
    assert!(!said.contains("panicked"));
    assert_eq!(said.matches("postgres ended by itself").count(), rounds);
    let mut verify = Command::new(binary());
    println!("{}", run(verify.args(["audit", "verify", "--data-dir"]).arg(&folder.0)).unwrap());
}
