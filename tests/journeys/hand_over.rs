//! Who sees a lead while it goes from hand to hand.

use devsphere_proto::{
    crm::v1::{
        AssignLeadRequest, BatchGetLeadsRequest, CreateLeadRequest, ExportLeadsRequest,
        GetLeadRequest, Lead, ListLeadsRequest,
    },
    identity::v1::Role,
};
use devsphere_testkit::StatusExt as _;
use tonic::Code;

use crate::whole::{Mesh, Person};

/// How often the person meets the lead: by get, list, total, batch and export.
async fn sightings(person: &Person, lead_id: &str) -> [bool; 5] {
    let mut leads = person.leads();
    let get = leads.get_lead(GetLeadRequest { lead_id: lead_id.into() }).await;
    if let Err(refused) = &get {
        assert_eq!((refused.code(), refused.reason()), (Code::NotFound, "NOT_FOUND".into()));
    }
    let list = ListLeadsRequest { include_total: true, ..ListLeadsRequest::default() };
    let list = leads.list_leads(list).await.unwrap().into_inner();
    let batch = BatchGetLeadsRequest { lead_ids: vec![lead_id.into()], allow_partial: true };
    let batch = leads.batch_get_leads(batch).await.unwrap().into_inner();
    let mut stream = leads.export_leads(ExportLeadsRequest::default()).await.unwrap().into_inner();
    let mut csv = String::new();
    while let Some(chunk) = stream.message().await.unwrap() {
        csv.push_str(std::str::from_utf8(&chunk.csv).unwrap());
    }
    [
        get.is_ok(),
        list.leads.iter().any(|lead| lead.lead_id == lead_id),
        list.total_size == Some(1),
        batch.leads.len() == 1,
        csv.contains(lead_id),
    ]
}

async fn hand(from: &Person, lead_id: &str, to: &Person) {
    let request = AssignLeadRequest {
        lead_id: lead_id.into(),
        owner_id: to.person_id(),
        ..AssignLeadRequest::default()
    };
    from.leads().assign_lead(request).await.unwrap();
}

#[tokio::test]
async fn a_lead_is_seen_by_its_owner_and_by_who_handed_it_over_and_by_the_manager() {
    let mesh = Mesh::start().await;
    let ceo = mesh.founder().await;
    let a = mesh.member(&ceo, "anna", Role::Sales).await;
    let b = mesh.member(&ceo, "bob", Role::Sales).await;
    let c = mesh.member(&ceo, "cleo", Role::Sales).await;
    let m = mesh.member(&ceo, "mara", Role::Manager).await;
    let lead = Lead { display_name: "Maria".into(), ..Lead::default() };
    let create = CreateLeadRequest { lead: Some(lead), ..CreateLeadRequest::default() };
    let lead_id = a.leads().create_lead(create).await.unwrap().into_inner().lead_id;
    let (seen, unseen) = ([true; 5], [false; 5]);

    assert_eq!(sightings(&a, &lead_id).await, seen);
    assert_eq!(sightings(&b, &lead_id).await, unseen);

    hand(&a, &lead_id, &b).await;
    assert_eq!(sightings(&a, &lead_id).await, seen);
    assert_eq!(sightings(&b, &lead_id).await, seen);
    assert_eq!(sightings(&c, &lead_id).await, unseen);

    hand(&b, &lead_id, &c).await;
    assert_eq!(sightings(&a, &lead_id).await, unseen);
    assert_eq!(sightings(&b, &lead_id).await, seen);
    assert_eq!(sightings(&c, &lead_id).await, seen);

    assert_eq!(sightings(&m, &lead_id).await, seen);
}

#[tokio::test]
async fn somebody_who_is_no_active_member_owns_nothing() {
    let mesh = Mesh::start().await;
    let ceo = mesh.founder().await;
    let lead = Lead { display_name: "Maria".into(), ..Lead::default() };
    let create = CreateLeadRequest { lead: Some(lead), ..CreateLeadRequest::default() };
    let lead_id = ceo.leads().create_lead(create).await.unwrap().into_inner().lead_id;
    let stranger = mesh.world.org("south").await.member("olga", devsphere_auth::Role::Ceo).await;

    let request = AssignLeadRequest {
        lead_id,
        owner_id: stranger.person_id().to_string(),
        ..AssignLeadRequest::default()
    };
    let refused = ceo.leads().assign_lead(request).await.unwrap_err();

    assert_eq!(refused.code(), Code::InvalidArgument);
    assert_eq!(refused.fields(), ["owner_id"]);
}
