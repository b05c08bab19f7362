//! The audit log: who did what, shown to those who may, and every look into it noted.

use devsphere_auth::Role;
use devsphere_proto::administration::v1::{
    self as pb, audit_service_client::AuditServiceClient,
    settings_service_client::SettingsServiceClient,
};
use devsphere_testkit::{Caller, CallerChannel, Org, StatusExt as _, World, eventually};
use prost_types::FieldMask;
use sqlx::Executor as _;
use tonic::{Code, Request, Status};
use uuid::Uuid;

use super::world;

pub(super) fn log(caller: &Caller<'_>) -> AuditServiceClient<CallerChannel> {
    AuditServiceClient::new(caller.channel("administration"))
}

async fn list(caller: &Caller<'_>, filter: &str) -> Result<Vec<pb::AuditRecord>, Status> {
    let request =
        pb::ListAuditRecordsRequest { filter: filter.into(), page_size: 200, ..Default::default() };
    let page = log(caller).list_audit_records(request).await?.into_inner();
    Ok(page.audit_records)
}

/// A change that somebody makes from an address, in a request of that name.
async fn title(caller: &Caller<'_>, title: &str, trace: Uuid) -> Result<(), Status> {
    let settings = pb::Settings {
        branding: Some(pb::Branding { portal_title: title.into(), ..Default::default() }),
        ..Default::default()
    };
    let update_mask = Some(FieldMask { paths: vec!["branding.portal_title".into()] });
    let mut request = Request::new(pb::UpdateSettingsRequest {
        settings: Some(settings),
        update_mask,
        ..Default::default()
    });
    let metadata = request.metadata_mut();
    metadata.insert(devsphere_auth::REQUEST, trace.to_string().parse().unwrap());
    metadata.insert(devsphere_auth::CLIENT_ADDRESS, "203.0.113.7".parse().unwrap());
    SettingsServiceClient::new(caller.channel("administration"))
        .update_settings(request)
        .await
        .map(drop)
}

/// Records as they would have come in over a long time, one a minute.
pub(super) async fn fill(world: &World, org: &Org<'_>, count: i32) {
    let fill = sqlx::query(
        "insert into platform.audit (org_id, action, noun, record_id, principal_kind, principal_id, method,
                                     trace_id, after, create_time)
         select $1, 'lead.created', 'lead', gen_random_uuid(), 'user', gen_random_uuid(), '/lead', gen_random_uuid(),
                jsonb_build_object('number', n), now() - make_interval(mins => $2 - n)
         from generate_series(1, $2) as n",
    );
    world.admin().await.execute(fill.bind(org.id()).bind(count)).await.unwrap();
}

#[tokio::test]
async fn a_record_says_who_what_before_after_when_and_from_where() {
    let world = world().await;
    let north = world.org("north").await;
    let ada = north.member("ada", Role::Ceo).await;
    let trace = Uuid::now_v7();

    title(&ada, "One", Uuid::now_v7()).await.unwrap();
    title(&ada, "Two", trace).await.unwrap();

    let found = list(&ada, &format!("trace_id = {trace}")).await.unwrap();
    let [record] = found.as_slice() else { panic!("{found:?}") };
    let principal = record.principal.clone().unwrap();
    assert_eq!(
        *record,
        pb::AuditRecord {
            audit_record_id: record.audit_record_id.clone(),
            action: "settings.updated".into(),
            noun: "settings".into(),
            record_id: north.id().to_string(),
            changes: vec![pb::AuditChange {
                field: "branding.portal_title".into(),
                before: "\"One\"".into(),
                after: "\"Two\"".into(),
            }],
            create_time: record.create_time,
            principal: Some(pb::AuditPrincipal {
                kind: pb::AuditPrincipalKind::User.into(),
                principal_id: ada.person_id().to_string(),
                display_name: "ada".into(),
            }),
            client_address: "203.0.113.7".into(),
            session_id: record.session_id.clone(),
            method: "/devsphere.administration.v1.SettingsService/UpdateSettings".into(),
            trace_id: trace.to_string(),
        }
    );
    assert!(!record.session_id.is_empty() && record.create_time.is_some());
    assert_eq!(principal.display_name, "ada");
    let request = pb::GetAuditRecordRequest { audit_record_id: record.audit_record_id.clone() };
    assert_eq!(log(&ada).get_audit_record(request).await.unwrap().into_inner(), *record);
}

#[tokio::test]
async fn the_log_is_for_those_who_may_and_of_their_organisation_alone() {
    let world = world().await;
    let (north, south) = (world.org("north").await, world.org("south").await);
    let ada = north.member("ada", Role::Ceo).await;
    title(&ada, "One", Uuid::now_v7()).await.unwrap();
    let [record] = list(&ada, "action = settings.updated").await.unwrap().try_into().unwrap();

    for role in Role::ALL {
        let member = north.member(role.as_str(), role).await;
        let may = matches!(role, Role::Ceo | Role::Admin);
        let listed = list(&member, "").await;
        let export = pb::ExportAuditRecordsRequest::default();
        let exported = log(&member).export_audit_records(export).await;
        assert_eq!((listed.is_ok(), exported.is_ok()), (may, may), "{role}");
        if let Err(refused) = listed {
            assert_eq!(refused.code(), Code::PermissionDenied);
            assert!(refused.message().contains("administration.audit.read"));
        }
    }
    let sven = south.member("sven", Role::Ceo).await;
    let get = |id: String| pb::GetAuditRecordRequest { audit_record_id: id };
    let theirs = log(&sven).get_audit_record(get(record.audit_record_id)).await.unwrap_err();
    let nothings = log(&sven).get_audit_record(get(Uuid::now_v7().to_string())).await.unwrap_err();
    assert_eq!((theirs.code(), theirs.message()), (nothings.code(), nothings.message()));
    assert_eq!(theirs.code(), Code::NotFound);
    assert_eq!(list(&sven, "action = settings.updated").await.unwrap(), []);
}

#[tokio::test]
async fn names_are_for_those_who_may_read_members_and_stay_with_those_who_left() {
    let world = world().await;
    let north = world.org("north").await;
    let ada = north.member("ada", Role::Ceo).await;
    title(&ada, "One", Uuid::now_v7()).await.unwrap();
    let auditor = north.caller(&["administration.audit.read"]);
    let boss = north.member("boss", Role::Ceo).await;
    let name = |records: Vec<pb::AuditRecord>| records[0].principal.clone().unwrap().display_name;

    assert_eq!(name(list(&auditor, "noun = settings").await.unwrap()), "");
    assert_eq!(name(list(&boss, "noun = settings").await.unwrap()), "ada");
    let leave = sqlx::query("update identity.member set state = 'removed' where person_id = $1");
    world.admin().await.execute(leave.bind(ada.person_id())).await.unwrap();
    assert_eq!(name(list(&boss, "noun = settings").await.unwrap()), "ada");
}

#[tokio::test]
async fn every_list_and_every_export_is_in_the_log_once() {
    let world = world().await;
    let ada = world.org("north").await.member("ada", Role::Ceo).await;
    title(&ada, "One", Uuid::now_v7()).await.unwrap();

    list(&ada, "noun = settings").await.unwrap();
    let export =
        pb::ExportAuditRecordsRequest { filter: "noun = lead".into(), ..Default::default() };
    let mut stream = log(&ada).export_audit_records(export).await.unwrap().into_inner();
    while stream.message().await.unwrap().is_some() {}

    let looks = eventually("the looks", async || {
        let looks = list(&ada, "action = (audit.listed OR audit.exported)").await.unwrap();
        (looks.iter().any(|look| look.action == "audit.exported") && looks.len() >= 2)
            .then_some(looks)
    })
    .await;
    let of = |filter: &str| {
        let said = format!("\"{filter}\"");
        let about = |look: &&pb::AuditRecord| {
            look.changes.iter().any(|change| change.field == "filter" && change.after == said)
        };
        looks.iter().filter(about).map(|look| look.action.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(of("noun = settings"), ["audit.listed"]);
    assert_eq!(of("noun = lead"), ["audit.exported"]);
    assert!(looks.iter().all(|look| look.noun == "audit_record" && look.record_id.is_empty()));
}

#[tokio::test]
async fn a_refusal_is_in_the_log_of_whoever_was_refused_with_its_count() {
    let world = world().await;
    let (north, south) = (world.org("north").await, world.org("south").await);
    let ada = north.member("ada", Role::Ceo).await;
    let otto = north.member("otto", Role::Operator).await;
    let sven = south.member("sven", Role::Ceo).await;

    for _ in 0..20 {
        title(&otto, "Mine", Uuid::now_v7()).await.unwrap_err();
    }

    let denied = eventually("20 refusals", async || {
        let denied = list(&ada, "action = access.denied").await.unwrap();
        (denied.iter().map(times).sum::<i64>() == 20).then_some(denied)
    })
    .await;
    // The first goes at once, and those that come meanwhile wait together.
    assert!(denied.len() < 20, "{}", denied.len());
    for record in &denied {
        let principal = record.principal.clone().unwrap();
        assert_eq!(principal.principal_id, otto.person_id().to_string());
        assert_eq!(record.method, "/devsphere.administration.v1.SettingsService/UpdateSettings");
        let permission = record.changes.iter().find(|change| change.field == "permission").unwrap();
        assert_eq!(permission.after, "\"administration.settings.update\"");
        assert_eq!(record.client_address, "203.0.113.7");
    }
    assert_eq!(list(&sven, "action = access.denied").await.unwrap(), []);
}

fn times(record: &pb::AuditRecord) -> i64 {
    let times = record.changes.iter().find(|change| change.field == "times");
    times.map_or(1, |times| times.after.parse().unwrap())
}

#[tokio::test]
async fn pages_show_each_record_once_in_both_orders_and_the_total_counts_them() {
    let world = world().await;
    let north = world.org("north").await;
    let ada = north.caller(&["administration.audit.*"]);
    fill(&world, &north, 25).await;

    for order_by in ["create_time", "create_time desc"] {
        let (mut times, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = pb::ListAuditRecordsRequest {
                filter: "noun = lead".into(),
                order_by: order_by.into(),
                page_size: 10,
                include_total: true,
                page_token,
            };
            let page = log(&ada).list_audit_records(request).await.unwrap().into_inner();
            assert_eq!((page.total_size, page.total_at_least), (Some(25), false));
            times.extend(
                page.audit_records.iter().map(|record| record.create_time.unwrap().seconds),
            );
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        let rising = times.windows(2).all(|pair| pair[0] < pair[1]);
        let falling = times.windows(2).all(|pair| pair[0] > pair[1]);
        assert_eq!(
            (times.len(), rising, falling),
            (25, order_by == "create_time", order_by != "create_time")
        );
    }
}

#[tokio::test]
async fn the_log_is_filtered_by_whoever_what_when_and_where() {
    let world = world().await;
    let north = world.org("north").await;
    let ada = north.member("ada", Role::Ceo).await;
    fill(&world, &north, 5).await;
    title(&ada, "One", Uuid::now_v7()).await.unwrap();
    let [own] = list(&ada, "noun = settings").await.unwrap().try_into().unwrap();

    let matching = [
        format!("principal.principal_id = {} AND noun = settings", ada.person_id()),
        "action = settings.updated".to_owned(),
        "action : \"SETTINGS.\"".to_owned(),
        format!("record_id = {}", north.id()),
        "client_address = \"203.0.113.7\" AND principal.kind = user".to_owned(),
        // The log notes who looks into it, too.
        format!("session_id = {} AND noun = settings", own.session_id),
        "method : UpdateSettings".to_owned(),
        "noun = settings AND create_time >= \"2026-01-01T00:00:00Z\"".to_owned(),
        format!("audit_record_id = {}", own.audit_record_id),
    ];
    for filter in matching {
        assert_eq!(list(&ada, &filter).await.unwrap(), std::slice::from_ref(&own), "{filter}");
    }
    for filter in [
        "principal.kind = job",
        "create_time < \"2020-01-01T00:00:00Z\"",
        "client_address = null AND noun = settings",
    ] {
        assert_eq!(list(&ada, filter).await.unwrap(), [], "{filter}");
    }
    for (filter, order_by) in [("changes = x", ""), ("principal.kind = robot", ""), ("", "action")]
    {
        let (filter, order_by) = (filter.into(), order_by.into());
        let request = pb::ListAuditRecordsRequest { filter, order_by, ..Default::default() };
        let refused = log(&ada).list_audit_records(request).await.unwrap_err();
        assert_eq!((refused.code(), refused.fields().len()), (Code::InvalidArgument, 1));
    }
}

#[tokio::test]
async fn an_export_is_the_whole_log_as_a_sheet_that_computes_nothing() {
    let world = world().await;
    let north = world.org("north").await;
    let ada = north.caller(&["administration.audit.export"]);
    fill(&world, &north, 450).await;
    let formula = sqlx::query(
        "insert into platform.audit (org_id, action, noun, record_id, principal_kind, principal_id, method, trace_id,
                                     client_address, create_time)
         values ($1, '=cmd', '@noun', gen_random_uuid(), 'user', gen_random_uuid(), '+m', gen_random_uuid(),
                 '2001:db8::1', now() - interval '1 day')",
    );
    world.admin().await.execute(formula.bind(north.id())).await.unwrap();

    // The export itself is in the log by then.
    let request = pb::ExportAuditRecordsRequest {
        filter: "NOT noun = audit_record".into(),
        ..Default::default()
    };
    let mut stream = log(&ada).export_audit_records(request.clone()).await.unwrap().into_inner();
    let (mut text, mut chunks) = (String::new(), Vec::new());
    while let Some(chunk) = stream.message().await.unwrap() {
        text.push_str(&String::from_utf8(chunk.csv).unwrap());
        chunks.push((chunk.row_count, chunk.page_token));
    }

    let rows: i32 = chunks.iter().map(|(rows, _)| rows).sum();
    assert_eq!((rows, chunks.len()), (451, 3));
    assert_eq!(text.lines().count(), 452);
    assert!(text.starts_with("\"audit_record_id\",\"create_time\",\"action\""));
    assert!(text.contains("\"'=cmd\",\"'@noun\"") && text.contains("\"'+m\""), "{text}");
    assert!(text.contains("\"2001:db8::1\"") && text.contains("\"{\"\"number\"\":450}\""));
    let request = pb::ExportAuditRecordsRequest { page_token: chunks[0].1.clone(), ..request };
    let mut rest = log(&ada).export_audit_records(request).await.unwrap().into_inner();
    let second = rest.message().await.unwrap().unwrap();
    assert_eq!((second.row_count, second.page_token), (200, chunks[1].1.clone()));
    assert!(!String::from_utf8(second.csv).unwrap().contains("audit_record_id"));
}
