//! What passes, passes byte for byte, with its trailers.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};

use crate::{
    client::{frame, headers},
    recorder::Answer,
    world::{EXPORT, GET, World},
};

/// Bytes of no meaning, the same in every run.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..length).map(next).collect()
}

fn trailers() -> HeaderMap {
    let mut trailers = headers(&[
        ("grpc-status", "9"),
        ("grpc-message", "cannot%20win%20%C3%BC"),
        ("grpc-status-details-bin", "CAkSBnJlYXNvbhoFAAECAwQ"),
        ("x-note", "one"),
        ("x-note", "two"),
    ]);
    trailers.append("x-raw", HeaderValue::from_bytes(b"caf\xc3\xa9 \xff").unwrap());
    trailers
}

/// Each name with its values in order; the order of names means nothing.
fn assert_same(got: &HeaderMap, sent: &HeaderMap) {
    for name in sent.keys() {
        let values =
            |headers: &HeaderMap| headers.get_all(name).iter().cloned().collect::<Vec<_>>();
        assert_eq!(values(got), values(sent), "{name}");
    }
}

#[tokio::test]
async fn a_unary_call_passes_both_ways_unchanged() {
    let world = World::start().await;
    let answer = frame(&noise(300_000));
    let begun = headers(&[("x-begun", "a"), ("x-begun", "b"), ("grpc-encoding", "identity")]);
    let pieces = vec![answer.slice(..3), answer.slice(3..7), answer.slice(7..)];
    world.crm.will(Answer::Say { headers: begun.clone(), pieces, trailers: trailers() });
    let sent = frame(&noise(1_000_003));

    let got = world.client().await.call(GET).body(sent.clone()).send().await.unwrap();

    assert_eq!(world.crm.only().body.unwrap(), sent);
    assert_eq!(world.crm.only().path, GET);
    assert_eq!(got.http, 200);
    assert_eq!(got.body, answer);
    assert_same(&got.headers, &begun);
    assert_same(&got.trailers, &trailers());
    assert_eq!(got.trailers.len(), trailers().len());
}

#[tokio::test]
async fn a_stream_passes_unchanged_however_large_it_is_in_all() {
    let world = World::start().await;
    let messages: Vec<Bytes> = (0..12).map(|n| frame(&noise(n * 100_000))).collect();
    let begun = headers(&[("x-begun", "a")]);
    let said =
        Answer::Say { headers: begun.clone(), pieces: messages.clone(), trailers: trailers() };
    world.crm.will(said);

    let got = world.client().await.call(EXPORT).body(frame(b"all")).send().await.unwrap();

    assert_eq!(world.crm.only().body.unwrap(), frame(b"all"));
    assert!(got.body.len() > 4 << 20);
    assert_eq!(got.body, messages.concat());
    assert_same(&got.headers, &begun);
    assert_same(&got.trailers, &trailers());
}

#[tokio::test]
async fn a_refusal_without_a_message_passes_unchanged() {
    let world = World::start().await;
    world.crm.will(Answer::Refuse(trailers()));
    for path in [GET, EXPORT] {
        let got = world.client().await.call(path).send().await.unwrap();
        assert_same(&got.headers, &trailers());
        assert!(got.trailers.is_empty() && got.body.is_empty());
    }
}

#[tokio::test]
async fn the_first_message_of_a_stream_arrives_before_the_second_is_there() {
    use http_body_util::BodyExt as _;

    let world = World::start().await;
    world.crm.will(Answer::Stall(frame(b"first")));
    let mut answer = world.client().await.call(EXPORT).begin().await.unwrap();
    let first = answer.body_mut().frame().await.unwrap().unwrap();
    assert_eq!(first.into_data().unwrap(), frame(b"first"));
}
