//! A new release: every process ends and comes back, one after another, and nobody notices.

use super::{
    front::Front,
    set::{GATEWAY, NUMBERS, SERVICES, Set},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_restart_of_everything_fails_no_call() {
    let set = Set::arrange("1h").await;
    let mut running = set.start_all().await;
    let front = Front::of(&set);
    let grant = front.sign_up("ada@example.com").await;

    let roll = async {
        for name in SERVICES.into_iter().chain([GATEWAY]) {
            for number in NUMBERS {
                let place = running
                    .iter()
                    .position(|process| process.name == name && process.number == number);
                let took = running.swap_remove(place.unwrap()).end().await;
                println!("{name}{number} drained in {took:.1?}");
                running.push(set.start(name, number).await);
            }
        }
        front.end();
    };
    let (reads, others, writes, (), ()) = tokio::join!(
        front.read(&grant),
        front.read(&grant),
        front.write(&grant),
        front.balance(),
        roll
    );

    reads.conclude("reads");
    others.conclude("other reads");
    writes.conclude("writes");
}
