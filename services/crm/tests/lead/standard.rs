//! Create, get, update.

use devsphere_auth::Role;
use devsphere_proto::{crm::v1 as pb, r#type::v1::Money};
use devsphere_testkit::StatusExt as _;
use prost_types::FieldMask;
use tonic::Code;

use super::{create, creation, get, leads, named, request_id, world};

fn maria() -> pb::Lead {
    pb::Lead {
        display_name: "Maria Lindqvist".into(),
        company: "Lindqvist Interiors".into(),
        job_title: "Managing director".into(),
        email: "maria@lindqvist.example".into(),
        phone: "+46 8 123 456".into(),
        website: "https://lindqvist.example".into(),
        source: "referral".into(),
        value: Some(Money { minor_units: 250_000, currency_code: "EUR".into() }),
        tags: vec!["redesign".into(), "spring".into()],
        note: "Met at the trade fair.".into(),
        ..Default::default()
    }
}

fn update(lead: pb::Lead, paths: &[&str]) -> pb::UpdateLeadRequest {
    let paths = paths.iter().map(|path| (*path).into()).collect();
    let update_mask = Some(FieldMask { paths });
    pb::UpdateLeadRequest { lead: Some(lead), update_mask, ..Default::default() }
}

#[tokio::test]
async fn a_new_lead_is_its_creators_with_every_field_as_given() {
    let world = world().await;
    let north = world.org("north").await;
    let anna = north.member("anna", Role::Sales).await;
    let mut leads = leads(&anna);

    let lead = create(&mut leads, maria()).await;

    let given = pb::Lead {
        lead_id: lead.lead_id.clone(),
        owner_id: anna.person_id().to_string(),
        state: pb::LeadState::New.into(),
        create_time: lead.create_time,
        update_time: lead.create_time,
        state_time: lead.create_time,
        etag: "W1".into(),
        allowed_actions: [
            "contact",
            "qualify",
            "win",
            "lose",
            "disqualify",
            "update",
            "assign",
            "delete",
        ]
        .map(Into::into)
        .into(),
        ..maria()
    };
    assert_eq!(lead, given);
    assert!(lead.create_time.is_some());
    assert_eq!(get(&mut leads, &lead.lead_id).await.unwrap(), lead);
}

#[tokio::test]
async fn what_only_the_mesh_writes_is_passed_over_on_creation() {
    let world = world().await;
    let north = world.org("north").await;
    let anna = north.member("anna", Role::Sales).await;
    let chosen = pb::Lead {
        lead_id: request_id(),
        state: pb::LeadState::Won.into(),
        reason: "none".into(),
        assigned_by: request_id(),
        etag: "W9".into(),
        ..maria()
    };

    let lead = create(&mut leads(&anna), chosen.clone()).await;

    assert_ne!(lead.lead_id, chosen.lead_id);
    assert_eq!((lead.state(), lead.etag.as_str()), (pb::LeadState::New, "W1"));
    assert_eq!((lead.reason, lead.assigned_by), (String::new(), String::new()));
}

#[tokio::test]
async fn every_field_that_breaks_a_rule_is_named_at_once() {
    let world = world().await;
    let north = world.org("north").await;
    let anna = north.member("anna", Role::Sales).await;
    let wrong = pb::Lead {
        email: "nobody".into(),
        phone: "call me".into(),
        website: "ftp://x".into(),
        ..maria()
    };

    let refused = leads(&anna).create_lead(creation(wrong)).await.unwrap_err();

    assert_eq!((refused.code(), refused.reason().as_str()), (Code::InvalidArgument, "BAD_REQUEST"));
    assert_eq!(refused.fields(), ["lead.email", "lead.phone", "lead.website"]);
}

#[tokio::test]
async fn a_lead_needs_a_name_and_a_real_currency() {
    let world = world().await;
    let north = world.org("north").await;
    let anna = north.member("anna", Role::Sales).await;
    let nameless = pb::Lead { display_name: String::new(), company: String::new(), ..maria() };
    let value = Some(Money { minor_units: 1, currency_code: "ZZZ".into() });

    let nameless = leads(&anna).create_lead(creation(nameless)).await.unwrap_err();
    let worthless = leads(&anna).create_lead(creation(pb::Lead { value, ..maria() })).await;

    assert_eq!(nameless.fields(), ["lead"]);
    assert_eq!(worthless.unwrap_err().fields(), ["lead.value.currency_code"]);
}

#[tokio::test]
async fn an_owner_who_is_no_active_member_is_refused() {
    let world = world().await;
    let (north, south) = (world.org("north").await, world.org("south").await);
    let anna = north.member("anna", Role::Sales).await;
    let stranger = south.member("sven", Role::Sales).await.person_id().to_string();

    let create = creation(pb::Lead { owner_id: stranger, ..maria() });
    let refused = leads(&anna).create_lead(create).await.unwrap_err();

    assert_eq!(refused.fields(), ["lead.owner_id"]);
    assert_eq!(refused.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn a_missing_permission_is_named() {
    let world = world().await;
    let north = world.org("north").await;
    let lead = create(&mut leads(&north.member("anna", Role::Sales).await), maria()).await;
    let mut reader = leads(&north.caller(&["crm.all", "crm.leads.read"]));

    let created = reader.create_lead(creation(maria())).await.unwrap_err();
    let updated = reader.update_lead(update(lead.clone(), &["note"])).await.unwrap_err();

    assert_eq!(created.code(), Code::PermissionDenied);
    assert_eq!(created.metadata_of("permission"), "crm.leads.create");
    assert_eq!(updated.metadata_of("permission"), "crm.leads.update");
    let read = get(&mut reader, &lead.lead_id).await.unwrap();
    assert_eq!(read.allowed_actions, Vec::<String>::new());
}

#[tokio::test]
async fn another_organisations_lead_is_not_found() {
    let world = world().await;
    let (north, south) = (world.org("north").await, world.org("south").await);
    let lead = create(&mut leads(&north.member("anna", Role::Sales).await), maria()).await;
    let mut theirs = leads(&south.member("sven", Role::Ceo).await);

    let read = get(&mut theirs, &lead.lead_id).await.unwrap_err();
    let changed = theirs.update_lead(update(lead.clone(), &["note"])).await.unwrap_err();
    let nowhere = get(&mut theirs, &request_id()).await.unwrap_err();

    assert_eq!((read.code(), read.message()), (Code::NotFound, "lead not found"));
    assert_eq!((changed.code(), changed.message()), (Code::NotFound, "lead not found"));
    assert_eq!((nowhere.code(), nowhere.message()), (Code::NotFound, "lead not found"));
}

#[tokio::test]
async fn an_update_writes_the_masked_fields_and_clears_the_empty_ones() {
    let world = world().await;
    let north = world.org("north").await;
    let mut leads = leads(&north.member("anna", Role::Sales).await);
    let lead = create(&mut leads, maria()).await;

    let change = pb::Lead {
        lead_id: lead.lead_id.clone(),
        job_title: "Owner".into(),
        company: "passed over".into(),
        ..Default::default()
    };
    let updated = leads
        .update_lead(update(change, &["job_title", "phone", "value", "tags"]))
        .await
        .unwrap()
        .into_inner();

    let wanted = pb::Lead {
        job_title: "Owner".into(),
        phone: String::new(),
        value: None,
        tags: Vec::new(),
        etag: "W2".into(),
        update_time: updated.update_time,
        ..lead.clone()
    };
    assert_eq!(updated, wanted);
    assert_ne!(updated.update_time, lead.update_time);
    assert_eq!(get(&mut leads, &lead.lead_id).await.unwrap(), updated);
}

#[tokio::test]
async fn an_update_that_changes_nothing_is_no_new_version() {
    let world = world().await;
    let north = world.org("north").await;
    let mut leads = leads(&north.member("anna", Role::Sales).await);
    let lead = create(&mut leads, maria()).await;

    let same = leads.update_lead(update(lead.clone(), &["*"])).await.unwrap().into_inner();

    assert_eq!(same, lead);
}

#[tokio::test]
async fn an_update_needs_an_id_a_known_mask_and_leaves_a_name() {
    let world = world().await;
    let north = world.org("north").await;
    let mut leads = leads(&north.member("anna", Role::Sales).await);
    let lead = create(&mut leads, named("Maria")).await;
    let nameless = pb::Lead { lead_id: lead.lead_id.clone(), ..Default::default() };

    let no_id = leads.update_lead(update(maria(), &["note"])).await.unwrap_err();
    let no_field = leads.update_lead(update(lead.clone(), &["note", "state"])).await.unwrap_err();
    let no_mask = leads.update_lead(update(lead.clone(), &[])).await.unwrap_err();
    let no_name = leads.update_lead(update(nameless, &["display_name"])).await.unwrap_err();

    assert_eq!(no_id.fields(), ["lead.lead_id"]);
    assert_eq!(no_field.fields(), ["update_mask"]);
    assert!(no_field.message().contains("names \"state\""), "{}", no_field.message());
    assert_eq!(no_mask.fields(), ["update_mask"]);
    assert_eq!(no_name.fields(), ["lead"]);
    assert_eq!(get(&mut leads, &lead.lead_id).await.unwrap(), lead);
}

#[tokio::test]
async fn a_stale_etag_is_refused_with_the_current_one() {
    let world = world().await;
    let north = world.org("north").await;
    let mut leads = leads(&north.member("anna", Role::Sales).await);
    let read = create(&mut leads, maria()).await;
    let first = pb::Lead { note: "first".into(), ..read.clone() };
    leads.update_lead(update(first, &["note"])).await.unwrap();

    let second = pb::Lead { note: "second".into(), ..read.clone() };
    let refused = leads.update_lead(update(second, &["note"])).await.unwrap_err();

    assert_eq!((refused.code(), refused.reason().as_str()), (Code::Aborted, "CONFLICT"));
    assert_eq!(refused.cause(), "stale_etag");
    assert_eq!(refused.metadata_of("etag"), "W2");
    assert_eq!(get(&mut leads, &read.lead_id).await.unwrap().note, "first");
}

#[tokio::test]
async fn a_repeated_request_is_answered_again_and_carried_out_once() {
    let world = world().await;
    let north = world.org("north").await;
    let mut leads = leads(&north.member("anna", Role::Sales).await);
    let once = pb::CreateLeadRequest { request_id: request_id(), ..creation(maria()) };

    let first = leads.create_lead(once.clone()).await.unwrap().into_inner();
    let again = leads.create_lead(once.clone()).await.unwrap().into_inner();
    let other = pb::CreateLeadRequest { lead: Some(named("other")), ..once };
    let reused = leads.create_lead(other).await.unwrap_err();

    assert_eq!(again, first);
    assert_eq!((reused.code(), reused.reason().as_str()), (Code::InvalidArgument, "BAD_REQUEST"));
    assert_eq!(reused.cause(), "request_id_reused");
    assert_eq!(
        super::names(&mut leads, pb::ListLeadsRequest::default()).await,
        [maria().display_name]
    );
}

#[tokio::test]
async fn a_repeated_update_answers_as_it_did_then() {
    let world = world().await;
    let north = world.org("north").await;
    let mut leads = leads(&north.member("anna", Role::Sales).await);
    let lead = create(&mut leads, maria()).await;
    let change = pb::Lead { note: "once".into(), ..lead.clone() };
    let once = pb::UpdateLeadRequest { request_id: request_id(), ..update(change, &["note"]) };

    let first = leads.update_lead(once.clone()).await.unwrap().into_inner();
    let later = pb::Lead { lead_id: lead.lead_id.clone(), note: "later".into(), ..lead };
    leads.update_lead(update(pb::Lead { etag: String::new(), ..later }, &["note"])).await.unwrap();
    let again = leads.update_lead(once).await.unwrap().into_inner();

    assert_eq!(again, first);
    assert_eq!(get(&mut leads, &first.lead_id).await.unwrap().note, "later");
}

#[tokio::test]
async fn a_creation_may_be_checked_only() {
    let world = world().await;
    let north = world.org("north").await;
    let anna = north.member("anna", Role::Sales).await;
    let mut leads = leads(&anna);
    let once = pb::CreateLeadRequest { request_id: request_id(), ..creation(maria()) };
    let check =
        |lead| pb::CreateLeadRequest { lead: Some(lead), validate_only: true, ..once.clone() };

    let would_be = leads.create_lead(check(maria())).await.unwrap().into_inner();
    let stranger = pb::Lead { owner_id: request_id(), ..maria() };
    let refused = leads.create_lead(check(stranger)).await.unwrap_err();

    let (owner_id, state) = (anna.person_id().to_string(), pb::LeadState::New.into());
    assert_eq!(would_be, pb::Lead { owner_id, state, ..maria() });
    assert_eq!(refused.fields(), ["lead.owner_id"]);
    assert!(super::names(&mut leads, pb::ListLeadsRequest::default()).await.is_empty());
    // The request id is still free.
    leads.create_lead(once).await.unwrap();
}

#[tokio::test]
async fn an_update_may_be_checked_only() {
    let world = world().await;
    let north = world.org("north").await;
    let mut leads = leads(&north.member("anna", Role::Sales).await);
    let lead = create(&mut leads, maria()).await;
    let check = |lead| pb::UpdateLeadRequest { validate_only: true, ..update(lead, &["note"]) };

    let change = pb::Lead { note: "would be".into(), ..lead.clone() };
    let would_be = leads.update_lead(check(change.clone())).await.unwrap().into_inner();
    let stale = pb::Lead { etag: "W7".into(), ..change.clone() };
    let refused = leads.update_lead(check(stale)).await.unwrap_err();

    assert_eq!(would_be, change);
    assert_eq!(refused.cause(), "stale_etag");
    assert_eq!(get(&mut leads, &lead.lead_id).await.unwrap(), lead);
}
