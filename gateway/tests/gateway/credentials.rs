//! Credentials: exchanged once for all who ask at the same time, and only where one is needed.

use std::time::Duration;

use devsphere_error::{Error, Failure, Language, localized};
use devsphere_gateway::Limits;
use devsphere_testkit::{StatusExt as _, eventually};
use tonic::{Code, Status};

use crate::{
    client::Call,
    world::{EXPORT, GET, ME, PUBLIC, World},
};

#[tokio::test]
async fn a_hundred_calls_with_one_credential_are_one_exchange() {
    let world = World::start().await;
    world.identity.open(false);
    let clients = [world.client().await, world.client().await];
    let calls: Vec<_> = (0..100).map(|n| clients[n % 2].call(GET).sent()).collect();
    for client in &clients {
        client.settled().await;
    }
    world.identity.open(true);

    for call in calls {
        assert_eq!(call.await.code(), Code::Ok);
    }
    assert_eq!(world.identity.exchanged().len(), 1);
    assert_eq!(world.crm.seen().len(), 100);
}

#[tokio::test]
async fn every_credential_has_its_own_exchange_and_its_own_assertion() {
    let world = World::start().await;
    world.identity.open(false);
    let client = world.client().await;
    let call = |n: usize| client.call(GET).bearer(&format!("credential-{}", n % 5));
    let calls: Vec<_> = (0..20).map(|n| call(n).sent()).collect();
    client.settled().await;
    world.identity.open(true);
    for call in calls {
        assert_eq!(call.await.code(), Code::Ok);
    }

    assert_eq!(world.identity.exchanged().len(), 5);
    let seen = world.crm.seen();
    for n in 0..5 {
        let assertion = format!("assertion-of-credential-{n}");
        let named = seen.iter().filter(|s| s.headers["devsphere-assertion"] == assertion);
        assert_eq!(named.count(), 4, "{assertion}");
    }
}

#[tokio::test]
async fn calls_one_after_the_other_are_exchanged_each() {
    let world = World::start().await;
    let client = world.client().await;
    for path in [GET, EXPORT, ME] {
        assert_eq!(client.call(path).status().await.code(), Code::Ok);
    }
    assert_eq!(world.identity.exchanged().len(), 3);
}

#[tokio::test]
async fn a_call_that_is_given_up_takes_no_other_along() {
    let world = World::with(Limits { calls: 3, ..Limits::default() }).await;
    world.identity.open(false);
    let (leaving, staying) = (world.client().await, world.client().await);
    let leader = leaving.call(GET).sent();
    leaving.settled().await;
    let followers = [(); 2].map(|()| staying.call(GET).sent());
    staying.settled().await;

    drop(leader);
    let other = world.client().await;
    eventually("the leader's slot", async || {
        (other.call(PUBLIC).status().await.code() == Code::Ok).then_some(())
    })
    .await;
    world.identity.open(true);
    for follower in followers {
        assert_eq!(follower.await.code(), Code::Ok);
    }
    assert_eq!(world.identity.exchanged().len(), 1);
}

#[tokio::test]
async fn who_shares_a_failed_exchange_shares_the_refusal() {
    let world = World::start().await;
    let refusal = Error::RateLimited { retry_after: Duration::from_secs(7) };
    world.identity.refuse(refusal.status("identity-said-so", Failure::Query));
    world.identity.open(false);
    let client = world.client().await;
    let calls: Vec<_> = (0..10).map(|_| client.call(GET).sent()).collect();
    client.settled().await;
    world.identity.open(true);

    let expected = localized(refusal.status("identity-said-so", Failure::Query), Language::English);
    for call in calls {
        let status = call.await;
        assert_eq!(status.code(), Code::ResourceExhausted);
        assert_eq!(status.message(), expected.message());
        assert_eq!(status.details(), expected.details());
    }
    assert_eq!(world.identity.exchanged().len(), 1);
    assert!(world.crm.seen().is_empty());
}

#[tokio::test]
async fn a_refused_credential_is_the_clients_to_mend() {
    let world = World::start().await;
    world.identity.refuse(Error::Unauthenticated.status("a", Failure::Query));
    let status = world.client().await.call(GET).status().await;
    assert_eq!((status.code(), status.reason().as_str()), (Code::Unauthenticated, "UNAUTHORIZED"));
    assert!(world.crm.seen().is_empty());
}

#[tokio::test]
async fn an_identity_that_is_away_is_never_the_clients_fault() {
    let world = World::start().await;
    world.persons.stop();
    let away = world.client().await.call(GET).status().await;
    let world = World::start().await;
    world.identity.refuse(Status::unauthenticated("nothing of ours"));
    let nonsense = world.client().await.call(GET).status().await;

    for status in [away, nonsense] {
        assert_eq!(status.code(), Code::Unavailable);
        assert_eq!((status.reason().as_str(), status.cause().as_str()), ("UNAVAILABLE", "peer"));
        let details = tonic_types::StatusExt::get_error_details(&status);
        assert!(details.retry_info().is_some());
    }
}

#[tokio::test]
async fn a_public_method_needs_no_credential_and_takes_none_along() {
    let world = World::start().await;
    let client = world.client().await;
    let without = client.call(PUBLIC).without("authorization");
    for call in [client.call(PUBLIC), without, client.call(PUBLIC).bearer("not sane at all")] {
        assert_eq!(call.status().await.code(), Code::Ok);
    }

    assert!(world.identity.exchanged().is_empty());
    for seen in world.persons.seen() {
        let headers = seen.headers;
        assert!(
            !headers.contains_key("devsphere-assertion") && !headers.contains_key("authorization")
        );
        assert_eq!(headers["devsphere-peer"], "gateway");
    }
}

#[tokio::test]
async fn without_one_good_bearer_nothing_is_called() {
    let world = World::start().await;
    let client = world.client().await;
    let call = |path| client.call(path).without("authorization");
    let long = format!("Bearer {}", "a".repeat(4097));
    for path in [GET, EXPORT, ME] {
        let bad: [Call; 8] = [
            call(path),
            call(path).header("authorization", "Basic YTpi"),
            call(path).header("authorization", "Bearer"),
            call(path).header("authorization", "Bearer a, Bearer b"),
            call(path).header("authorization", "Bearer a").header("authorization", "Bearer a"),
            call(path).header("authorization", &long),
            call(path).header("authorization", b"Bearer \xff".as_slice()),
            call(path).header("cookie", "__Host-dvs_rt=a; authorization=Bearer a"),
        ];
        for call in bad {
            let status = call.status().await;
            assert_eq!(status.code(), Code::Unauthenticated);
            assert_eq!(
                (status.reason().as_str(), status.message()),
                ("UNAUTHORIZED", "not signed in")
            );
        }
    }
    assert!(world.identity.exchanged().is_empty());
    assert!(world.crm.seen().is_empty() && world.persons.seen().is_empty());
}
