//! Assertions that are used again: while they hold, while nothing revoked them, and while one would know.

use std::time::Duration;

use devsphere_error::{Error, Failure};
use devsphere_proto::identity::v1::{
    Assertion, MembershipEpoch, Revocation, revocation::Subject as Revoked,
};
use devsphere_testkit::{StatusExt as _, eventually};
use http_body_util::BodyExt as _;
use tonic::Code;
use uuid::Uuid;

use crate::{
    client::{Client, frame},
    identity::seconds_from_now,
    recorder::Answer,
    world::{EXPORT, GET, World},
};

/// An assertion of somebody in their session, good for a minute.
fn somebody() -> Assertion {
    let id = || Uuid::now_v7().to_string();
    Assertion {
        principal_id: id(),
        session_id: id(),
        organization_id: id(),
        epoch: 3,
        expire_time: seconds_from_now(60),
        credential_expire_time: seconds_from_now(600),
        ..Assertion::default()
    }
}

fn session_of(who: &Assertion) -> Revocation {
    Revocation { subject: Some(Revoked::SessionId(who.session_id.clone())) }
}

fn membership_of(who: &Assertion, epoch: i64) -> Revocation {
    let (person_id, organization_id) = (who.principal_id.clone(), who.organization_id.clone());
    let subject = Revoked::Membership(MembershipEpoch { person_id, organization_id, epoch });
    Revocation { subject: Some(subject) }
}

/// A gateway that hears of revocations, and has the assertion in its cache.
async fn cached(who: &Assertion) -> (World, Client) {
    let world = World::start().await;
    world.identity.answer(who.clone());
    world.identity.revoked(Some(vec![]));
    let client = world.client().await;
    eventually("a call without an exchange", async || {
        let before = world.identity.exchanged().len();
        assert_eq!(client.call(GET).status().await.code(), Code::Ok);
        (world.identity.exchanged().len() == before).then_some(())
    })
    .await;
    (world, client)
}

#[tokio::test]
async fn a_credential_is_exchanged_once_while_its_assertion_is_good() {
    let (world, client) = cached(&somebody()).await;
    let before = world.identity.exchanged().len();
    for path in [GET, EXPORT, GET] {
        assert_eq!(client.call(path).status().await.code(), Code::Ok);
    }
    assert_eq!(world.identity.exchanged().len(), before);
    assert_eq!(client.call(GET).bearer("another").status().await.code(), Code::Ok);
    assert_eq!(world.identity.exchanged().len(), before + 1);
}

#[tokio::test]
async fn what_has_little_left_or_says_no_end_is_not_used_again() {
    let (world, client) = cached(&somebody()).await;
    let little = Assertion { expire_time: seconds_from_now(15), ..somebody() };
    let over = Assertion { credential_expire_time: seconds_from_now(0), ..somebody() };
    let endless = Assertion { expire_time: None, ..somebody() };
    for (number, answer) in [little, over, endless].into_iter().enumerate() {
        world.identity.answer(answer);
        let before = world.identity.exchanged().len();
        for _ in 0..3 {
            let call = client.call(GET).bearer(&format!("credential-{number}"));
            assert_eq!(call.status().await.code(), Code::Ok);
        }
        assert_eq!(world.identity.exchanged().len(), before + 3, "{number}");
    }
}

/// With less than a third of its life left, and enough to be used.
fn ageing() -> Assertion {
    Assertion { expire_time: seconds_from_now(19), ..somebody() }
}

#[tokio::test]
async fn an_assertion_past_two_thirds_of_its_life_is_renewed_behind_the_callers_back() {
    let (world, client) = cached(&somebody()).await;
    world.identity.answer(ageing());
    let call = || client.call(GET).bearer("ageing").status();
    assert_eq!(call().await.code(), Code::Ok);
    let before = world.identity.exchanged().len();
    world.identity.answer(somebody());
    world.identity.open(false);
    for _ in 0..3 {
        assert_eq!(call().await.code(), Code::Ok, "nobody waits for the renewal");
    }
    eventually("the renewal", async || (world.identity.exchanged().len() > before).then_some(()))
        .await;
    world.identity.open(true);
    eventually("a fresh assertion", async || {
        let asked = world.identity.exchanged().len();
        for _ in 0..2 {
            assert_eq!(call().await.code(), Code::Ok);
        }
        (world.identity.exchanged().len() == asked).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_renewal_that_identity_refuses_ends_the_cached_assertion() {
    let (world, client) = cached(&somebody()).await;
    world.identity.answer(ageing());
    let call = || client.call(GET).bearer("ageing").status();
    assert_eq!(call().await.code(), Code::Ok);
    world.identity.refuse(Error::Unauthenticated.status("a", Failure::Query));
    eventually("the refusal", async || {
        (call().await.code() == Code::Unauthenticated).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_session_that_ended_is_refused_from_the_cache_without_a_question() {
    let who = somebody();
    let (world, client) = cached(&who).await;
    let before = world.identity.exchanged().len();
    world.identity.revoked(Some(vec![session_of(&somebody()), membership_of(&who, 3)]));
    assert_eq!(client.call(GET).status().await.code(), Code::Ok);
    world.identity.revoked(Some(vec![session_of(&who)]));
    let status = eventually("the revocation", async || {
        let status = client.call(GET).status().await;
        (status.code() != Code::Ok).then_some(status)
    })
    .await;
    assert_eq!((status.code(), status.reason().as_str()), (Code::Unauthenticated, "UNAUTHORIZED"));
    assert_eq!(world.identity.exchanged().len(), before);
}

#[tokio::test]
async fn an_exchange_that_began_before_the_revocation_does_not_slip_through() {
    let who = somebody();
    let (world, client) = cached(&who).await;
    world.identity.open(false);
    let late = client.call(GET).bearer("late").sent();
    eventually("the exchange", async || {
        let asked = world.identity.exchanged();
        asked.iter().any(|(credential, _)| credential == "late").then_some(())
    })
    .await;
    world.identity.revoked(Some(vec![membership_of(&who, 4)]));
    eventually("the revocation", async || {
        (client.call(GET).status().await.code() == Code::Unauthenticated).then_some(())
    })
    .await;
    let before = world.crm.seen().len();
    world.identity.open(true);
    assert_eq!(late.await.code(), Code::Unauthenticated);
    assert_eq!(world.crm.seen().len(), before);
}

#[tokio::test]
async fn a_silent_feed_makes_every_call_an_exchange_and_never_the_clients_fault() {
    let (world, client) = cached(&somebody()).await;
    world.identity.revoked(None);
    eventually("an exchange", async || {
        let before = world.identity.exchanged().len();
        assert_eq!(client.call(GET).status().await.code(), Code::Ok);
        (world.identity.exchanged().len() > before).then_some(())
    })
    .await;
    let before = world.identity.exchanged().len();
    for _ in 0..3 {
        assert_eq!(client.call(GET).status().await.code(), Code::Ok);
    }
    assert_eq!(world.identity.exchanged().len(), before + 3);

    world.persons.stop();
    for _ in 0..3 {
        let status = client.call(GET).status().await;
        assert_eq!((status.code(), status.cause().as_str()), (Code::Unavailable, "peer"));
    }
}

#[tokio::test]
async fn a_running_stream_is_cut_when_its_caller_is_revoked() {
    let who = somebody();
    let (world, client) = cached(&who).await;
    world.crm.will(Answer::Stall(frame(b"a piece")));
    let mut body = client.call(EXPORT).begin().await.unwrap().into_body();
    assert!(body.frame().await.unwrap().unwrap().is_data());

    world.identity.revoked(Some(vec![session_of(&who)]));
    let cut = tokio::time::timeout(Duration::from_secs(5), body.frame()).await.unwrap();
    let trailers = cut.unwrap().unwrap().into_trailers().unwrap();
    assert_eq!(trailers["grpc-status"], "16");
    eventually("the service's end of the stream", async || (world.crm.gone() == 1).then_some(()))
        .await;
}
