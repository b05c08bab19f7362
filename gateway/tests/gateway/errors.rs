//! Every code of B4, as REST says it, and as Connect does.

use std::collections::HashMap;

use devsphere_error::reasons;
use http::HeaderMap;
use serde_json::json;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::{
    recorder::Answer,
    world::{GET, World},
};

const CODES: [(u16, &[&str]); 9] = [
    (400, &["bad_request"]),
    (401, &["unauthorized", "invalid_api_key"]),
    (
        403,
        &[
            "forbidden",
            "insufficient_scope",
            "plan_limit",
            "locked",
            "step_up_required",
            "second_factor_required",
            "csrf",
        ],
    ),
    (404, &["not_found"]),
    (405, &["method_not_allowed"]),
    (409, &["invalid_state", "bad_transition", "conflict", "already_exists"]),
    (429, &["rate_limited"]),
    (500, &["ai_failed", "query_failed", "create_failed", "update_failed", "delete_failed"]),
    (503, &["overloaded", "unavailable"]),
];

const OTHERS: [(u16, &str); 3] =
    [(413, "payload_too_large"), (415, "unsupported_media_type"), (504, "deadline_exceeded")];

#[tokio::test]
async fn every_code_has_its_status_and_its_details_pass_as_they_are() {
    let world = World::start().await;
    let client = world.client().await;
    let codes = CODES.iter().flat_map(|(http, codes)| codes.iter().map(|code| (*http, *code)));
    let codes: Vec<_> = codes.chain(OTHERS).collect();
    assert_eq!(codes.len(), reasons().count());
    for (http, code) in codes {
        let metadata = HashMap::from([("scope".to_owned(), "leads:read".to_owned())]);
        let mut details = ErrorDetails::new();
        details.set_error_info(code.to_uppercase(), "devsphere", metadata);
        details.set_bad_request(vec![]).add_bad_request_violation("lead.email", "is required");
        let status = Status::with_error_details(Code::FailedPrecondition, "no", details);
        let mut refused = HeaderMap::new();
        status.add_header(&mut refused).unwrap();
        world.crm.will(Answer::Refuse(refused));

        let got = client.get("/api/v1/leads/a").send().await.unwrap();
        let said = got.json();
        assert_eq!((got.http.as_u16(), &said["error"]), (http, &json!(code)));
        assert_eq!(said["need"], "leads:read");
        let violation = &said["details"][1]["field_violations"][0];
        assert_eq!(
            (&violation["field"], &violation["description"]),
            (&json!("lead.email"), &json!("is required"))
        );

        let got = client.post(GET, "{}").send().await.unwrap();
        let said = got.json();
        assert_eq!((got.http.as_u16(), &said["code"]), (400, &json!("failed_precondition")));
        assert_eq!(said["details"][0]["debug"]["reason"], code.to_uppercase());
    }
}
