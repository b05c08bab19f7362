//! What a call costs, and what it leaves behind.

use devsphere_auth::Role;
use devsphere_proto::crm::v1 as pb;
use devsphere_testkit::World;
use prost_types::FieldMask;
use serde_json::{Value, json};
use sqlx::Row as _;

use super::{MODULES, assign, create, creation, export, get, leads, named, request_id, world};

fn update(lead_id: &str, note: &str) -> pb::UpdateLeadRequest {
    let (lead_id, note) = (lead_id.into(), note.into());
    pb::UpdateLeadRequest {
        lead: Some(pb::Lead { lead_id, note, ..Default::default() }),
        update_mask: Some(FieldMask { paths: vec!["note".into()] }),
        request_id: request_id(),
        validate_only: false,
    }
}

/// The round trips of a call's second run: a statement's first use on a connection costs one more.
async fn cost(world: &World, mut call: impl AsyncFnMut()) -> usize {
    call().await;
    let before = world.counter("crm").round_trips();
    call().await;
    world.counter("crm").round_trips() - before
}

#[tokio::test]
async fn each_call_takes_the_round_trips_of_its_kind() {
    let world = World::counted(&MODULES).await;
    let north = world.org("north").await;
    let anna = north.member("anna", Role::Sales).await;
    let bert = north.member("bert", Role::Sales).await.person_id().to_string();
    let leads = leads(&anna);
    let lead_id = create(&mut leads.clone(), named("Maria")).await.lead_id;
    let lead_ids = vec![lead_id.clone()];
    let list = |include_total| pb::ListLeadsRequest { include_total, ..Default::default() };
    let batch = || pb::BatchCreateLeadsRequest {
        requests: (0..20).map(|_| creation(named("Nils"))).collect(),
        request_id: request_id(),
    };
    let replayed = batch();
    leads.clone().batch_create_leads(replayed.clone()).await.unwrap();
    let everyone =
        || pb::BatchAssignLeadsRequest { lead_ids: lead_ids.clone(), ..Default::default() };

    let costs = [
        cost(&world, async || drop(get(&mut leads.clone(), &lead_id).await.unwrap())).await,
        cost(&world, async || drop(leads.clone().list_leads(list(false)).await.unwrap())).await,
        cost(&world, async || drop(leads.clone().list_leads(list(true)).await.unwrap())).await,
        cost(&world, async || drop(create(&mut leads.clone(), named("Nils")).await)).await,
        cost(&world, async || drop(leads.clone().batch_create_leads(batch()).await.unwrap())).await,
        cost(&world, async || {
            let note = request_id();
            drop(leads.clone().update_lead(update(&lead_id, &note)).await.unwrap());
        })
        .await,
        cost(&world, async || {
            assign(&mut leads.clone(), &lead_id, &bert).await.unwrap();
            drop(assign(&mut leads.clone(), &lead_id, "").await.unwrap());
        })
        .await,
        cost(&world, async || drop(leads.clone().batch_assign_leads(everyone()).await.unwrap()))
            .await,
        cost(&world, async || {
            drop(leads.clone().batch_create_leads(replayed.clone()).await.unwrap());
        })
        .await,
        cost(&world, async || {
            let request = pb::ExportLeadsRequest::default();
            assert_eq!(export::all(&mut leads.clone(), request).await.tokens.len(), 1);
        })
        .await,
    ];

    assert_eq!(costs, [2, 2, 3, 4, 4, 5, 10, 5, 3, 2]);
}

#[tokio::test]
async fn each_change_leaves_one_event_and_one_audit_record() {
    let world = world().await;
    let north = world.org("north").await;
    let anna = north.member("anna", Role::Sales).await;
    let bert = north.member("bert", Role::Sales).await.person_id().to_string();
    let mut leads = leads(&anna);
    let lead_id = create(&mut leads, named("Maria")).await.lead_id;
    let reason = "a student".to_owned();

    leads.update_lead(update(&lead_id, "a note")).await.unwrap();
    leads.update_lead(update(&lead_id, "a note")).await.unwrap();
    assign(&mut leads, &lead_id, &bert).await.unwrap();
    macro_rules! step {
        ($method:ident($request:ident $(, $reason:ident)?)) => {
            let (lead_id, request_id) = (lead_id.clone(), request_id());
            let etag = String::new();
            let request = pb::$request { lead_id, etag, request_id $(, $reason: $reason.clone())? };
            leads.$method(request).await.unwrap();
        };
    }
    step!(contact_lead(ContactLeadRequest));
    step!(qualify_lead(QualifyLeadRequest));
    step!(win_lead(WinLeadRequest));
    step!(undo_win_lead(UndoWinLeadRequest));
    step!(lose_lead(LoseLeadRequest, reason));
    step!(reopen_lead(ReopenLeadRequest));
    step!(disqualify_lead(DisqualifyLeadRequest, reason));
    step!(delete_lead(DeleteLeadRequest));
    step!(undelete_lead(UndeleteLeadRequest));

    let names = [
        "lead.created",
        "lead.updated",
        "lead.assigned",
        "lead.contacted",
        "lead.qualified",
        "lead_won",
        "lead.win_undone",
        "lead_lost",
        "lead.reopened",
        "lead.disqualified",
        "lead.trashed",
        "lead.restored",
    ];
    let mut admin = world.admin().await;
    let events = sqlx::query("select name, version, data from platform.outbox order by version")
        .fetch_all(&mut admin)
        .await
        .unwrap();
    let audit =
        sqlx::query("select action, before, after from platform.audit order by create_time")
            .fetch_all(&mut admin)
            .await
            .unwrap();
    let events: Vec<(&str, i64)> = events.iter().map(|row| (row.get(0), row.get(1))).collect();
    let actions: Vec<&str> = audit.iter().map(|row| row.get(0)).collect();
    assert_eq!(events, names.into_iter().zip(1..).collect::<Vec<_>>());
    assert_eq!(actions, names);
    let changed = |row: usize| -> (Value, Value) { (audit[row].get(1), audit[row].get(2)) };
    assert_eq!(changed(1), (json!({ "note": "" }), json!({ "note": "a note" })));
    let (before, after) = changed(2);
    assert_eq!((&before["assigned_by"], &after["owner_id"]), (&Value::Null, &json!(bert)));
    assert_eq!(changed(7).1["reason"], json!(reason));
}
