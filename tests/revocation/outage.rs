//! When nobody can know what was revoked: unavailable, never the client's fault, and soon back.

use std::time::{Duration, Instant};

use devsphere_testkit::StatusExt as _;
use tonic::Code;
use uuid::Uuid;

use super::people::Someone;
use crate::whole::Mesh;

/// The worst that the promise allows: a silence of 2 s must be noticed.
const AT_WORST: Duration = Duration::from_secs(3);
const BACK_WITHIN: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_identity_calls_are_unavailable_and_five_seconds_after_its_return_they_are_not() {
    let mesh = Mesh::start().await;
    let ceo = mesh.founder().await;
    let org: Uuid = ceo.grant.organization_id.parse().unwrap();
    let staying = Someone::arrange(&mesh, org).await;
    let leaving = Someone::arrange(&mesh, org).await;
    for someone in [&staying, &leaving] {
        someone.read(&mesh, "gateway").await.unwrap();
    }

    let identity = mesh.world.stop_one("identity").await;
    let gone = Instant::now();
    let mut let_in = Duration::ZERO;
    let mut refused = 0;
    while gone.elapsed() < AT_WORST + Duration::from_secs(2) {
        let sent = gone.elapsed();
        match staying.read(&mesh, "gateway").await {
            Ok(()) => let_in = sent,
            Err(status) => {
                assert_eq!(
                    (status.code(), status.reason().as_str()),
                    (Code::Unavailable, "UNAVAILABLE")
                );
                refused += 1;
            }
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    println!("let in for {let_in:.0?} without identity, then refused {refused} times");
    assert!(let_in < AT_WORST && refused > 0, "{let_in:?}, {refused}");

    // What is revoked meanwhile is never let in again, however long nobody could tell.
    let end = sqlx::query("update identity.session set end_time = now() where session_id = $1");
    end.bind(leaving.session).execute(&mut mesh.world.admin().await).await.unwrap();
    mesh.world.start_one(identity).await;
    let back = Instant::now();
    let took = loop {
        match staying.read(&mesh, "gateway").await {
            Ok(()) => break back.elapsed(),
            Err(status) => assert_eq!(status.code(), Code::Unavailable, "{status}"),
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    println!("back {took:.0?} after identity");
    assert!(took < BACK_WITHIN, "{took:?}");
    let status = leaving.read(&mesh, "gateway").await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
}
