//! Nobody waits for ever: not the client, not the service, not the gateway for either.

use std::time::{Duration, Instant};

use devsphere_gateway::Limits;
use devsphere_testkit::{StatusExt as _, eventually};
use http_body_util::BodyExt as _;
use tonic::Code;

use crate::{
    client::{Call, Client, frame},
    recorder::{Answer, Recorder},
    world::{EXPORT, GET, PUBLIC, World},
};

/// What a service was told of the time, in microseconds.
fn told(timeout: &str) -> u64 {
    let (digits, unit) = timeout.split_at(timeout.len() - 1);
    let count: u64 = digits.parse().unwrap();
    match unit {
        "u" => count,
        "m" => count * 1000,
        _ => panic!("{timeout}"),
    }
}

async fn gone(service: &Recorder, calls: usize) {
    eventually("the service to be let go", async || (service.gone() == calls).then_some(())).await;
}

/// Ends with the deadline, and within 20 ms of it: the best of five, since others use the machine.
async fn assert_prompt(call: impl Fn() -> Call, after: Duration) {
    let mut late = Duration::MAX;
    for _ in 0..5 {
        let begun = Instant::now();
        let status = call().status().await;
        assert_eq!(status.code(), Code::DeadlineExceeded);
        assert_eq!(status.reason(), "DEADLINE_EXCEEDED");
        assert!(!status.request().is_empty());
        late = late.min(begun.elapsed().checked_sub(after).unwrap());
    }
    assert!(late <= Duration::from_millis(20), "{late:?} late");
}

#[tokio::test]
async fn the_service_hears_how_much_is_left() {
    let world = World::start().await;
    let client = world.client().await;
    let calls = [
        (client.call(GET), 10_000_000),
        (client.call(GET).header("grpc-timeout", "5S"), 5_000_000),
        (client.call(GET).header("grpc-timeout", "1H"), 30_000_000),
        (client.call(GET).header("grpc-timeout", "soon"), 10_000_000),
        (client.call(EXPORT), 610_000_000),
        (client.call(EXPORT).header("grpc-timeout", "60S"), 60_000_000),
    ];
    let mut expected = Vec::new();
    for (call, limit) in calls {
        call.send().await.unwrap();
        expected.push(limit);
    }
    for (seen, limit) in world.crm.seen().iter().zip(expected) {
        let left = told(seen.headers["grpc-timeout"].to_str().unwrap());
        assert!(left <= limit && left > limit - 2_000_000, "{left} of {limit}");
    }
}

#[tokio::test]
async fn what_the_exchange_took_the_service_does_not_get() {
    let world = World::start().await;
    world.identity.open(false);
    let client = world.client().await;
    let call = tokio::spawn(client.call(GET).header("grpc-timeout", "5S").status());
    eventually("the exchange", async || (world.identity.exchanged().len() == 1).then_some(()))
        .await;
    let waited = Instant::now();
    let probe = client.call(PUBLIC).header("grpc-timeout", "100m");
    world.persons.will(Answer::Silence);
    assert_eq!(probe.status().await.code(), Code::DeadlineExceeded);
    let waited = waited.elapsed();
    world.identity.open(true);

    assert_eq!(call.await.unwrap().code(), Code::Ok);
    let left = told(world.crm.only().headers["grpc-timeout"].to_str().unwrap());
    assert!(Duration::from_micros(left) <= Duration::from_secs(5) - waited, "{left}");
}

#[tokio::test]
async fn a_silent_service_costs_the_client_its_deadline_and_20_ms() {
    let world = World::start().await;
    world.crm.will(Answer::Silence);
    let client = world.client().await;
    let call = || client.call(GET).header("grpc-timeout", "150m");
    assert_prompt(call, Duration::from_millis(150)).await;
    gone(&world.crm, 5).await;
}

#[tokio::test]
async fn a_silent_identity_does_too() {
    let world = World::start().await;
    world.identity.open(false);
    let client = world.client().await;
    let call = || client.call(GET).header("grpc-timeout", "150m");
    assert_prompt(call, Duration::from_millis(150)).await;
    assert!(world.crm.seen().is_empty());
}

#[tokio::test]
async fn an_answer_that_stops_in_the_middle_does_too() {
    let world = World::start().await;
    world.crm.will(Answer::Stall(frame(b"answer").slice(..8)));
    let client = world.client().await;
    let call = || client.call(GET).header("grpc-timeout", "150m");
    assert_prompt(call, Duration::from_millis(150)).await;
    gone(&world.crm, 5).await;
}

#[tokio::test]
async fn without_a_deadline_there_is_one_and_none_is_longer_than_the_cap() {
    let (default, cap) = (Duration::from_millis(120), Duration::from_millis(250));
    let limits = Limits { default_deadline: default, longest_deadline: cap, ..Limits::default() };
    let world = World::with(limits).await;
    world.crm.will(Answer::Silence);
    let client = world.client().await;
    assert_prompt(|| client.call(GET), default).await;
    assert_prompt(|| client.call(GET).header("grpc-timeout", "20S"), cap).await;
}

#[tokio::test]
async fn a_stream_outlives_the_deadlines_of_calls_but_not_its_own() {
    let (short, long) = (Duration::from_millis(50), Duration::from_millis(400));
    let limits = Limits {
        default_deadline: Duration::from_secs(10),
        longest_deadline: short,
        longest_stream: long,
        ..Limits::default()
    };
    let world = World::with(limits).await;
    world.crm.will(Answer::Stall(frame(b"first")));
    let begun = Instant::now();
    let got = world.client().await.call(EXPORT).send().await.unwrap();

    assert!(begun.elapsed() >= long);
    assert_eq!(got.body, frame(b"first"));
    assert_eq!(got.status().code(), Code::DeadlineExceeded);
    gone(&world.crm, 1).await;
}

#[tokio::test]
async fn a_client_that_goes_away_ends_the_call_at_the_service() {
    let world = World::start().await;
    for (number, path) in [(1, GET), (3, EXPORT)] {
        world.crm.will(Answer::Silence);
        let call = tokio::spawn(world.client().await.call(path).send());
        eventually("the call", async || (world.crm.seen().len() == number).then_some(())).await;
        call.abort();
        gone(&world.crm, number).await;

        world.crm.will(Answer::Stall(frame(b"first")));
        let mut answer = world.client().await.call(path).begin().await.unwrap();
        answer.body_mut().frame().await.unwrap().unwrap();
        drop(answer);
        gone(&world.crm, number + 1).await;
    }
}

#[tokio::test]
async fn a_client_that_stops_reading_does_not_keep_the_service() {
    let limits = Limits { calls: 1, ..Limits::default() };
    let world = World::with(limits).await;
    world.crm.will(Answer::Endless(frame(&[7; 1000])));
    let slow = Client::narrow(world.gateway.address, 1).await;
    let unread = slow.call(GET).header("grpc-timeout", "200m").begin().await.unwrap();

    gone(&world.crm, 1).await;
    let other = world.client().await;
    eventually("the slot", async || {
        (other.call(PUBLIC).status().await.code() == Code::Ok).then_some(())
    })
    .await;
    drop(unread);
}
