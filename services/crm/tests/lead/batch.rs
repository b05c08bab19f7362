//! Batches: all or none, or with `allow_partial` those that can be.

use devsphere_auth::Role;
use devsphere_proto::crm::v1 as pb;
use devsphere_testkit::StatusExt as _;
use tonic::Code;

use super::{Leads, create, creation, get, leads, named, names, request_id, world};

fn creations(leads: impl IntoIterator<Item = pb::Lead>) -> pb::BatchCreateLeadsRequest {
    let requests = leads.into_iter().map(creation).collect();
    pb::BatchCreateLeadsRequest { requests, request_id: String::new() }
}

/// Three leads: the second in the trash.
async fn three(leads: &mut Leads) -> Vec<String> {
    let batch = creations(["a", "b", "c"].map(named));
    let made = leads.batch_create_leads(batch).await.unwrap().into_inner().leads;
    let lead_ids: Vec<_> = made.into_iter().map(|lead| lead.lead_id).collect();
    let lead_id = lead_ids[1].clone();
    let trash = pb::DeleteLeadRequest { lead_id, ..Default::default() };
    leads.delete_lead(trash).await.unwrap();
    lead_ids
}

#[tokio::test]
async fn leads_are_created_in_the_order_of_the_requests() {
    let world = world().await;
    let north = world.org("north").await;
    let anna = north.member("anna", Role::Sales).await;
    let mut leads = leads(&anna);
    let tags = |n| (0..n).map(|tag| tag.to_string()).collect::<Vec<_>>();
    let wanted = (0..50).map(|n| pb::Lead { tags: tags(n % 4), ..named(&n.to_string()) });

    let batch = leads.batch_create_leads(creations(wanted.clone())).await.unwrap().into_inner();

    let made = batch.leads.iter().map(|lead| (lead.display_name.clone(), lead.tags.clone()));
    assert!(made.eq(wanted.map(|lead| (lead.display_name, lead.tags))));
    assert!(batch.leads.iter().all(|lead| lead.owner_id == anna.person_id().to_string()));
}

#[tokio::test]
async fn one_bad_item_creates_nothing_and_every_bad_field_has_its_place() {
    let world = world().await;
    let north = world.org("north").await;
    let mut leads = leads(&north.member("anna", Role::Sales).await);
    let email = "nobody".into();
    let broken = creations([named("a"), pb::Lead { email, ..named("b") }, named("")]);
    let owner_id = request_id();
    let strange = creations([named("a"), pb::Lead { owner_id, ..named("b") }]);
    let mut nested = creations([named("a"), named("b")]);
    nested.requests[0].request_id = request_id();
    nested.requests[1].validate_only = true;

    let broken = leads.batch_create_leads(broken).await.unwrap_err();
    let strange = leads.batch_create_leads(strange).await.unwrap_err();
    let nested = leads.batch_create_leads(nested).await.unwrap_err();

    assert_eq!(broken.fields(), ["requests[1].lead.email", "requests[2].lead"]);
    assert_eq!(strange.fields(), ["requests[1].lead.owner_id"]);
    assert_eq!(nested.fields(), ["requests[0].request_id", "requests[1].validate_only"]);
    assert!(names(&mut leads, pb::ListLeadsRequest::default()).await.is_empty());
}

#[tokio::test]
async fn a_repeated_batch_creates_once() {
    let world = world().await;
    let north = world.org("north").await;
    let mut leads = leads(&north.member("anna", Role::Sales).await);
    let mut batch = creations(["a", "b"].map(named));
    batch.request_id = request_id();

    let first = leads.batch_create_leads(batch.clone()).await.unwrap().into_inner();
    let again = leads.batch_create_leads(batch).await.unwrap().into_inner();

    assert_eq!(again, first);
    assert_eq!(names(&mut leads, pb::ListLeadsRequest::default()).await, ["b", "a"]);
}

#[tokio::test]
async fn leads_are_read_in_the_order_asked_for() {
    let world = world().await;
    let (north, south) = (world.org("north").await, world.org("south").await);
    let mut leads = leads(&north.member("anna", Role::Sales).await);
    let mut lead_ids = three(&mut leads).await;
    lead_ids.reverse();
    let theirs = create(&mut super::leads(&south.member("s", Role::Ceo).await), named("s")).await;
    lead_ids.insert(1, theirs.lead_id);
    let ask =
        |allow_partial| pb::BatchGetLeadsRequest { lead_ids: lead_ids.clone(), allow_partial };

    let all = leads.batch_get_leads(ask(false)).await.unwrap_err();
    let part = leads.batch_get_leads(ask(true)).await.unwrap().into_inner();

    assert_eq!((all.code(), all.message()), (Code::NotFound, "lead not found"));
    let read: Vec<_> = part.leads.iter().map(|lead| lead.display_name.as_str()).collect();
    assert_eq!(read, ["c", "b", "a"]);
    let [error] = part.errors.as_slice() else { panic!("{:?}", part.errors) };
    assert_eq!((error.index, error.reason.as_str(), error.cause.as_str()), (1, "NOT_FOUND", ""));
    assert_eq!(error.message, "lead not found");
}

#[tokio::test]
async fn a_batch_is_assigned_whole_or_in_the_parts_that_can_be() {
    let world = world().await;
    let north = world.org("north").await;
    let anna = north.member("anna", Role::Sales).await;
    let bert = north.member("bert", Role::Sales).await.person_id().to_string();
    let mut leads = leads(&anna);
    let mut lead_ids = three(&mut leads).await;
    lead_ids.push(request_id());
    let ask = |allow_partial| pb::BatchAssignLeadsRequest {
        lead_ids: lead_ids.clone(),
        owner_id: bert.clone(),
        allow_partial,
        request_id: String::new(),
    };

    let all = leads.batch_assign_leads(ask(false)).await.unwrap_err();
    let untouched = get(&mut leads, &lead_ids[0]).await.unwrap();
    let part = leads.batch_assign_leads(ask(true)).await.unwrap().into_inner();

    assert_eq!((all.reason().as_str(), all.cause().as_str()), ("INVALID_STATE", "trashed"));
    assert_eq!(untouched.owner_id, anna.person_id().to_string());
    let given: Vec<_> = part.leads.iter().map(|lead| (&lead.lead_id, &lead.owner_id)).collect();
    assert_eq!(given, [(&lead_ids[0], &bert), (&lead_ids[2], &bert)]);
    let errors: Vec<_> =
        part.errors.iter().map(|e| (e.index, e.reason.as_str(), e.cause.as_str())).collect();
    assert_eq!(errors, [(1, "INVALID_STATE", "trashed"), (3, "NOT_FOUND", "")]);
    assert_eq!(get(&mut leads, &lead_ids[2]).await.unwrap(), part.leads[1]);
}

#[tokio::test]
async fn a_batch_goes_to_an_active_member_only() {
    let world = world().await;
    let north = world.org("north").await;
    let mut leads = leads(&north.member("anna", Role::Sales).await);
    let lead_ids = three(&mut leads).await;
    let owner_id = request_id();
    let ask = pb::BatchAssignLeadsRequest {
        lead_ids,
        owner_id,
        allow_partial: true,
        ..Default::default()
    };

    let refused = leads.batch_assign_leads(ask).await.unwrap_err();

    assert_eq!(refused.fields(), ["owner_id"]);
}

#[tokio::test]
async fn a_batch_is_trashed_whole_or_in_the_parts_that_can_be() {
    let world = world().await;
    let north = world.org("north").await;
    let mut leads = leads(&north.member("anna", Role::Sales).await);
    let lead_ids = three(&mut leads).await;
    let ask = |allow_partial| pb::BatchDeleteLeadsRequest {
        lead_ids: lead_ids.clone(),
        allow_partial,
        request_id: String::new(),
    };

    let all = leads.batch_delete_leads(ask(false)).await.unwrap_err();
    let kept = names(&mut leads, pb::ListLeadsRequest::default()).await;
    let part = leads.batch_delete_leads(ask(true)).await.unwrap().into_inner();

    assert_eq!((all.reason().as_str(), all.cause().as_str()), ("INVALID_STATE", "trashed"));
    assert_eq!(kept, ["c", "a"]);
    assert_eq!(part.lead_ids, [lead_ids[0].clone(), lead_ids[2].clone()]);
    assert_eq!((part.errors.len(), part.errors[0].index), (1, 1));
    assert!(names(&mut leads, pb::ListLeadsRequest::default()).await.is_empty());
}
