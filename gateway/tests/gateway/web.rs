//! gRPC-Web, binary and text: one frame of trailers at the end of the body.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use devsphere_error::Error;
use http::Method;

use crate::{
    client::{Call, Client, Got, frame, headers},
    recorder::Answer,
    world::{EXPORT, GET, INTERNAL, World},
};

fn call(client: &Client, path: &str, kind: &str, body: &[u8]) -> Call {
    let body = match kind.contains("text") {
        true => Bytes::from(BASE64_STANDARD.encode(frame(body))),
        false => frame(body),
    };
    client.http(Method::POST, path).header("content-type", kind).body(body)
}

/// The messages, and the trailers.
fn read(got: &Got) -> (Vec<Bytes>, String) {
    let text = got.header("content-type").contains("text");
    let mut rest = got.body.clone();
    if text {
        let pieces = got.text();
        // Each piece is padded for itself.
        let mut decoded = Vec::new();
        for quad in pieces.as_bytes().chunks(4) {
            decoded.extend(BASE64_STANDARD.decode(quad).unwrap());
        }
        rest = decoded.into();
    }
    let (mut messages, mut trailers) = (Vec::new(), String::new());
    while !rest.is_empty() {
        assert!(trailers.is_empty(), "something follows the trailers");
        let length = u32::from_be_bytes(rest[1..5].try_into().unwrap()) as usize;
        let message = rest.slice(5..5 + length);
        match rest[0] {
            0 => messages.push(message),
            0x80 => trailers = String::from_utf8(message.to_vec()).unwrap(),
            flag => panic!("flag {flag}"),
        }
        rest = rest.slice(5 + length..);
    }
    (messages, trailers)
}

const KINDS: [&str; 4] = [
    "application/grpc-web",
    "application/grpc-web+proto",
    "application/grpc-web-text",
    "application/grpc-web-text+proto",
];

#[tokio::test]
async fn messages_pass_and_the_trailers_follow_them() {
    let world = World::start().await;
    let client = world.client().await;
    let ok = headers(&[("grpc-status", "0")]);
    for kind in KINDS {
        for (path, count) in [(GET, 1), (EXPORT, 3)] {
            let pieces = (0..count).map(|n| frame(&vec![n; 300])).collect();
            let trailers = ok.clone();
            world.crm.will(Answer::Say { headers: ok.clone(), pieces, trailers });
            let got = call(&client, path, kind, b"question").send().await.unwrap();
            let (messages, trailers) = read(&got);
            assert_eq!((got.http.as_u16(), messages.len()), (200, usize::from(count)));
            assert_eq!(messages[0], vec![0; 300]);
            assert!(trailers.contains("grpc-status:0\r\n"), "{trailers}");
            let seen = world.crm.seen().pop().unwrap();
            assert_eq!(seen.body.unwrap(), frame(b"question"));
            assert_eq!(seen.headers["content-type"], "application/grpc");
        }
    }
}

#[tokio::test]
async fn every_refusal_stands_in_the_trailers_with_its_details() {
    let world = World::start().await;
    let client = world.client().await;
    world.will_refuse(&Error::NotFound("lead"));
    for kind in KINDS {
        for (call, code) in [
            (call(&client, GET, kind, b""), "5"),
            (call(&client, EXPORT, kind, b""), "5"),
            (call(&client, GET, kind, b"").without("authorization"), "16"),
            (call(&client, INTERNAL, kind, b""), "12"),
        ] {
            let got = call.send().await.unwrap();
            let (messages, trailers) = read(&got);
            assert_eq!((got.http.as_u16(), messages.len()), (200, 0));
            assert!(trailers.contains(&format!("grpc-status:{code}\r\n")), "{trailers}");
            assert!(trailers.contains("grpc-status-details-bin:"), "{trailers}");
            assert!(!trailers.contains("devsphere"), "{trailers}");
            assert!(!got.headers.contains_key("grpc-status"));
        }
    }
}

#[tokio::test]
async fn a_body_that_is_not_one_message_is_refused() {
    let world = World::start().await;
    let client = world.client().await;
    for (kind, body) in [
        (KINDS[0], Bytes::new()),
        (KINDS[0], frame(b"a").slice(..4)),
        (KINDS[0], frame(b"a").repeat(2).into()),
        (KINDS[2], Bytes::from_static(b"!")),
        (KINDS[0], Bytes::from_static(&[1, 0, 0, 0, 0])),
    ] {
        let got = call(&client, GET, kind, b"").body(body).send().await.unwrap();
        let (_, trailers) = read(&got);
        assert!(trailers.contains("grpc-status:3\r\n") || trailers.contains("grpc-status:12\r\n"));
    }
    assert!(world.crm.seen().is_empty());
}
