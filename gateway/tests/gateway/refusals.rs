//! What the gateway answers by itself, in the services' own terms.

use devsphere_testkit::StatusExt as _;
use http::HeaderMap;
use tonic::Code;

use crate::{
    client::{Got, frame},
    recorder::Answer,
    world::{EXPORT, GET, INTERNAL, World},
};

const UNKNOWN: [&str; 6] = [
    "/devsphere.identity.v1.AssertionService/Nothing",
    "/devsphere.nothing.v1.NothingService/Nothing",
    "/grpc.health.v2.Health/Check",
    "/grpc.health.v1.Health",
    "/",
    "/devsphere.crm.v1.LeadService/GetLead/",
];

const INSIDE: [&str; 3] = [
    INTERNAL,
    "/devsphere.identity.v1.AssertionService/RenewAssertion",
    "/devsphere.identity.v1.MemberService/CheckMember",
];

/// All that a client can tell a refusal by, the request's name apart.
fn form(got: &Got) -> (HeaderMap, HeaderMap, Vec<u8>, Code, String) {
    let status = got.status();
    let mut headers = got.headers.clone();
    for name in ["date", "devsphere-request-id", "grpc-status-details-bin"] {
        headers.remove(name);
    }
    let details = String::from_utf8_lossy(status.details()).replace(&status.request(), "");
    (headers, got.trailers.clone(), got.body.to_vec(), status.code(), details)
}

#[tokio::test]
async fn what_is_internal_is_as_unknown_as_what_is_not_there() {
    let world = World::start().await;
    let client = world.client().await;
    let reference = form(&client.call(UNKNOWN[0]).send().await.unwrap());
    assert_eq!(reference.3, Code::Unimplemented);
    for path in UNKNOWN.iter().chain(&INSIDE) {
        for call in [client.call(path), client.call(path).without("authorization")] {
            assert_eq!(form(&call.send().await.unwrap()), reference, "{path}");
        }
        let large = client.call(path).body(frame(&vec![0; 5 << 20])).send().await.unwrap();
        assert_eq!(form(&large), reference, "{path}");
    }
    assert!(world.identity.exchanged().is_empty());
    assert!(world.persons.seen().is_empty() && world.crm.seen().is_empty());
}

#[tokio::test]
async fn a_body_of_no_protocol_is_refused_in_http() {
    let world = World::start().await;
    let client = world.client().await;
    for content_type in ["application/grpc-web+json", "application/xml", "text/html", ""] {
        let call = client.call(GET).without("content-type").header("content-type", content_type);
        let got = call.send().await.unwrap();
        assert_eq!(got.http, 415, "{content_type}");
        let said = got.text();
        assert!(said.contains("\"error\":\"unsupported_media_type\""), "{said}");
        assert!(!got.headers.contains_key("grpc-status"));
    }
    let got = client.call(GET).without("content-type").send().await.unwrap();
    assert_eq!(got.http, 415);
    assert!(world.crm.seen().is_empty());
}

#[tokio::test]
async fn a_service_that_is_away_or_breaks_off_is_unavailable() {
    let world = World::start().await;
    let client = world.client().await;
    for path in [GET, EXPORT] {
        world.crm.will(Answer::Break(frame(b"answer").slice(..8)));
        let broken = client.call(path).status().await;
        assert_eq!((broken.code(), broken.cause().as_str()), (Code::Unavailable, "peer"));
        assert!(!broken.request().is_empty());
    }
    world.crm.stop();
    for path in [GET, EXPORT] {
        let away = client.call(path).status().await;
        assert_eq!((away.code(), away.cause().as_str()), (Code::Unavailable, "peer"));
        let details = tonic_types::StatusExt::get_error_details(&away);
        assert!(details.retry_info().is_some() && !away.message().contains("unix"));
    }
}

#[tokio::test]
async fn a_service_that_speaks_no_grpc_is_our_fault() {
    let world = World::start().await;
    world.crm.will(Answer::Http(502));
    let status = world.client().await.call(GET).status().await;
    assert_eq!((status.code(), status.reason().as_str()), (Code::Internal, "QUERY_FAILED"));

    let pieces = vec![frame(b"answer")];
    let trailers = HeaderMap::new();
    world.crm.will(Answer::Say { headers: HeaderMap::new(), pieces, trailers });
    let status = world.client().await.call(GET).status().await;
    assert_eq!((status.code(), status.message()), (Code::Internal, "internal error"));
}
