//! Sizes and counts: refused at the gateway, before a service has to.

use devsphere_boot::MESSAGE_LIMIT;
use devsphere_gateway::Limits;
use devsphere_testkit::{StatusExt as _, eventually};
use http::HeaderMap;
use tonic::Code;

use crate::{
    client::{frame, headers},
    recorder::Answer,
    world::{EXPORT, GET, World},
};

/// The head of a message that is a byte too long.
const TOO_LARGE: &[u8] = &[0, 0, 64, 0, 1];

fn ok() -> HeaderMap {
    headers(&[("grpc-status", "0")])
}

#[tokio::test]
async fn four_mebibytes_pass_and_one_byte_more_does_not() {
    let world = World::start().await;
    let client = world.client().await;
    for path in [GET, EXPORT] {
        let largest = frame(&vec![1; MESSAGE_LIMIT]);
        let got = client.call(path).body(largest.clone()).send().await.unwrap();
        assert_eq!(got.status().code(), Code::Ok);
        assert!(got.body == largest);

        let refused = client.call(path).body(frame(&vec![1; MESSAGE_LIMIT + 1])).status().await;
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert_eq!(refused.reason(), "PAYLOAD_TOO_LARGE");
        assert!(refused.message().contains("4194304"), "{}", refused.message());
    }
    let whole = world.crm.seen().into_iter().filter(|seen| seen.body.is_some());
    assert_eq!(whole.count(), 2, "a refused message never arrived in full");
}

#[tokio::test]
async fn a_head_that_promises_too_much_is_refused_before_the_rest_is_sent() {
    let world = World::start().await;
    let refused = world.client().await.call(GET).body(TOO_LARGE).status().await;
    assert_eq!(refused.reason(), "PAYLOAD_TOO_LARGE");
}

#[tokio::test]
async fn a_unary_request_of_many_messages_is_held_to_the_limit_of_one() {
    let world = World::start().await;
    let messages = frame(&vec![1; 1 << 20]).repeat(5);
    let refused = world.client().await.call(GET).body(messages).status().await;
    assert_eq!(refused.reason(), "PAYLOAD_TOO_LARGE");
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_cut_and_our_fault() {
    let world = World::start().await;
    let client = world.client().await;
    let pieces = vec![frame(b"small"), frame(&vec![1; MESSAGE_LIMIT + 1])];
    let whole = Answer::Say { headers: HeaderMap::new(), pieces, trailers: ok() };
    let promised = Answer::Stall(TOO_LARGE.into());
    for (path, answer) in [(GET, &whole), (EXPORT, &whole), (GET, &promised), (EXPORT, &promised)] {
        world.crm.will(answer.clone());
        let got = client.call(path).send().await.unwrap();
        assert_eq!(got.status().code(), Code::Internal);
        assert_eq!(got.status().message(), "internal error");
        assert!(got.body.len() < MESSAGE_LIMIT);
    }
    eventually("the service to be let go", async || (world.crm.gone() == 2).then_some(())).await;
}

#[tokio::test]
async fn a_header_list_past_8_kib_never_reaches_a_service() {
    let world = World::start().await;
    let large = "a".repeat(8 * 1024);
    let many = (0..300).fold(world.client().await.call(GET), |call, n| {
        call.header(&format!("x-header-{n}"), "a".repeat(60))
    });
    for call in [world.client().await.call(GET).header("x-large", large), many] {
        if let Ok(got) = call.send().await {
            assert_eq!(got.http, 431);
        }
    }
    let largest = world.client().await.call(GET).header("x-large", "a".repeat(7 * 1024));
    assert_eq!(largest.status().await.code(), Code::Ok);
    assert_eq!(world.crm.seen().len(), 1);
    assert_eq!(world.identity.exchanged().len(), 1);
}

#[tokio::test]
async fn what_comes_on_top_of_the_slots_is_refused_at_once_and_streams_have_their_own() {
    let world = World::with(Limits { calls: 3, streams: 2, ..Limits::default() }).await;
    let client = world.client().await;
    world.crm.will(Answer::Silence);
    let calls: Vec<_> = (0..3).map(|_| client.call(GET).sent()).collect();
    eventually("the calls", async || (world.crm.seen().len() == 3).then_some(())).await;
    world.crm.will(Answer::Stall(frame(b"first")));
    let mut streams = Vec::new();
    for _ in 0..2 {
        streams.push(client.call(EXPORT).begin().await.unwrap());
    }
    for path in [GET, EXPORT] {
        let refused = client.call(path).status().await;
        assert_eq!((refused.code(), refused.reason().as_str()), (Code::Unavailable, "OVERLOADED"));
        assert!(tonic_types::StatusExt::get_error_details(&refused).retry_info().is_some());
    }

    drop(streams);
    drop(calls);
    world.crm.will(Answer::Echo);
    for path in [GET, EXPORT] {
        eventually("a free slot", async || {
            (client.call(path).status().await.code() == Code::Ok).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn a_connection_carries_a_hundred_streams_and_others_wait() {
    let world = World::start().await;
    world.crm.will(Answer::Silence);
    let client = world.client().await;
    let calls: Vec<_> = (0..101)
        .map(|_| {
            let call = client.call(GET).header("grpc-timeout", "300m");
            tokio::spawn(call.status())
        })
        .collect();
    eventually("the calls", async || (world.crm.seen().len() == 100).then_some(())).await;
    for call in calls {
        assert_eq!(call.await.unwrap().code(), Code::DeadlineExceeded);
    }
    assert_eq!(world.crm.seen().len(), 101);
}

#[tokio::test]
async fn streams_take_another_connection_to_a_service_than_calls() {
    let world = World::start().await;
    for path in [GET, EXPORT, GET, EXPORT] {
        world.client().await.call(path).send().await.unwrap();
    }
    let seen = world.crm.seen();
    assert_eq!(seen[0].connection, seen[2].connection);
    assert_eq!(seen[1].connection, seen[3].connection);
    assert_ne!(seen[0].connection, seen[1].connection);
}
