//! Certificates that live 20 seconds, renewed under load.

use std::time::Duration;

use super::{
    front::Front,
    set::{GATEWAY, NUMBERS, SERVICES, Set},
};
use crate::counts::full_or;

const LIFETIME: &str = "20s";
const EVERY: Duration = Duration::from_secs(8);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_of_twenty_seconds_are_renewed_under_load_and_no_call_fails() {
    let set = Set::arrange(LIFETIME).await;
    let mut renew_at = tokio::time::interval(EVERY);
    renew_at.tick().await;
    let _running = set.start_all().await;
    set.certify(LIFETIME);
    renew_at.reset();
    let front = Front::of(&set);
    let grant = front.sign_up("ada@example.com").await;

    let renewals = full_or(15, 4);
    let renew = async {
        for _ in 0..renewals {
            renew_at.tick().await;
            tokio::task::block_in_place(|| set.certify(LIFETIME));
        }
        front.end();
    };
    let (reads, others, writes, (), ()) = tokio::join!(
        front.read(&grant),
        front.read(&grant),
        front.write(&grant),
        front.balance(),
        renew
    );

    reads.conclude("reads");
    others.conclude("other reads");
    writes.conclude("writes");
    for name in SERVICES.into_iter().chain([GATEWAY]) {
        for number in NUMBERS {
            // Looked at with each handshake: a connection lives twice as long as a renewal takes.
            let read = set.said(name, number).matches("certificate read again").count();
            assert!(read >= renewals / 3, "{name}{number} read {read} of {renewals}");
        }
    }
}
