//! The state machine and the trash.

use devsphere_auth::Role;
use devsphere_proto::crm::v1 as pb;
use devsphere_testkit::StatusExt as _;
use tonic::{Code, Status};

use super::{Leads, assign, create, get, leads, named, names, request_id, world};

macro_rules! steps {
    ($($verb:ident: $method:ident($request:ident) -> $answer:ident),+ $(,)?) => {$(
        async fn $verb(leads: &mut Leads, lead: &pb::Lead) -> Result<pb::$answer, Status> {
            let (lead_id, etag) = (lead.lead_id.clone(), lead.etag.clone());
            let request = pb::$request { lead_id, etag, ..Default::default() };
            leads.$method(request).await.map(tonic::Response::into_inner)
        }
    )+};
}

steps! {
    contact: contact_lead(ContactLeadRequest) -> Lead,
    qualify: qualify_lead(QualifyLeadRequest) -> Lead,
    win: win_lead(WinLeadRequest) -> Lead,
    reopen: reopen_lead(ReopenLeadRequest) -> Lead,
    undo_win: undo_win_lead(UndoWinLeadRequest) -> Lead,
    delete: delete_lead(DeleteLeadRequest) -> DeleteLeadResponse,
    undelete: undelete_lead(UndeleteLeadRequest) -> Lead,
}

async fn lose(leads: &mut Leads, lead: &pb::Lead, reason: &str) -> Result<pb::Lead, Status> {
    let (lead_id, etag) = (lead.lead_id.clone(), lead.etag.clone());
    let (reason, request_id) = (reason.into(), String::new());
    let request = pb::LoseLeadRequest { lead_id, etag, request_id, reason };
    leads.lose_lead(request).await.map(tonic::Response::into_inner)
}

async fn disqualify(leads: &mut Leads, lead: &pb::Lead, reason: &str) -> Result<pb::Lead, Status> {
    let (lead_id, etag) = (lead.lead_id.clone(), lead.etag.clone());
    let (reason, request_id) = (reason.into(), String::new());
    let request = pb::DisqualifyLeadRequest { lead_id, etag, request_id, reason };
    leads.disqualify_lead(request).await.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn every_arrow_is_taken_by_its_verb() {
    let world = world().await;
    let north = world.org("north").await;
    let mut leads = leads(&north.member("anna", Role::Sales).await);
    let lead = create(&mut leads, named("Maria")).await;

    let contacted = contact(&mut leads, &lead).await.unwrap();
    let qualified = qualify(&mut leads, &contacted).await.unwrap();
    let won = win(&mut leads, &qualified).await.unwrap();
    let undone = undo_win(&mut leads, &won).await.unwrap();
    let lost = lose(&mut leads, &undone, "budget too small").await.unwrap();
    let reopened = reopen(&mut leads, &lost).await.unwrap();
    let unfit = disqualify(&mut leads, &reopened, "a student").await.unwrap();

    let steps = [&contacted, &qualified, &won, &undone, &lost, &reopened, &unfit];
    assert_eq!(
        steps.map(|lead| (lead.state(), lead.reason.as_str(), lead.etag.as_str())),
        [
            (pb::LeadState::Contacted, "", "W2"),
            (pb::LeadState::Qualified, "", "W3"),
            (pb::LeadState::Won, "", "W4"),
            (pb::LeadState::Qualified, "", "W5"),
            (pb::LeadState::Lost, "budget too small", "W6"),
            (pb::LeadState::New, "", "W7"),
            (pb::LeadState::Disqualified, "a student", "W8"),
        ]
    );
    assert_ne!(contacted.state_time, lead.state_time);
    assert_eq!(unfit.create_time, lead.create_time);
    assert_eq!(get(&mut leads, &lead.lead_id).await.unwrap(), unfit);
}

#[tokio::test]
async fn a_verb_that_the_state_does_not_know_is_refused_with_those_it_does() {
    let world = world().await;
    let north = world.org("north").await;
    let mut leads = leads(&north.member("anna", Role::Sales).await);
    let lead = create(&mut leads, named("Maria")).await;
    let won = win(&mut leads, &lead).await.unwrap();

    let refused = contact(&mut leads, &won).await.unwrap_err();

    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert_eq!(refused.reason(), "BAD_TRANSITION");
    let told = ["state", "verb", "allowed"].map(|key| refused.metadata_of(key));
    assert_eq!(told, ["won", "contact", "undo_win"]);
    assert_eq!(get(&mut leads, &lead.lead_id).await.unwrap(), won);
}

#[tokio::test]
async fn losing_and_disqualifying_need_a_reason() {
    let world = world().await;
    let north = world.org("north").await;
    let mut leads = leads(&north.member("anna", Role::Sales).await);
    let lead = create(&mut leads, named("Maria")).await;

    let lost = lose(&mut leads, &lead, "").await.unwrap_err();
    let unfit = disqualify(&mut leads, &lead, &"x".repeat(201)).await.unwrap_err();

    assert_eq!((lost.fields(), unfit.fields()), (vec!["reason".into()], vec!["reason".into()]));
}

#[tokio::test]
async fn a_verb_on_a_stale_version_is_refused_and_one_without_etag_is_not() {
    let world = world().await;
    let north = world.org("north").await;
    let mut leads = leads(&north.member("anna", Role::Sales).await);
    let read = create(&mut leads, named("Maria")).await;
    contact(&mut leads, &read).await.unwrap();

    let refused = win(&mut leads, &read).await.unwrap_err();
    let unread = pb::Lead { etag: String::new(), ..read };
    let won = win(&mut leads, &unread).await.unwrap();

    assert_eq!((refused.code(), refused.cause().as_str()), (Code::Aborted, "stale_etag"));
    assert_eq!(refused.metadata_of("etag"), "W2");
    assert_eq!(won.state(), pb::LeadState::Won);
}

#[tokio::test]
async fn a_repeated_verb_is_taken_once() {
    let world = world().await;
    let north = world.org("north").await;
    let mut leads = leads(&north.member("anna", Role::Sales).await);
    let lead_id = create(&mut leads, named("Maria")).await.lead_id;
    let once = pb::ContactLeadRequest { lead_id, etag: "W1".into(), request_id: request_id() };

    let first = leads.contact_lead(once.clone()).await.unwrap().into_inner();
    let again = leads.contact_lead(once).await.unwrap().into_inner();

    assert_eq!(again, first);
}

#[tokio::test]
async fn each_verb_needs_its_permission() {
    let world = world().await;
    let north = world.org("north").await;
    let lead = create(&mut leads(&north.member("anna", Role::Sales).await), named("Maria")).await;
    let mut reader = leads(&north.member("victor", Role::Viewer).await);

    let refused = [
        contact(&mut reader, &lead).await.unwrap_err(),
        assign(&mut reader, &lead.lead_id, "").await.unwrap_err(),
        delete(&mut reader, &lead).await.unwrap_err(),
    ];

    let needed = refused.map(|status| status.metadata_of("permission"));
    assert_eq!(needed, ["crm.leads.move", "crm.leads.assign", "crm.leads.delete"]);
}

#[tokio::test]
async fn another_organisations_lead_knows_no_verb() {
    let world = world().await;
    let (north, south) = (world.org("north").await, world.org("south").await);
    let lead = create(&mut leads(&north.member("anna", Role::Sales).await), named("Maria")).await;
    let sven = south.member("sven", Role::Ceo).await;
    let mut theirs = leads(&sven);

    let refused = [
        contact(&mut theirs, &lead).await.unwrap_err(),
        lose(&mut theirs, &lead, "spite").await.unwrap_err(),
        assign(&mut theirs, &lead.lead_id, &sven.person_id().to_string()).await.unwrap_err(),
        delete(&mut theirs, &lead).await.unwrap_err(),
        undelete(&mut theirs, &lead).await.unwrap_err(),
    ];

    assert!(refused.iter().all(|status| status.code() == Code::NotFound), "{refused:?}");
}

#[tokio::test]
async fn a_trashed_lead_is_read_but_not_listed_and_comes_back_as_it_was() {
    let world = world().await;
    let north = world.org("north").await;
    let mut leads = leads(&north.member("anna", Role::Sales).await);
    let lead = create(&mut leads, named("Maria")).await;
    let won = win(&mut leads, &lead).await.unwrap();

    let etag = delete(&mut leads, &won).await.unwrap().etag;
    let trashed = get(&mut leads, &lead.lead_id).await.unwrap();
    let listed = names(&mut leads, pb::ListLeadsRequest::default()).await;
    let all = pb::ListLeadsRequest { show_deleted: true, ..Default::default() };
    let with_trash = names(&mut leads, all).await;
    let restored = undelete(&mut leads, &trashed).await.unwrap();

    let purged_after =
        |lead: &pb::Lead| lead.purge_time.unwrap().seconds - lead.delete_time.unwrap().seconds;
    assert_eq!((trashed.etag.as_str(), trashed.state()), (etag.as_str(), pb::LeadState::Won));
    assert_eq!(purged_after(&trashed), 30 * 24 * 3600);
    assert_eq!(trashed.allowed_actions, ["undelete"]);
    assert!(listed.is_empty());
    assert_eq!(with_trash, ["Maria"]);
    let (etag, update_time) = (restored.etag.clone(), restored.update_time);
    assert_eq!(restored, pb::Lead { etag, update_time, ..won });
}

#[tokio::test]
async fn the_trash_refuses_every_other_verb() {
    let world = world().await;
    let north = world.org("north").await;
    let mut leads = leads(&north.member("anna", Role::Sales).await);
    let lead = create(&mut leads, named("Maria")).await;
    let early = undelete(&mut leads, &lead).await.unwrap_err();
    delete(&mut leads, &lead).await.unwrap();
    let trashed = get(&mut leads, &lead.lead_id).await.unwrap();

    let refused = [
        contact(&mut leads, &trashed).await.unwrap_err(),
        win(&mut leads, &trashed).await.unwrap_err(),
        assign(&mut leads, &trashed.lead_id, "").await.unwrap_err(),
        delete(&mut leads, &trashed).await.unwrap_err(),
    ];

    assert_eq!((early.reason().as_str(), early.cause().as_str()), ("INVALID_STATE", "not_trashed"));
    for status in refused {
        assert_eq!(status.code(), Code::FailedPrecondition);
        assert_eq!(
            (status.reason().as_str(), status.cause().as_str()),
            ("INVALID_STATE", "trashed")
        );
    }
}
