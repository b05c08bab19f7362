//! Connect: unary by POST and GET, streams, errors with their details, compression and time.

use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD},
};
use bytes::Bytes;
use devsphere_error::Error;
use devsphere_proto::crm::v1::{ExportLeadsResponse, GetLeadRequest, Lead};
use flate2::{
    Compression,
    read::{GzDecoder, GzEncoder},
};
use http::{HeaderMap, Method};
use prost::Message as _;
use serde_json::json;
use std::io::Read as _;

use crate::{
    client::{Got, frame, headers},
    recorder::Answer,
    world::{EXPORT, GET, INTERNAL, World},
};

fn pack(bytes: &[u8]) -> Bytes {
    let mut packed = Vec::new();
    GzEncoder::new(bytes, Compression::fast()).read_to_end(&mut packed).unwrap();
    packed.into()
}

/// Flag and message of each frame.
fn frames(got: &Got) -> Vec<(u8, Bytes)> {
    let (mut rest, mut found) = (got.body.clone(), Vec::new());
    while !rest.is_empty() {
        let length = u32::from_be_bytes(rest[1..5].try_into().unwrap()) as usize;
        found.push((rest[0], rest.slice(5..5 + length)));
        rest = rest.slice(5 + length..);
    }
    found
}

fn lead() -> Lead {
    Lead { lead_id: "7".into(), display_name: "Maria".into(), ..Lead::default() }
}

#[tokio::test]
async fn a_unary_call_is_a_message_there_and_one_back_in_either_codec() {
    let world = World::start().await;
    let client = world.client().await;
    world.will_answer(&lead());
    let got = client.post(GET, r#"{"leadId":"7"}"#).send().await.unwrap();
    assert_eq!((got.http.as_u16(), got.header("content-type")), (200, "application/json"));
    assert_eq!(got.json(), json!({"leadId": "7", "displayName": "Maria"}));
    assert_eq!(world.asked::<GetLeadRequest>().lead_id, "7");
    assert!(!got.header("devsphere-request-id").is_empty());

    let binary = client.http(Method::POST, GET).header("content-type", "application/proto");
    let message = GetLeadRequest { lead_id: "8".into() }.encode_to_vec();
    let got = binary.body(message).send().await.unwrap();
    assert_eq!((got.http.as_u16(), got.header("content-type")), (200, "application/proto"));
    assert_eq!(Lead::decode(got.body).unwrap(), lead());
    assert_eq!(world.asked::<GetLeadRequest>().lead_id, "8");
}

#[tokio::test]
async fn what_reads_can_be_got() {
    let world = World::start().await;
    let client = world.client().await;
    world.will_answer(&lead());
    let message = GetLeadRequest { lead_id: "9".into() }.encode_to_vec();
    let binary = BASE64_URL_SAFE_NO_PAD.encode(&message);
    let packed = BASE64_URL_SAFE_NO_PAD.encode(pack(&message));
    for query in [
        "connect=v1&encoding=json&message=%7B%22leadId%22%3A%229%22%7D".to_owned(),
        format!("encoding=proto&base64=1&message={binary}"),
        format!("encoding=proto&base64=1&compression=gzip&message={packed}&other=1"),
    ] {
        let got = client.get(&format!("{GET}?{query}")).send().await.unwrap();
        assert_eq!(got.http, 200, "{}", got.text());
        assert_eq!(world.asked::<GetLeadRequest>().lead_id, "9");
    }
    for (path, http) in [
        ("/devsphere.crm.v1.LeadService/WinLead?encoding=json&message=%7B%7D", 405),
        (
            "/devsphere.identity.v1.SessionService/SwitchOrganization?encoding=json&message=%7B%7D",
            405,
        ),
        ("/devsphere.crm.v1.LeadService/ExportLeads?encoding=json&message=%7B%7D", 405),
        ("/devsphere.crm.v1.LeadService/GetLead?encoding=xml&message=", 415),
        ("/devsphere.crm.v1.LeadService/GetLead", 415),
        ("/devsphere.crm.v1.LeadService/GetLead?encoding=proto&base64=1&message=!", 400),
        ("/devsphere.crm.v1.LeadService/GetLead?connect=v2&encoding=json&message=%7B%7D", 400),
        ("/devsphere.crm.v1.LeadService/Nothing?encoding=json&message=%7B%7D", 501),
    ] {
        let got = client.get(path).send().await.unwrap();
        assert_eq!(got.http, http, "{path}");
    }
    assert_eq!(world.crm.seen().len(), 3);
}

#[tokio::test]
async fn an_error_has_connects_code_and_status_and_details_to_debug() {
    let world = World::start().await;
    let client = world.client().await;
    world.will_refuse(&Error::BadTransition {
        state: "won",
        verb: "win",
        allowed: vec!["undo_win"],
    });
    let got = client.post(GET, "{}").send().await.unwrap();
    let said = got.json();
    assert_eq!((got.http.as_u16(), &said["code"]), (400, &json!("failed_precondition")));
    assert_eq!(said["message"], "cannot win from state won");
    let info = &said["details"][0];
    assert_eq!(info["type"], "google.rpc.ErrorInfo");
    assert_eq!(info["debug"]["reason"], "BAD_TRANSITION");
    assert_eq!(info["debug"]["metadata"]["allowed"], "undo_win");
    let value = BASE64_STANDARD_NO_PAD.decode(info["value"].as_str().unwrap()).unwrap();
    assert!(value.windows(14).any(|part| part == b"BAD_TRANSITION"));

    for (error, http) in [
        (Error::Unauthenticated, 401),
        (Error::Forbidden("crm.leads.read"), 403),
        (Error::NotFound("lead"), 404),
        (Error::AlreadyExists("lead"), 409),
        (Error::Conflict { etag: None }, 409),
        (Error::Overloaded, 503),
        (Error::DeadlineExceeded, 504),
        (Error::internal("secret"), 500),
    ] {
        world.will_refuse(&error);
        let got = client.post(GET, "{}").send().await.unwrap();
        assert_eq!(got.http, http, "{error}");
        assert_eq!(got.header("retry-after"), if http == 503 { "1" } else { "" });
        assert!(!got.text().contains("secret"));
    }
}

#[tokio::test]
async fn the_gateways_own_refusals_are_in_connects_words() {
    let world = World::start().await;
    let client = world.client().await;
    for path in [INTERNAL, "/devsphere.crm.v1.LeadService/Nothing", "/"] {
        let got = client.post(path, "{}").send().await.unwrap();
        assert_eq!(
            (got.http.as_u16(), &got.json()["code"]),
            (501, &json!("unimplemented")),
            "{path}"
        );
    }
    let got = client.post(GET, "{}").without("authorization").send().await.unwrap();
    assert_eq!((got.http.as_u16(), &got.json()["code"]), (401, &json!("unauthenticated")));
    let got = client.post(GET, r#"{"lead":{"x":1}}"#).send().await.unwrap();
    assert_eq!((got.http.as_u16(), &got.json()["message"]), (400, &json!("lead: is unknown")));
    for (name, value) in [
        ("connect-protocol-version", "2"),
        ("connect-timeout-ms", "-1"),
        ("connect-timeout-ms", "12345678901"),
    ] {
        let got = client.post(GET, "{}").header(name, value).send().await.unwrap();
        assert_eq!((got.http.as_u16(), &got.json()["code"]), (400, &json!("invalid_argument")));
    }
    let got = client.http(Method::DELETE, GET).send().await.unwrap();
    assert_eq!((got.http.as_u16(), got.header("allow")), (405, "GET, POST"));
    assert!(world.crm.seen().is_empty());
}

#[tokio::test]
async fn bodies_may_be_packed_both_ways() {
    let world = World::start().await;
    let client = world.client().await;
    world.will_answer(&Lead { note: "a".repeat(5000), ..lead() });
    let call = client.post(GET, pack(br#"{"leadId":"7"}"#)).header("content-encoding", "gzip");
    let got = call.header("accept-encoding", "br, gzip").send().await.unwrap();
    assert_eq!((got.http.as_u16(), got.header("content-encoding")), (200, "gzip"));
    let mut body = String::new();
    GzDecoder::new(&got.body[..]).read_to_string(&mut body).unwrap();
    assert!(body.contains("\"displayName\":\"Maria\""));
    assert_eq!(world.asked::<GetLeadRequest>().lead_id, "7");

    let got = client.post(GET, "{}").header("content-encoding", "br").send().await.unwrap();
    assert_eq!((got.http.as_u16(), &got.json()["code"]), (501, &json!("unimplemented")));
    assert!(got.text().contains("gzip"));
}

#[tokio::test]
async fn the_time_that_a_client_waits_is_kept() {
    let world = World::start().await;
    world.crm.will(Answer::Silence);
    let call = world.client().await.post(GET, "{}").header("connect-timeout-ms", "50");
    let got = call.send().await.unwrap();
    assert_eq!((got.http.as_u16(), &got.json()["code"]), (504, &json!("deadline_exceeded")));
    let left = world.crm.only().headers["grpc-timeout"].clone();
    assert!(left.to_str().unwrap().ends_with('u'), "{left:?}");
}

#[tokio::test]
async fn a_stream_ends_with_a_frame_that_says_how() {
    let world = World::start().await;
    let client = world.client().await;
    let message = ExportLeadsResponse { csv: b"a".to_vec(), row_count: 1, ..Default::default() };
    let pieces = vec![frame(&message.encode_to_vec()); 2];
    let say = |trailers: HeaderMap| Answer::Say {
        headers: HeaderMap::new(),
        pieces: pieces.clone(),
        trailers,
    };
    let call = |codec: &str, body: &[u8]| {
        let call = client.http(Method::POST, EXPORT).body(frame(body));
        call.header("content-type", format!("application/connect+{codec}"))
    };
    world.crm.will(say(headers(&[("grpc-status", "0")])));
    let got = call("json", b"{\"filter\":\"a\"}").send().await.unwrap();
    assert_eq!((got.http.as_u16(), got.header("content-type")), (200, "application/connect+json"));
    let found = frames(&got);
    assert_eq!(found.len(), 3);
    assert_eq!(found[0], (0, Bytes::from_static(br#"{"csv":"YQ==","rowCount":1}"#)));
    assert_eq!(found[2], (2, Bytes::from_static(b"{}")));

    world.crm.will(say(headers(&[("grpc-status", "10"), ("grpc-message", "gone")])));
    let got = call("proto", b"").send().await.unwrap();
    let found = frames(&got);
    assert_eq!(found[1].1, message.encode_to_vec());
    let end: serde_json::Value = serde_json::from_slice(&found[2].1).unwrap();
    assert_eq!(end, json!({"error": {"code": "aborted", "message": "gone"}}));

    world.will_refuse(&Error::NotFound("lead"));
    for got in [
        call("json", b"{}"),
        call("json", b"{}").without("authorization"),
        call("json", b"{\"x\":1}"),
    ] {
        let got = got.send().await.unwrap();
        let found = frames(&got);
        let end: serde_json::Value = serde_json::from_slice(&found[0].1).unwrap();
        assert_eq!((got.http.as_u16(), found.len(), found[0].0), (200, 1, 2));
        assert_eq!(end["error"]["details"][0]["type"], "google.rpc.ErrorInfo");
    }
}
