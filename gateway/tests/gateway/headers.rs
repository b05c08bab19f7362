//! Nobody but the gateway says who calls: no spelling of an identity header reaches a service.

use std::collections::BTreeSet;

use devsphere_testkit::StatusExt as _;
use http::HeaderMap;
use uuid::Uuid;

use crate::{
    client::headers,
    recorder::{Answer, Seen},
    world::{EXPORT, GET, World},
};

/// What a client might try to be believed in; upper case is no header of HTTP/2.
const FORGERIES: [&str; 55] = [
    "devsphere-assertion",
    "devsphere-assertion-bin",
    "devsphere_assertion",
    "devsphere.assertion",
    "devsphere--assertion",
    "devsphere-assertion-",
    "-devsphere-assertion",
    "x-devsphere-assertion",
    "devsphere-peer",
    "devsphere-peer-bin",
    "devsphere_peer",
    "devsphere-request",
    "devsphere-request-bin",
    "devsphere-request-id",
    "devsphere-client-address",
    "devsphere-client-address-bin",
    "devsphere_client_address",
    "devsphere-user-agent",
    "devsphere-user-agent-bin",
    "devsphere-ticket",
    "devsphere-organization",
    "x-dvs-org",
    "x-dvs-user",
    "x-dvs-role",
    "x-dvs-ctx",
    "dvs-ctx",
    "dvs-ctx-bin",
    "dvs_ctx",
    "dvs_ctx_bin",
    "x-org-id",
    "x_org_id",
    "x-org-id-bin",
    "org-id",
    "org_id",
    "x-user-id",
    "x_user_id",
    "x-role",
    "x-roles",
    "x-permissions",
    "x-tenant-id",
    "x-authenticated-user",
    "x-remote-user",
    "remote-user",
    "x-forwarded-user",
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-real-ip",
    "x-request-id",
    "cookie",
    "authorization-bin",
    "proxy-authorization",
    "traceparent",
    "tracestate",
    "baggage",
];

/// Everything that may stand in a request to a service.
const FORWARDED: [&str; 13] = [
    "content-type",
    "te",
    "grpc-encoding",
    "grpc-accept-encoding",
    "grpc-timeout",
    "user-agent",
    "traceparent",
    "tracestate",
    "devsphere-peer",
    "devsphere-request",
    "devsphere-client-address",
    "devsphere-user-agent",
    "devsphere-assertion",
];

/// A value that is legal in all of them, base64 included.
const FORGED: &str = "Zm9yZ2Vk";

fn assert_own_words_only(seen: &Seen) {
    for (name, value) in &seen.headers {
        assert!(FORWARDED.contains(&name.as_str()), "{name} got through");
        assert_ne!(value, FORGED, "{name} is the client's");
        assert_eq!(seen.headers.get_all(name).iter().count(), 1, "{name} stands twice");
    }
    assert_eq!(seen.headers["devsphere-peer"], "gateway");
    assert_eq!(seen.headers["devsphere-client-address"], "127.0.0.1");
    assert_eq!(seen.headers["devsphere-assertion"], "assertion-of-a-credential");
    let request: Uuid = seen.headers["devsphere-request"].to_str().unwrap().parse().unwrap();
    assert_eq!(request.get_version_num(), 7);
    assert_eq!(seen.trailers, None);
}

#[tokio::test]
async fn no_forged_header_reaches_a_service_alone_twice_or_as_a_trailer() {
    let world = World::start().await;
    let client = world.client().await;
    for (path, name) in FORGERIES.iter().flat_map(|name| [(GET, *name), (EXPORT, *name)]) {
        let trailers = headers(&[(name, FORGED), (name, FORGED)]);
        let calls = [
            client.call(path).header(name, FORGED),
            client.call(path).header(name, FORGED).header(name, "other"),
            client.call(path).trailers(trailers),
        ];
        for call in calls {
            assert_eq!(call.send().await.unwrap().trailers["grpc-status"], "0", "{name}");
        }
    }
    let all = FORGERIES.iter().fold(client.call(GET), |call, name| call.header(name, FORGED));
    all.send().await.unwrap();

    let seen = world.crm.seen();
    assert_eq!(seen.len(), FORGERIES.len() * 6 + 1);
    seen.iter().for_each(assert_own_words_only);
    let requests: BTreeSet<_> =
        seen.iter().map(|s| s.headers["devsphere-request"].clone()).collect();
    assert_eq!(requests.len(), seen.len(), "a request's name is its own");
}

#[tokio::test]
async fn what_identity_hears_at_an_exchange_is_the_gateways_own_word() {
    let world = World::start().await;
    let client = world.client().await;
    let all = FORGERIES.iter().fold(client.call(GET), |call, name| call.header(name, FORGED));
    all.header("user-agent", "curl/8").send().await.unwrap();

    let (credential, metadata) = world.identity.exchanged().remove(0);
    assert_eq!(credential, "a-credential");
    let metadata = metadata.into_headers();
    assert!(metadata.values().all(|value| value != FORGED), "{metadata:?}");
    let seen = world.crm.only();
    for name in ["devsphere-peer", "devsphere-request", "devsphere-client-address"] {
        assert_eq!(metadata[name], seen.headers[name]);
    }
    assert_eq!(metadata["devsphere-user-agent"], "curl/8");
    assert!(
        !metadata.contains_key("devsphere-assertion") && !metadata.contains_key("authorization")
    );
}

#[tokio::test]
async fn what_a_client_may_say_reaches_the_service() {
    let world = World::start().await;
    let call = world.client().await.call(GET);
    let call = call
        .without("content-type")
        .header("content-type", "application/grpc+proto")
        .header("grpc-encoding", "gzip")
        .header("grpc-accept-encoding", "gzip,identity")
        .header("user-agent", format!("grpc-test/1.0 ☃{}", "x".repeat(300)));
    call.send().await.unwrap();

    let seen = world.crm.only();
    assert_eq!(seen.headers["content-type"], "application/grpc+proto");
    assert_eq!(seen.headers["te"], "trailers");
    assert_eq!(seen.headers["grpc-encoding"], "gzip");
    assert_eq!(seen.headers["grpc-accept-encoding"], "gzip,identity");
    let user_agent = seen.headers["devsphere-user-agent"].to_str().unwrap();
    assert!(user_agent.starts_with("grpc-test/1.0 xxx") && user_agent.len() == 200);
}

#[tokio::test]
async fn what_is_said_twice_or_at_length_is_not_said_at_all() {
    let world = World::start().await;
    let call = world.client().await.call(GET);
    let call = call
        .header("grpc-encoding", "gzip")
        .header("grpc-encoding", "identity")
        .header("grpc-accept-encoding", "gzip,".repeat(1000));
    assert_eq!(call.send().await.unwrap().trailers["grpc-status"], "0");

    let seen = world.crm.only().headers;
    assert!(!seen.contains_key("grpc-encoding") && !seen.contains_key("grpc-accept-encoding"));
}

#[tokio::test]
async fn what_a_service_says_of_identities_stays_inside() {
    let world = World::start().await;
    let inside = [("devsphere-assertion", "secret"), ("devsphere-peer", "crm"), ("x-cost", "3")];
    let mut trailers = headers(&inside);
    trailers.insert("grpc-status", "0".parse().unwrap());
    let pieces = vec![crate::client::frame(b"answer")];
    world.crm.will(Answer::Say { headers: headers(&inside), pieces, trailers });
    let unary = world.client().await.call(GET).send().await.unwrap();
    let mut refusal = headers(&inside);
    refusal.insert("grpc-status", "5".parse().unwrap());
    world.crm.will(Answer::Refuse(refusal));
    let refused = world.client().await.call(GET).send().await.unwrap();

    let ours = |headers: &HeaderMap| {
        headers.keys().filter(|name| name.as_str().starts_with("devsphere")).count()
    };
    for got in [&unary, &refused] {
        assert_eq!(got.headers["x-cost"], "3");
        assert_eq!((ours(&got.headers), ours(&got.trailers)), (1, 0));
    }
    let names = [&unary, &refused].map(|got| got.headers["devsphere-request-id"].clone());
    let seen = world.crm.seen();
    assert_eq!(names, [0, 1].map(|call| seen[call].headers["devsphere-request"].clone()));
}

#[tokio::test]
async fn a_refusal_of_the_gateway_names_its_request() {
    let world = World::start().await;
    let refused = world.client().await.call(GET).without("authorization").send().await.unwrap();
    assert_eq!(refused.headers["devsphere-request-id"], refused.status().request());
}
