//! What would cost far more to read than to send: refused, and quickly.

use std::{io::Read as _, time::Instant};

use bytes::Bytes;
use devsphere_boot::MESSAGE_LIMIT;
use flate2::{Compression, read::GzEncoder};
use http::Method;

use crate::{
    client::{Call, Client, frame},
    world::{EXPORT, GET, World},
};

const LEADS: &str = "/api/v1/leads";

/// The same body through each surface that reads JSON.
fn calls(client: &Client, json: &str) -> [Call; 3] {
    let stream =
        client.http(Method::POST, EXPORT).header("content-type", "application/connect+json");
    let json = Bytes::from(json.to_owned());
    [client.post(LEADS, json.clone()), client.post(GET, json.clone()), stream.body(frame(&json))]
}

fn bomb() -> Bytes {
    let mut packed = Vec::new();
    let zeros = vec![b' '; 256 << 20];
    GzEncoder::new(&zeros[..], Compression::best()).read_to_end(&mut packed).unwrap();
    packed.into()
}

#[tokio::test]
async fn json_that_is_deep_or_has_too_many_values_is_refused() {
    let world = World::start().await;
    let client = world.client().await;
    let begun = Instant::now();
    for json in [
        "[".repeat(10_000),
        "{\"a\":".repeat(10_000),
        format!("{{\"tags\":[{}1]}}", "1,".repeat(1_000_000)),
        format!("{{\"tags\":[{}{{}}]}}", "{},".repeat(1_000_000)),
        format!("{{{}\"a\":1}}", "\"a\":1,".repeat(500_000)),
    ] {
        for call in calls(&client, &json) {
            let got = call.send().await.unwrap();
            assert!(got.text().contains("json_too_"), "{}", got.text());
        }
    }
    assert!(begun.elapsed().as_secs() < 10, "{:?}", begun.elapsed());
    assert!(world.crm.seen().is_empty());
}

#[tokio::test]
async fn a_bomb_is_not_unpacked() {
    let world = World::start().await;
    let client = world.client().await;
    let bomb = bomb();
    assert!(bomb.len() < MESSAGE_LIMIT);
    let packed = |call: Call, name: &str| call.header(name, "gzip");
    let mut framed = frame(&bomb).to_vec();
    framed[0] = 1;
    let stream =
        client.http(Method::POST, EXPORT).header("content-type", "application/connect+proto");
    let web = client.http(Method::POST, GET).header("content-type", "application/grpc-web");
    let proto = client.http(Method::POST, GET).header("content-type", "application/proto");
    let begun = Instant::now();
    for call in [
        packed(client.post(LEADS, bomb.clone()), "content-encoding"),
        packed(client.post(GET, bomb.clone()), "content-encoding"),
        packed(proto.body(bomb.clone()), "content-encoding"),
        packed(stream.body(framed.clone()), "connect-content-encoding"),
        packed(web.body(framed.clone()), "grpc-encoding"),
    ] {
        let got = call.send().await.unwrap();
        assert!(
            got.text().contains("larger than 4194304 bytes")
                || got.text().contains("larger%20than%204194304"),
            "{}",
            got.text()
        );
    }
    assert!(begun.elapsed().as_secs() < 10, "{:?}", begun.elapsed());
    assert!(world.crm.seen().is_empty());
}

#[tokio::test]
async fn a_body_past_the_limit_is_refused_on_every_surface() {
    let world = World::start().await;
    let client = world.client().await;
    let large = format!("{{\"note\":\"{}\"}}", "a".repeat(MESSAGE_LIMIT));
    for call in calls(&client, &large) {
        let got = call.send().await.unwrap();
        assert!(got.text().contains("larger than 4194304 bytes"), "{}", got.text());
    }
    let got = client.post(LEADS, large).send().await.unwrap();
    assert_eq!(got.http, 413);
    assert!(world.crm.seen().is_empty());
}
