//! Retries: reads alone, at most twice more, and never more than a fifth of all calls.

use std::time::Instant;

use devsphere_gateway::{Limits, Rates};
use futures_util::future::join_all;
use tonic::Code;

use crate::{
    client::{frame, headers},
    recorder::Answer,
    world::{EXPORT, GET, World},
};

const CREATE: &str = "/devsphere.crm.v1.LeadService/CreateLead";

async fn away() -> World {
    let limits = Limits { rates: Rates::unlimited(), ..Limits::default() };
    let world = World::with(limits).await;
    world.crm.will(Answer::Refuse(headers(&[("grpc-status", "14")])));
    world
}

#[tokio::test]
async fn a_read_is_tried_three_times_and_a_write_or_a_stream_once() {
    for (path, attempts) in [(GET, 3), (CREATE, 1), (EXPORT, 1)] {
        let world = away().await;
        let body = frame(b"the same each time");
        let status = world.client().await.call(path).body(body.clone()).status().await;
        assert_eq!(status.code(), Code::Unavailable);
        let seen = world.crm.seen();
        assert_eq!(seen.len(), attempts, "{path}");
        assert!(seen.iter().all(|seen| seen.body.as_ref() == Some(&body)));
    }
}

#[tokio::test]
async fn what_has_been_answered_or_is_too_large_to_keep_is_not_tried_again() {
    let world = away().await;
    let large = frame(&vec![1; 100_000]);
    let status = world.client().await.call(GET).body(large).status().await;
    assert_eq!((status.code(), world.crm.seen().len()), (Code::Unavailable, 1));

    let trailers = headers(&[("grpc-status", "14")]);
    let answer = Answer::Say { headers: headers(&[]), pieces: vec![frame(b"a")], trailers };
    world.crm.will(answer);
    let status = world.client().await.call(GET).status().await;
    assert_eq!((status.code(), world.crm.seen().len()), (Code::Unavailable, 2));
}

#[tokio::test]
async fn a_storm_of_failures_is_not_fed() {
    let world = away().await;
    let client = world.client().await;
    let (begun, calls) = (Instant::now(), 1000.0);
    for _ in 0..20 {
        for status in join_all((0..50).map(|_| client.call(GET).status())).await {
            assert_eq!(status.code(), Code::Unavailable);
        }
    }
    // A fifth of the calls, and ten a second, of which ten seconds are saved up.
    let most = calls * 1.2 + 10.0 * (begun.elapsed().as_secs_f64() + 10.0);
    let attempts = u32::try_from(world.crm.seen().len()).unwrap();
    assert!(f64::from(attempts) <= most, "{attempts} attempts");
}
