//! Browsers: pages of other origins are refused before anything is looked at, listed ones are not.

use devsphere_gateway::{Edge, Limits};
use devsphere_testkit::StatusExt as _;
use http::{HeaderMap, Method, StatusCode};
use tonic::Code;

use crate::world::{GET, World};

const LISTED: &str = "https://app.example.com";
const FOREIGN: &str = "https://evil.example.net";

async fn world() -> World {
    let edge = Edge {
        public_url: "https://os.example.com".into(),
        allowed_origins: vec![LISTED.into()],
        ..Edge::default()
    };
    World::behind(edge, Limits::default()).await
}

#[tokio::test]
async fn a_foreign_page_reaches_no_service_and_a_listed_one_does() {
    let world = world().await;
    let client = world.client().await;
    for said in [
        &[("origin", FOREIGN)][..],
        &[("origin", "null")],
        &[("origin", LISTED), ("origin", FOREIGN)],
        &[("sec-fetch-site", "cross-site")],
        &[("origin", "https://os.example.com"), ("sec-fetch-site", "cross-site")],
    ] {
        let call =
            said.iter().fold(client.call(GET), |call, (name, value)| call.header(name, value));
        let refused = call.status().await;
        assert_eq!(refused.code(), Code::PermissionDenied, "{said:?}");
        assert_eq!(refused.reason(), "CSRF");
    }
    assert!(world.crm.seen().is_empty() && world.identity.exchanged().is_empty());
    for said in [
        &[("origin", LISTED), ("sec-fetch-site", "cross-site")][..],
        &[("origin", "https://os.example.com"), ("sec-fetch-site", "same-origin")],
        &[],
    ] {
        let call =
            said.iter().fold(client.call(GET), |call, (name, value)| call.header(name, value));
        assert_eq!(call.status().await.code(), Code::Ok, "{said:?}");
    }
}

async fn preflight(world: &World, origin: &str) -> (StatusCode, HeaderMap) {
    let asked = world.client().await.http(Method::OPTIONS, GET).without("authorization");
    let asked = asked
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "content-type,x-grpc-web");
    let got = asked.send().await.unwrap();
    (got.http, got.headers)
}

#[tokio::test]
async fn a_preflight_tells_a_listed_page_what_it_may_and_a_foreign_one_nothing() {
    let world = world().await;
    let (status, headers) = preflight(&world, LISTED).await;
    assert_eq!(status, 204);
    assert_eq!(headers["access-control-allow-origin"], LISTED);
    assert_eq!(headers["access-control-allow-credentials"], "true");
    assert!(headers["access-control-allow-headers"].to_str().unwrap().contains("x-grpc-web"));
    let (status, headers) = preflight(&world, FOREIGN).await;
    assert_eq!(status, 403);
    assert!(!headers.keys().any(|name| name.as_str().starts_with("access-control")));
}

#[tokio::test]
async fn what_a_form_can_send_is_no_call() {
    let world = world().await;
    let client = world.client().await;
    for kind in
        ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=a"]
    {
        let call = client.call(GET).without("content-type").header("content-type", kind);
        for origin in [None, Some(LISTED), Some(FOREIGN), Some("https://os.example.com")] {
            let call =
                origin.into_iter().fold(call.clone(), |call, origin| call.header("origin", origin));
            assert_eq!(call.send().await.unwrap().http, 415, "{kind} {origin:?}");
        }
    }
    assert!(world.crm.seen().is_empty());
}
