//! Who sees what: own leads, nobody's, and those handed over.

use devsphere_auth::{Kind, Role};
use devsphere_proto::crm::v1 as pb;
use devsphere_testkit::{Caller, StatusExt as _};
use tonic::Code;
use uuid::Uuid;

use super::{Leads, assign, create, export, get, leads, minted, named, request_id, world};

/// Whether the caller sees the lead; every way to it says the same.
async fn sees(caller: &Caller<'_>, lead: &pb::Lead) -> bool {
    let mut leads = leads(caller);
    let read = get(&mut leads, &lead.lead_id).await;
    let list = pb::ListLeadsRequest {
        filter: format!("lead_id = {}", lead.lead_id),
        include_total: true,
        ..Default::default()
    };
    let listed = leads.list_leads(list).await.unwrap().into_inner();
    let batch =
        pb::BatchGetLeadsRequest { lead_ids: vec![lead.lead_id.clone()], allow_partial: true };
    let batch = leads.batch_get_leads(batch).await.unwrap().into_inner();
    let exported = export::all(&mut leads, pb::ExportLeadsRequest::default()).await;

    let seen = read.is_ok();
    assert_eq!(listed.leads.len(), usize::from(seen));
    assert_eq!(listed.total_size, Some(i32::from(seen)));
    assert_eq!((batch.leads.len(), batch.errors.len()), (usize::from(seen), usize::from(!seen)));
    assert_eq!(exported.text.contains(&lead.lead_id), seen);
    if let Err(refused) = read {
        assert_eq!(refused.code(), Code::NotFound);
    }
    seen
}

#[tokio::test]
async fn a_lead_handed_on_is_seen_by_its_owner_and_by_who_gave_it() {
    let world = world().await;
    let north = world.org("north").await;
    let a = north.member("a", Role::Sales).await;
    let b = north.member("b", Role::Sales).await;
    let c = north.member("c", Role::Sales).await;
    let manager = north.member("m", Role::Manager).await;
    let lead = create(&mut leads(&a), named("Maria")).await;
    let seen = async || {
        (
            sees(&a, &lead).await,
            sees(&b, &lead).await,
            sees(&c, &lead).await,
            sees(&manager, &lead).await,
        )
    };

    assert_eq!(seen().await, (true, false, false, true));

    let handed = assign(&mut leads(&a), &lead.lead_id, &b.person_id().to_string()).await.unwrap();
    assert_eq!(handed.owner_id, b.person_id().to_string());
    assert_eq!(handed.assigned_by, a.person_id().to_string());
    assert_eq!(seen().await, (true, true, false, true));

    assign(&mut leads(&b), &lead.lead_id, &c.person_id().to_string()).await.unwrap();
    assert_eq!(seen().await, (false, true, true, true));

    let freed = assign(&mut leads(&manager), &lead.lead_id, "").await.unwrap();
    assert_eq!((freed.owner_id.as_str(), freed.etag.as_str()), ("", "W4"));
    assert_eq!(seen().await, (true, true, true, true));
}

#[tokio::test]
async fn who_does_not_see_a_lead_cannot_take_it() {
    let world = world().await;
    let north = world.org("north").await;
    let a = north.member("a", Role::Sales).await;
    let c = north.member("c", Role::Sales).await;
    let lead = create(&mut leads(&a), named("Maria")).await;

    let taken = assign(&mut leads(&c), &lead.lead_id, &c.person_id().to_string()).await;

    assert_eq!(taken.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn a_lead_made_for_another_is_seen_by_both() {
    let world = world().await;
    let north = world.org("north").await;
    let a = north.member("a", Role::Sales).await;
    let b = north.member("b", Role::Sales).await;
    let owner_id = b.person_id().to_string();

    let lead = create(&mut leads(&a), pb::Lead { owner_id, ..named("Maria") }).await;

    assert_eq!(lead.assigned_by, a.person_id().to_string());
    assert!(sees(&a, &lead).await && sees(&b, &lead).await);
}

#[tokio::test]
async fn a_lead_made_by_a_key_is_nobodys_until_it_is_given() {
    let world = world().await;
    let north = world.org("north").await;
    let bert = north.member("bert", Role::Sales).await;
    let key = Uuid::new_v4();
    let assertion = minted(&world, &north, (Kind::Key, key, None), 0);
    let mut leads = Leads::new(world.with_assertion("crm", &assertion));

    let lead = create(&mut leads, named("Maria")).await;
    let given = assign(&mut leads, &lead.lead_id, &bert.person_id().to_string()).await.unwrap();

    assert_eq!((lead.owner_id, lead.assigned_by), (String::new(), String::new()));
    assert_eq!(given.owner_id, bert.person_id().to_string());
    assert_eq!(given.assigned_by, key.to_string());
    assert_eq!(get(&mut leads, &lead.lead_id).await.unwrap(), given);
}

#[tokio::test]
async fn a_lead_goes_to_active_members_only() {
    let world = world().await;
    let (north, south) = (world.org("north").await, world.org("south").await);
    let a = north.member("a", Role::Sales).await;
    let portal = north.member("p", Role::Client).await;
    let stranger = south.member("s", Role::Sales).await;
    let mut leads = leads(&a);
    let lead = create(&mut leads, named("Maria")).await;

    for owner in [portal.person_id().to_string(), stranger.person_id().to_string(), request_id()] {
        let refused = assign(&mut leads, &lead.lead_id, &owner).await.unwrap_err();

        assert_eq!(refused.fields(), ["owner_id"]);
    }
    assert_eq!(get(&mut leads, &lead.lead_id).await.unwrap(), lead);
}

#[tokio::test]
async fn giving_a_lead_to_the_same_person_again_is_no_new_version() {
    let world = world().await;
    let north = world.org("north").await;
    let a = north.member("a", Role::Sales).await;
    let b = north.member("b", Role::Sales).await.person_id().to_string();
    let mut leads = leads(&a);
    let lead_id = create(&mut leads, named("Maria")).await.lead_id;

    let first = assign(&mut leads, &lead_id, &b).await.unwrap();
    let again = assign(&mut leads, &lead_id, &b).await.unwrap();

    assert_eq!(again, first);
}
