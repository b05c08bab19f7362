//! Whatever is wrong with a request, the answer says what, and nothing is written.

use bytes::Bytes;
use devsphere_proto::crm::v1::{CreateLeadRequest, Lead, ListLeadsRequest, UpdateLeadRequest};
use devsphere_testkit::StatusExt as _;
use prost_types::FieldMask;
use sqlx::Row as _;
use tonic::{Code, Request, Status, client::Grpc};
use uuid::Uuid;

use crate::{
    matrix::wire::Raw,
    whole::{Mesh, Person, Signed},
};

async fn create_raw(mesh: &Mesh, person: &Person, body: Vec<u8>) -> Status {
    let signed: Signed = mesh.with_token(&person.grant.access_token);
    let mut client = Grpc::new(signed).max_encoding_message_size(16 * 1024 * 1024);
    client.ready().await.unwrap();
    let path = http::uri::PathAndQuery::from_static("/devsphere.crm.v1.LeadService/CreateLead");
    client.unary(Request::new(Bytes::from(body)), path, Raw).await.unwrap_err()
}

/// Rows that a write leaves: leads, events, audit records, kept answers.
async fn written(mesh: &Mesh) -> i64 {
    let counted = sqlx::query(
        "select (select count(*) from crm.lead) + (select count(*) from platform.outbox)
              + (select count(*) from platform.audit) + (select count(*) from platform.idempotency)",
    );
    counted.fetch_one(&mut mesh.world.admin().await).await.unwrap().get(0)
}

fn create(lead: Lead) -> CreateLeadRequest {
    CreateLeadRequest { lead: Some(lead), ..CreateLeadRequest::default() }
}

#[tokio::test]
async fn bytes_that_are_no_message_are_refused_by_name_and_nothing_is_written() {
    let mesh = Mesh::start().await;
    let ceo = mesh.founder().await;
    let before = written(&mesh).await;

    // A field that ends early; a length beyond the end; text that is not UTF-8 in lead.display_name.
    let cut = create_raw(&mesh, &ceo, vec![0x0a]).await;
    let long = create_raw(&mesh, &ceo, vec![0x0a, 0xff, 0xff, 0x01]).await;
    let not_utf8 = create_raw(&mesh, &ceo, vec![0x0a, 0x04, 0x12, 0x02, 0xff, 0xfe]).await;
    let huge = create_raw(&mesh, &ceo, vec![0; 4 * 1024 * 1024 + 1]).await;

    for refused in [&cut, &long, &not_utf8] {
        assert_eq!(
            (refused.code(), refused.reason()),
            (Code::InvalidArgument, "BAD_REQUEST".into())
        );
    }
    assert_eq!(not_utf8.fields(), ["lead.display_name"]);
    assert_eq!((huge.code(), huge.reason()), (Code::InvalidArgument, "PAYLOAD_TOO_LARGE".into()));
    for refused in [cut, long, not_utf8, huge] {
        let words = refused.message().to_lowercase();
        assert!(!words.contains("prost") && !words.contains("::"), "{words}");
        assert!(!refused.request().is_empty());
    }
    assert_eq!(written(&mesh).await, before);
}

#[tokio::test]
async fn every_field_that_breaks_a_rule_is_named_at_once() {
    let mesh = Mesh::start().await;
    let ceo = mesh.founder().await;
    let before = written(&mesh).await;
    let lead = Lead {
        display_name: "x".repeat(201),
        email: "not an address".into(),
        phone: "call me".into(),
        website: "javascript:alert(1)".into(),
        ..Lead::default()
    };

    let refused = ceo.leads().create_lead(create(lead)).await.unwrap_err();

    assert_eq!(refused.code(), Code::InvalidArgument);
    assert_eq!(refused.fields(), ["lead.display_name", "lead.email", "lead.phone", "lead.website"]);
    assert_eq!(written(&mesh).await, before);
}

#[tokio::test]
async fn text_that_no_database_holds_is_refused_by_field() {
    let mesh = Mesh::start().await;
    let ceo = mesh.founder().await;
    let lead =
        Lead { display_name: "x".into(), tags: vec!["a".into(), "\0".into()], ..Lead::default() };

    let refused = ceo.leads().create_lead(create(lead)).await.unwrap_err();

    assert_eq!(
        (refused.code(), refused.fields()),
        (Code::InvalidArgument, vec!["lead.tags[1]".to_owned()])
    );
}

#[tokio::test]
async fn lists_refuse_what_they_cannot_do_and_say_what_they_can() {
    let mesh = Mesh::start().await;
    let ceo = mesh.founder().await;
    let ask = |change: fn(&mut ListLeadsRequest)| {
        let mut request = ListLeadsRequest::default();
        change(&mut request);
        let mut leads = ceo.leads();
        async move { leads.list_leads(request).await }
    };

    let negative = ask(|request| request.page_size = -1).await.unwrap_err();
    let huge = ask(|request| request.page_size = i32::MAX).await;
    let token = ask(|request| request.page_token = "not a token".into()).await.unwrap_err();
    let field = ask(|request| request.filter = "shoe_size = 43".into()).await.unwrap_err();
    let order = ask(|request| request.order_by = "shoe_size".into()).await.unwrap_err();
    let deep = ask(|request| request.filter = "(".repeat(1000)).await.unwrap_err();

    assert!(huge.is_ok(), "a page is cut to 200");
    for (refused, on) in [
        (negative, "page_size"),
        (token, "page_token"),
        (field.clone(), "filter"),
        (order, "order_by"),
        (deep, "filter"),
    ] {
        assert_eq!(
            (refused.code(), refused.fields()),
            (Code::InvalidArgument, vec![on.to_owned()])
        );
    }
    assert!(field.message().contains("display_name"), "{}", field.message());
}

#[tokio::test]
async fn bad_tokens_open_nothing() {
    let mesh = Mesh::start().await;
    let ceo = mesh.founder().await;
    let good = &ceo.grant.access_token;
    let flipped = format!("{}x", &good[..good.len() - 1]);

    for token in ["", "abc", &flipped, &ceo.grant.refresh_token, "..", &"x".repeat(5000)] {
        let mut leads = devsphere_proto::crm::v1::lead_service_client::LeadServiceClient::new(
            mesh.with_token(token),
        );
        let refused = leads.list_leads(ListLeadsRequest::default()).await.unwrap_err();
        assert_eq!(
            (refused.code(), refused.reason()),
            (Code::Unauthenticated, "UNAUTHORIZED".into())
        );
    }
}

#[tokio::test]
async fn a_refused_change_leaves_no_event_no_audit_and_no_answer() {
    let mesh = Mesh::start().await;
    let ceo = mesh.founder().await;
    let lead = Lead { display_name: "Maria".into(), ..Lead::default() };
    let lead = ceo.leads().create_lead(create(lead)).await.unwrap().into_inner();
    let before = written(&mesh).await;
    let update = |etag: &str, paths: &[&str]| UpdateLeadRequest {
        lead: Some(Lead { note: "new".into(), etag: etag.into(), ..lead.clone() }),
        update_mask: Some(FieldMask { paths: paths.iter().map(|&path| path.to_owned()).collect() }),
        request_id: Uuid::now_v7().to_string(),
        validate_only: false,
    };

    let stale = ceo.leads().update_lead(update("W99", &["note"])).await.unwrap_err();
    let unknown = ceo.leads().update_lead(update("", &["state"])).await.unwrap_err();
    let empty = ceo.leads().update_lead(update("", &[])).await.unwrap_err();

    assert_eq!((stale.code(), stale.metadata_of("etag")), (Code::Aborted, lead.etag.clone()));
    assert_eq!(unknown.fields(), ["update_mask"]);
    assert_eq!(empty.fields(), ["update_mask"]);
    assert_eq!(written(&mesh).await, before);
}
