//! Rates: counted per person, organisation and address, shown on every answer, the same on every surface.

use devsphere_gateway::{Limits, Rates};
use devsphere_proto::identity::v1::Assertion;
use devsphere_testkit::StatusExt as _;
use http::HeaderMap;
use tonic::Code;
use uuid::Uuid;

use crate::world::{GET, PUBLIC, World};

const REST: &str = "/api/v1/leads/0190c3a4-0000-7000-8000-000000000001";

async fn world(rates: Rates) -> World {
    World::with(Limits { rates, ..Limits::default() }).await
}

fn of(principal: Uuid, organization: Uuid, requests_per_minute: i32) -> Assertion {
    Assertion {
        principal_id: principal.to_string(),
        organization_id: organization.to_string(),
        requests_per_minute,
        ..Assertion::default()
    }
}

fn shown(headers: &HeaderMap) -> (&str, &str, [u32; 2]) {
    let text = |name: &str| headers[name].to_str().unwrap();
    let number = |name: &str| text(name).parse().unwrap();
    let usual = [number("x-ratelimit-limit"), number("x-ratelimit-remaining")];
    (text("ratelimit-policy"), text("ratelimit"), usual)
}

#[tokio::test]
async fn what_is_left_stands_on_every_answer_and_too_much_is_refused_everywhere() {
    let world = world(Rates { principal: 3, organization: 9, ..Rates::default() }).await;
    world.identity.answer(of(Uuid::now_v7(), Uuid::now_v7(), 0));
    let client = world.client().await;
    for left in [2, 1, 0] {
        let got = client.call(GET).send().await.unwrap();
        assert_eq!(got.status().code(), Code::Ok);
        let (policy, limit, usual) = shown(&got.headers);
        assert_eq!(policy, "\"principal\";q=3;w=60, \"organization\";q=9;w=60");
        assert!(limit.starts_with(&format!("\"principal\";r={left};t=")), "{limit}");
        assert_eq!(usual, [3, left]);
    }

    let refused = client.call(GET).send().await.unwrap();
    let status = refused.status();
    assert_eq!(
        (status.code(), status.reason().as_str()),
        (Code::ResourceExhausted, "RATE_LIMITED")
    );
    assert!(tonic_types::StatusExt::get_error_details(&status).retry_info().is_some());
    assert!(refused.headers.contains_key("retry-after"));
    assert_eq!(shown(&refused.headers).2, [3, 0]);

    let connect = client.post(GET, "{}").send().await.unwrap();
    assert_eq!(connect.http, 429);
    let rest = client.get(REST).send().await.unwrap();
    assert_eq!(rest.http, 429);
    let web = client.call(GET).without("content-type");
    let web = web.header("content-type", "application/grpc-web+proto").send().await.unwrap();
    assert!(String::from_utf8_lossy(&web.body).contains("grpc-status:8\r\n"), "{web:?}");
    for got in [connect, rest, web] {
        assert!(got.headers["retry-after"].to_str().unwrap().parse::<u32>().unwrap() >= 1);
        assert_eq!(shown(&got.headers).2, [3, 0]);
    }
    assert_eq!(world.crm.seen().len(), 3);
}

#[tokio::test]
async fn an_organisation_has_a_rate_of_its_own_over_all_its_people() {
    let world = world(Rates::default()).await;
    let organization = Uuid::now_v7();
    let client = world.client().await;
    for (person, ok) in [(1, true), (2, true), (3, false)] {
        world.identity.answer(of(Uuid::from_u128(person), organization, 2));
        let call = client.call(GET).bearer(&format!("of-{person}"));
        assert_eq!(call.status().await.code() == Code::Ok, ok, "{person}");
    }
}

#[tokio::test]
async fn an_address_may_call_what_is_public_and_show_credentials_so_often() {
    let world = world(Rates { loopback_address: 2, ..Rates::default() }).await;
    let client = world.client().await;
    for code in [Code::Ok, Code::Ok, Code::ResourceExhausted] {
        assert_eq!(client.call(PUBLIC).status().await.code(), code);
    }
    // Who has a credential that holds is not held to that.
    for _ in 0..5 {
        assert_eq!(client.call(GET).status().await.code(), Code::Ok);
    }

    world.identity.refuse(devsphere_error::Error::Unauthenticated.into());
    for guess in 0..3 {
        let call = client.call(GET).bearer(&format!("guess-{guess}"));
        assert_eq!(call.status().await.code(), Code::Unauthenticated);
    }
    let before = world.identity.exchanged().len();
    let refused = client.call(GET).bearer("guess-3").status().await;
    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert_eq!(world.identity.exchanged().len(), before, "nobody was asked");
}
