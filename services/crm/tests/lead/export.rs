//! Export: CSV in pieces that go on from a token.

use std::time::Duration;

use devsphere_auth::{Kind, Role};
use devsphere_boot::Limits;
use devsphere_proto::{crm::v1 as pb, r#type::v1::Money};
use devsphere_testkit::{StatusExt as _, World, patient};
use tonic::Code;

use super::{Leads, MODULES, create, creation, leads, minted, named, world};

/// What a stream brought.
pub(super) struct Exported {
    pub text: String,
    pub rows: i32,
    pub tokens: Vec<String>,
}

pub(super) async fn all(leads: &mut Leads, request: pb::ExportLeadsRequest) -> Exported {
    let mut stream = leads.export_leads(request).await.unwrap().into_inner();
    let mut exported = Exported { text: String::new(), rows: 0, tokens: Vec::new() };
    while let Some(chunk) = stream.message().await.unwrap() {
        exported.text.push_str(&String::from_utf8(chunk.csv).unwrap());
        exported.rows += chunk.row_count;
        exported.tokens.push(chunk.page_token);
    }
    exported
}

async fn fill(leads: &mut Leads, count: usize) {
    for begin in (0..count).step_by(200) {
        let requests =
            (begin..count.min(begin + 200)).map(|n| creation(named(&format!("Lead {n}"))));
        let batch =
            pb::BatchCreateLeadsRequest { requests: requests.collect(), ..Default::default() };
        leads.batch_create_leads(batch).await.unwrap();
    }
}

fn records(text: &str) -> Vec<csv::StringRecord> {
    let reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    reader.into_records().map(Result::unwrap).collect()
}

#[tokio::test]
async fn a_lead_is_exported_with_every_field_and_no_formula() {
    let world = world().await;
    let north = world.org("north").await;
    let anna = north.member("anna", Role::Sales).await;
    let mut leads = leads(&anna);
    let lead = pb::Lead {
        company: "  =cmd|' /C calc'!A0".into(),
        phone: "+46 8 123 456".into(),
        value: Some(Money { minor_units: -250, currency_code: "EUR".into() }),
        tags: vec!["@one".into(), "two".into()],
        note: "two\r\nlines, \"quoted\"".into(),
        ..named("Maria")
    };
    let lead = create(&mut leads, lead).await;

    let exported = all(&mut leads, pb::ExportLeadsRequest::default()).await;

    let [header, row] = &records(&exported.text)[..] else { panic!("{}", exported.text) };
    let cell = |name: &str| &row[header.iter().position(|column| column == name).unwrap()];
    assert_eq!(cell("lead_id"), lead.lead_id);
    assert_eq!(cell("display_name"), "Maria");
    assert_eq!(cell("company"), format!("'{}", lead.company));
    assert_eq!(cell("phone"), "'+46 8 123 456");
    assert_eq!((cell("value.minor_units"), cell("value.currency_code")), ("-250", "EUR"));
    assert_eq!(cell("tags"), "'@one; two");
    assert_eq!(cell("note"), lead.note);
    assert_eq!(cell("owner_id"), anna.person_id().to_string());
    assert_eq!((cell("state"), cell("delete_time")), ("new", ""));
    // Numbers are typed as numbers, everything else as text.
    assert!(exported.text.contains(",-250,\"EUR\","), "{}", exported.text);
    assert!(exported.text.ends_with("\r\n"));
    assert_eq!((exported.rows, exported.tokens), (1, vec![String::new()]));
}

#[tokio::test]
async fn an_empty_export_is_its_header() {
    let world = world().await;
    let north = world.org("north").await;
    let mut leads = leads(&north.member("anna", Role::Sales).await);

    let exported = all(&mut leads, pb::ExportLeadsRequest::default()).await;

    assert_eq!(records(&exported.text).len(), 1);
    assert_eq!((exported.rows, exported.tokens), (0, vec![String::new()]));
}

#[tokio::test]
async fn an_export_comes_in_pieces_and_goes_on_from_each() {
    let world = world().await;
    let north = world.org("north").await;
    let mut leads = leads(&north.member("anna", Role::Sales).await);
    fill(&mut leads, 450).await;

    let whole = all(&mut leads, pb::ExportLeadsRequest::default()).await;
    let page_token = whole.tokens[0].clone();
    let rest = pb::ExportLeadsRequest { page_token, ..Default::default() };
    let rest = all(&mut leads, rest).await;

    assert_eq!((whole.rows, whole.tokens.len()), (450, 3));
    assert_eq!(rest.rows, 250);
    assert!(whole.text.ends_with(&rest.text), "no header, and the same rows");
    let ids: std::collections::BTreeSet<_> =
        records(&whole.text).iter().map(|row| row[0].to_owned()).collect();
    assert_eq!(ids.len(), 451, "each lead once, and the header");
}

#[tokio::test]
async fn an_old_stream_ends_with_a_token_to_go_on_from() {
    let limits = Limits { longest_stream: Duration::ZERO, ..patient() };
    let world = World::start_with(&MODULES, limits).await;
    let north = world.org("north").await;
    let mut leads = leads(&north.member("anna", Role::Sales).await);
    fill(&mut leads, 201).await;

    let begun = all(&mut leads, pb::ExportLeadsRequest::default()).await;
    let page_token = begun.tokens.last().unwrap().clone();
    let rest = pb::ExportLeadsRequest { page_token, ..Default::default() };
    let rest = all(&mut leads, rest).await;

    assert_eq!((begun.rows, rest.rows, rest.tokens), (200, 1, vec![String::new()]));
}

#[tokio::test]
async fn an_export_is_filtered_like_a_list_and_needs_its_own_permission() {
    let world = world().await;
    let north = world.org("north").await;
    let mut leads = leads(&north.member("anna", Role::Sales).await);
    fill(&mut leads, 12).await;
    let mut reader = super::leads(&north.member("victor", Role::Viewer).await);

    let filter = "display_name: \"Lead 1\"".into();
    let some = all(&mut leads, pb::ExportLeadsRequest { filter, ..Default::default() }).await;
    let filter = "stage = new".into();
    let wrong = pb::ExportLeadsRequest { filter, ..Default::default() };
    let wrong = leads.export_leads(wrong).await.unwrap_err();
    let refused = reader.export_leads(pb::ExportLeadsRequest::default()).await.unwrap_err();

    assert_eq!(some.rows, 3);
    assert_eq!(wrong.fields(), ["filter"]);
    assert_eq!(refused.code(), Code::PermissionDenied);
    assert_eq!(refused.metadata_of("permission"), "crm.leads.export");
}

#[tokio::test]
async fn an_export_renews_its_assertion_while_the_session_lives() {
    let world = world().await;
    let north = world.org("north").await;
    let anna = north.member("anna", Role::Sales).await;
    fill(&mut leads(&anna), 3).await;
    let session =
        sqlx::query_scalar("select session_id from identity.session where person_id = $1")
            .bind(anna.person_id())
            .fetch_one(&mut world.admin().await)
            .await
            .unwrap();
    // 15 s are left, which is too little to begin a page with.
    let anna = (Kind::User, anna.person_id().uuid(), Some(session));
    let assertion = minted(&world, &north, anna, 45);
    let mut old = Leads::new(world.with_assertion("crm", &assertion));

    let alive = all(&mut old, pb::ExportLeadsRequest::default()).await;
    sqlx::query("update identity.session set end_time = now()")
        .execute(&mut world.admin().await)
        .await
        .unwrap();
    let mut dead = old.export_leads(pb::ExportLeadsRequest::default()).await.unwrap().into_inner();
    let refused = dead.message().await.unwrap_err();

    assert_eq!(alive.rows, 3);
    assert_eq!(
        (refused.code(), refused.reason().as_str()),
        (Code::Unauthenticated, "UNAUTHORIZED")
    );
}

#[tokio::test]
async fn a_stream_that_nobody_reads_holds_no_connection() {
    let limits = Limits { connections: 1, ..patient() };
    let world = World::start_with(&MODULES, limits).await;
    let north = world.org("north").await;
    let mut leads = leads(&north.member("anna", Role::Sales).await);
    fill(&mut leads, 700).await;

    let _unread = leads.export_leads(pb::ExportLeadsRequest::default()).await.unwrap();
    let listed = leads.list_leads(pb::ListLeadsRequest::default()).await.unwrap().into_inner();

    assert_eq!(listed.leads.len(), 50);
}
