//! REST: paths, queries, bodies, headers and answers, as the contracts place them.

use devsphere_error::Error;
use devsphere_proto::crm::v1::{
    AssignLeadRequest, BatchGetLeadsRequest, CreateLeadRequest, DeleteLeadRequest,
    ExportLeadsResponse, GetLeadRequest, Lead, LeadState, ListLeadsRequest, ListLeadsResponse,
    LoseLeadRequest, UpdateLeadRequest,
};
use devsphere_proto::r#type::v1::Money;
use http::{HeaderMap, Method};
use prost::Message as _;
use serde_json::json;

use crate::{
    client::{Got, frame, headers},
    recorder::Answer,
    world::World,
};

const ID: &str = "0190c2f6-0000-7000-8000-000000000001";
const OTHER: &str = "0190c2f6-0000-7000-8000-000000000002";

fn fields(got: &Got) -> Vec<(String, String)> {
    let said = got.json();
    let mut bad = said["details"].as_array().unwrap().iter();
    let bad = bad.find(|detail| detail["@type"] == "type.googleapis.com/google.rpc.BadRequest");
    let violations = bad.unwrap()["field_violations"].as_array().unwrap().clone();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    violations.iter().map(|one| (text(&one["field"]), text(&one["description"]))).collect()
}

#[tokio::test]
async fn a_read_is_a_get_of_a_path() {
    let world = World::start().await;
    let lead = Lead {
        lead_id: ID.into(),
        display_name: "Maria".into(),
        state: LeadState::New.into(),
        value: Some(Money { minor_units: 9_007_199_254_740_993, currency_code: "EUR".into() }),
        etag: "W8".into(),
        ..Lead::default()
    };
    world.will_answer(&lead);

    let got = world.client().await.get(&format!("/api/v1/leads/{ID}")).send().await.unwrap();

    assert_eq!(world.asked::<GetLeadRequest>().lead_id, ID);
    assert_eq!((got.http.as_u16(), got.header("content-type")), (200, "application/json"));
    assert_eq!(got.header("etag"), "\"W8\"");
    assert_eq!(got.header("devsphere-request-id").len(), 36);
    let said = got.json();
    assert_eq!(said["display_name"], "Maria");
    assert_eq!(said["value"]["minor_units"], "9007199254740993");
    assert_eq!((&said["state"], &said["tags"]), (&json!("LEAD_STATE_NEW"), &json!([])));
    assert_eq!(said.get("create_time"), None);
}

#[tokio::test]
async fn a_query_has_dotted_and_repeated_parameters() {
    let world = World::start().await;
    let client = world.client().await;
    world.will_answer(&ListLeadsResponse::default());
    let path = "/api/v1/leads?page_size=7&filter=state+%3D+new&showDeleted=true";
    let got = client.get(path).send().await.unwrap();
    assert_eq!(got.json()["leads"], json!([]));
    let asked: ListLeadsRequest = world.asked();
    assert_eq!((asked.page_size, asked.filter.as_str()), (7, "state = new"));
    assert!(asked.show_deleted);

    client.get("/api/v1/leads:batchGet?lead_ids=a&lead_ids=b").send().await.unwrap();
    assert_eq!(world.asked::<BatchGetLeadsRequest>().lead_ids, ["a", "b"]);
    client.post("/api/v1/leads:batchGet", r#"{"lead_ids":["c"]}"#).send().await.unwrap();
    assert_eq!(world.asked::<BatchGetLeadsRequest>().lead_ids, ["c"]);
}

#[tokio::test]
async fn the_body_of_a_create_is_the_resource_and_the_rest_stands_in_the_query() {
    let world = World::start().await;
    world.will_answer(&Lead::default());
    let path = format!("/api/v1/leads?request_id={ID}&validate_only=true");
    let body =
        r#"{"displayName":"Maria","value":{"minor_units":"5"},"tags":["a","b"],"note":null}"#;
    let got = world.client().await.post(&path, body).send().await.unwrap();
    assert_eq!(got.http, 200, "{}", got.text());
    let asked: CreateLeadRequest = world.asked();
    assert_eq!((asked.request_id.as_str(), asked.validate_only), (ID, true));
    let lead = asked.lead.unwrap();
    assert_eq!((lead.display_name.as_str(), lead.tags.len()), ("Maria", 2));
    assert_eq!(lead.value.unwrap().minor_units, 5);
}

#[tokio::test]
async fn a_verb_takes_its_whole_request_as_body_or_nothing() {
    let world = World::start().await;
    let client = world.client().await;
    world.will_answer(&Lead::default());
    client.post(&format!("/api/v1/leads/{ID}:lose"), r#"{"reason":"price"}"#).send().await.unwrap();
    let asked: LoseLeadRequest = world.asked();
    assert_eq!((asked.lead_id.as_str(), asked.reason.as_str()), (ID, "price"));
    let bare = client.http(Method::POST, &format!("/api/v1/leads/{ID}:assign"));
    assert_eq!(bare.send().await.unwrap().http, 200);
    assert_eq!(world.asked::<AssignLeadRequest>().lead_id, ID);
    let path = format!("/api/v1/leads/{ID}?etag=W3");
    client.http(Method::DELETE, &path).send().await.unwrap();
    assert_eq!(world.asked::<DeleteLeadRequest>().etag, "W3");
}

#[tokio::test]
async fn an_update_touches_what_its_json_names() {
    let world = World::start().await;
    let client = world.client().await;
    world.will_answer(&Lead::default());
    let path = format!("/api/v1/leads/{ID}");
    let body = format!(
        r#"{{"lead_id":"{ID}","etag":"W1","note":null,"displayName":"M","value":{{"minor_units":1}}}}"#
    );
    client.patch(&path, body).send().await.unwrap();
    let asked: UpdateLeadRequest = world.asked();
    let mut paths = asked.update_mask.unwrap().paths;
    paths.sort();
    assert_eq!(paths, ["display_name", "note", "value"]);
    let lead = asked.lead.unwrap();
    assert_eq!((lead.lead_id.as_str(), lead.etag.as_str(), lead.note.as_str()), (ID, "W1", ""));

    let own = format!("{path}?update_mask=note,jobTitle");
    client.patch(&own, r#"{"note":"a"}"#).send().await.unwrap();
    let asked: UpdateLeadRequest = world.asked();
    assert_eq!(asked.update_mask.unwrap().paths, ["note", "job_title"]);
}

#[tokio::test]
async fn a_value_written_out_may_be_the_default() {
    let world = World::start().await;
    let client = world.client().await;
    world.will_answer(&Lead::default());
    let path = format!("/api/v1/leads/{ID}");
    client.patch(&path, r#"{"note":"","tags":[]}"#).send().await.unwrap();
    let asked: UpdateLeadRequest = world.asked();
    let mut paths = asked.update_mask.unwrap().paths;
    paths.sort();
    assert_eq!(paths, ["note", "tags"]);

    world.will_answer(&ListLeadsResponse::default());
    let query = "/api/v1/leads?page_token=&page_size=0&show_deleted=false";
    assert_eq!(client.get(query).send().await.unwrap().http, 200);
    assert_eq!(world.asked::<ListLeadsRequest>(), ListLeadsRequest::default());
}

#[tokio::test]
async fn headers_stand_for_fields() {
    let world = World::start().await;
    let client = world.client().await;
    world.will_answer(&Lead::default());
    let path = format!("/api/v1/leads/{ID}");
    let call = client.patch(&path, "{}").header("if-match", "\"W8\"");
    let call = call.header("idempotency-key", OTHER).header("prefer", "validate-only");
    let got = call.header("accept-language", "de").send().await.unwrap();
    let asked: UpdateLeadRequest = world.asked();
    assert_eq!(asked.lead.unwrap().etag, "W8");
    assert_eq!((asked.request_id.as_str(), asked.validate_only), (OTHER, true));
    assert_eq!(got.header("preference-applied"), "validate-only");
    assert_eq!(world.crm.seen().pop().unwrap().headers["accept-language"], "de");

    let verb = format!("{path}:win");
    let win = client.http(Method::POST, &verb).header("if-match", "W9");
    win.header("idempotency-key", "\"order 7\"").send().await.unwrap();
    let asked: devsphere_proto::crm::v1::WinLeadRequest = world.asked();
    assert_eq!((asked.etag.as_str(), asked.request_id.len()), ("W9", 36));
    assert_eq!(asked.request_id.as_bytes()[14], b'8', "a version 8: {}", asked.request_id);
    let again = client.http(Method::POST, &verb).header("idempotency-key", "order 7");
    again.send().await.unwrap();
    let second: devsphere_proto::crm::v1::WinLeadRequest = world.asked();
    assert_eq!(second.request_id, asked.request_id);
}

#[tokio::test]
async fn a_header_that_cannot_be_honoured_is_refused() {
    let world = World::start().await;
    let client = world.client().await;
    let win = format!("/api/v1/leads/{ID}:win");
    for (path, name, value, cause) in [
        (win.as_str(), "prefer", "validate-only", "header_not_supported"),
        ("/api/v1/sessions:signOut", "idempotency-key", "a", "header_not_supported"),
        ("/api/v1/leads:batchCreate", "if-match", "\"W1\"", "header_not_supported"),
        (&win, "if-match", "W/\"1\"", "malformed_header"),
        (&win, "if-match", "\"a\", \"b\"", "malformed_header"),
        (&win, "idempotency-key", "\"\"", "malformed_header"),
    ] {
        let got = client.http(Method::POST, path).header(name, value).send().await.unwrap();
        assert_eq!(
            (got.http.as_u16(), got.json()["cause"].as_str().unwrap()),
            (400, cause),
            "{name}: {value}"
        );
    }
    let got = client.post(&win, r#"{"etag":"W1"}"#).header("if-match", "W2").send().await.unwrap();
    assert_eq!(fields(&got), [("etag".to_owned(), "is not what if-match says".to_owned())]);
    assert!(world.crm.seen().is_empty());
}

#[tokio::test]
async fn everything_wrong_with_a_request_is_named_at_once() {
    let world = World::start().await;
    let client = world.client().await;
    let body = r#"{"nonsense":1,"value":{"minor_units":"x","other":2},"tags":[1,"a"],"state":"BAD","create_time":"now","email":{}}"#;
    let got = client.post("/api/v1/leads?page_size=1&lead.note=a&validate_only=x", body).send();
    let got = got.await.unwrap();
    assert_eq!((got.http.as_u16(), &got.json()["error"]), (400, &json!("bad_request")));
    let mut named: Vec<_> = fields(&got).into_iter().map(|(field, _)| field).collect();
    named.sort();
    let expected = [
        "lead.create_time",
        "lead.email",
        "lead.nonsense",
        "lead.note",
        "lead.state",
        "lead.tags[0]",
        "lead.value.minor_units",
        "lead.value.other",
        "page_size",
        "validate_only",
    ];
    assert_eq!(named, expected);

    for (verb, path, body, field) in [
        ("GET", "/api/v1/leads?page_size=1&page_size=2", "", "page_size"),
        ("GET", "/api/v1/leads?page_size=big", "", "page_size"),
        ("GET", "/api/v1/leads?lead_id=a", "", "lead_id"),
        ("POST", "/api/v1/leads:batchGet?lead_ids=a", "{}", "lead_ids"),
        ("POST", &format!("/api/v1/leads/{ID}:win?lead_id={OTHER}"), "", "lead_id"),
        (
            "POST",
            &format!("/api/v1/leads/{ID}:win"),
            &format!(r#"{{"lead_id":"{OTHER}"}}"#),
            "lead_id",
        ),
        (
            "PATCH",
            &format!("/api/v1/leads/{ID}"),
            &format!(r#"{{"lead_id":"{OTHER}"}}"#),
            "lead.lead_id",
        ),
        ("POST", "/api/v1/leads", "[]", "lead"),
        ("POST", "/api/v1/leads", r#"{"tags":["a",null]}"#, "lead.tags[1]"),
        (
            "POST",
            "/api/v1/leads",
            r#"{"note":"a","note":"b","job_title":"a","jobTitle":"b"}"#,
            "lead.job_title",
        ),
    ] {
        let call = client.http(verb.parse().unwrap(), path).body(body.to_owned());
        let got = call.header("content-type", "application/json").send().await.unwrap();
        let named: Vec<_> = fields(&got).into_iter().map(|(field, _)| field).collect();
        assert_eq!(
            (got.http.as_u16(), named),
            (400, vec![field.to_owned()]),
            "{verb} {path} {body}"
        );
    }
    assert!(world.crm.seen().is_empty());
}

#[tokio::test]
async fn what_is_not_there_or_not_so_is_said_in_http() {
    let world = World::start().await;
    let client = world.client().await;
    for path in [
        "/api/v1/nothing",
        "/api/v1/leads/a/b",
        "/api/v1/leads:nothing",
        "/api/v2/leads",
        "/api/v1/leads/a:steal",
    ] {
        let got = client.get(path).send().await.unwrap();
        assert_eq!((got.http.as_u16(), &got.json()["error"]), (404, &json!("not_found")), "{path}");
    }
    for (verb, path, allowed) in [
        (Method::PUT, "/api/v1/leads", "GET, POST"),
        (Method::POST, "/api/v1/leads/a", "DELETE, GET, PATCH"),
        (Method::GET, "/api/v1/leads/a:win", "POST"),
    ] {
        let got = client.http(verb, path).send().await.unwrap();
        assert_eq!((got.http.as_u16(), got.header("allow")), (405, allowed), "{path}");
        assert_eq!(got.json()["error"], "method_not_allowed");
    }
    let text = client.http(Method::POST, "/api/v1/leads").header("content-type", "text/plain");
    let got = text.body("a").send().await.unwrap();
    assert_eq!((got.http.as_u16(), got.header("accept-post")), (415, "application/json"));
    let got = client.post("/api/v1/leads", "{\"note\":").send().await.unwrap();
    assert_eq!((got.http.as_u16(), &got.json()["cause"]), (400, &json!("malformed_message")));
    let got = client.get("/api/v1/leads").body("a").send().await.unwrap();
    assert_eq!((got.http.as_u16(), &got.json()["cause"]), (400, &json!("unexpected_body")));
    let got = client.get("/api/v1/leads").without("authorization").send().await.unwrap();
    assert_eq!((got.http.as_u16(), got.header("www-authenticate")), (401, "Bearer"));
    assert!(world.crm.seen().is_empty());
}

#[tokio::test]
async fn an_error_has_its_code_its_cause_its_details_and_the_requests_name() {
    let world = World::start().await;
    let client = world.client().await;
    let path = format!("/api/v1/leads/{ID}");
    world.will_refuse(&Error::Conflict { etag: Some("W9".into()) });
    let got = client.patch(&path, r#"{"note":"a"}"#).send().await.unwrap();
    let said = got.json();
    assert_eq!(got.http, 409);
    assert_eq!((&said["error"], &said["cause"]), (&json!("conflict"), &json!("stale_etag")));
    assert_eq!(said["message"], "changed since it was read");
    assert_eq!(said["request_id"], got.header("devsphere-request-id"));
    let info = &said["details"][0];
    assert_eq!(info["@type"], "type.googleapis.com/google.rpc.ErrorInfo");
    assert_eq!((&info["metadata"]["etag"], &info["domain"]), (&json!("W9"), &json!("devsphere")));

    world.will_refuse(&Error::RateLimited { retry_after: std::time::Duration::from_millis(1500) });
    let got = client.get(&path).header("accept-language", "de").send().await.unwrap();
    assert_eq!((got.http.as_u16(), got.header("retry-after")), (429, "2"));
    assert!(got.text().contains("Das ging zu schnell"), "{}", got.text());
}

#[tokio::test]
async fn a_stream_is_lines_and_its_break_is_the_last_of_them() {
    let world = World::start().await;
    let client = world.client().await;
    let pieces = |count: i32| {
        (0..count).map(|row_count| {
            let message =
                ExportLeadsResponse { csv: b"a,b".to_vec(), row_count, ..Default::default() };
            frame(&message.encode_to_vec())
        })
    };
    let ok = headers(&[("grpc-status", "0")]);
    let all = pieces(3).collect::<Vec<_>>().concat();
    let cut = [&all[..7], &all[7..]].map(|piece| piece.to_vec().into()).to_vec();
    world.crm.will(Answer::Say { headers: HeaderMap::new(), pieces: cut, trailers: ok });
    let got = client.get("/api/v1/leads:export").send().await.unwrap();
    assert_eq!((got.http.as_u16(), got.header("content-type")), (200, "application/x-ndjson"));
    let text = got.text();
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        (lines.len(), &lines[2]["row_count"], &lines[0]["csv"]),
        (3, &json!(2), &json!("YSxi"))
    );

    let broken = headers(&[("grpc-status", "14"), ("grpc-message", "away")]);
    let said =
        Answer::Say { headers: HeaderMap::new(), pieces: pieces(1).collect(), trailers: broken };
    world.crm.will(said);
    let got = client.get("/api/v1/leads:export").send().await.unwrap();
    let text = got.text();
    let last: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!((text.lines().count(), &last["error"]), (2, &json!("unavailable")));

    world.will_refuse(&Error::NotFound("lead"));
    let got = client.get("/api/v1/leads:export").send().await.unwrap();
    assert_eq!((got.http.as_u16(), &got.json()["error"]), (404, &json!("not_found")));
}
