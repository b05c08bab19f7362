//! From the first sign-up to the last sign-out.

use devsphere_proto::{
    crm::v1::{
        ContactLeadRequest, CreateLeadRequest, Lead, LeadState, ListLeadsRequest, LoseLeadRequest,
        QualifyLeadRequest, ReopenLeadRequest, UndoWinLeadRequest, WinLeadRequest,
    },
    identity::v1::{
        GetMeRequest, ListMembersRequest, Member, RefreshRequest, Role, SignOutEverywhereRequest,
        UpdateMemberRequest,
    },
};
use devsphere_testkit::{StatusExt as _, eventually};
use prost_types::FieldMask;
use tonic::Code;

use crate::whole::{Mesh, Person};

fn lead(name: &str) -> CreateLeadRequest {
    let lead = Lead { display_name: name.into(), ..Lead::default() };
    CreateLeadRequest { lead: Some(lead), ..CreateLeadRequest::default() }
}

async fn role_of(mesh: &Mesh, ceo: &Person, name: &str, role: Role) -> Person {
    let list =
        ListMembersRequest { filter: format!("display_name = \"{name}\""), ..Default::default() };
    let found = ceo.members().list_members(list).await.unwrap().into_inner().members.remove(0);
    let member = Member { role: role.into(), ..found };
    let request = UpdateMemberRequest {
        member: Some(member),
        update_mask: Some(FieldMask { paths: vec!["role".into()] }),
        ..UpdateMemberRequest::default()
    };
    ceo.members().update_member(request).await.unwrap();
    mesh.sign_in(&format!("{name}@example.com")).await.unwrap()
}

#[tokio::test]
async fn an_agency_founds_itself_wins_and_loses_leads_and_goes_home() {
    let mesh = Mesh::start().await;

    // Two people, and what each may do.
    let ceo = mesh.founder().await;
    let sam = mesh.member(&ceo, "sam", Role::Viewer).await;
    let refused = sam.leads().create_lead(lead("Maria")).await.unwrap_err();
    assert_eq!(refused.metadata_of("permission"), "crm.leads.create");
    let stale = sam;
    let sam = role_of(&mesh, &ceo, "sam", Role::Sales).await;
    let old_token = eventually("the end of the old token", async || {
        stale.own().get_me(GetMeRequest {}).await.err()
    });
    assert_eq!(old_token.await.code(), Code::Unauthenticated);

    // A lead to won, and back, to lost, and back.
    let created = sam.leads().create_lead(lead("Maria")).await.unwrap().into_inner();
    assert_eq!(created.owner_id, sam.person_id());
    let lead_id = created.lead_id.clone();
    let id = || lead_id.clone();
    let mut leads = sam.leads();
    leads.contact_lead(ContactLeadRequest { lead_id: id(), ..Default::default() }).await.unwrap();
    leads.qualify_lead(QualifyLeadRequest { lead_id: id(), ..Default::default() }).await.unwrap();
    let won = leads.win_lead(WinLeadRequest { lead_id: id(), ..Default::default() }).await.unwrap();
    assert_eq!(won.get_ref().state(), LeadState::Won);
    assert!(won.get_ref().allowed_actions.contains(&"undo_win".to_owned()));
    let again =
        leads.win_lead(WinLeadRequest { lead_id: id(), ..Default::default() }).await.unwrap_err();
    assert_eq!(again.reason(), "BAD_TRANSITION");
    assert_eq!(
        (again.metadata_of("state"), again.metadata_of("verb")),
        ("won".into(), "win".into())
    );
    leads.undo_win_lead(UndoWinLeadRequest { lead_id: id(), ..Default::default() }).await.unwrap();
    let lose = LoseLeadRequest { lead_id: id(), reason: "budget".into(), ..Default::default() };
    let lost = leads.lose_lead(lose).await.unwrap().into_inner();
    assert_eq!((lost.state(), lost.reason.as_str()), (LeadState::Lost, "budget"));
    let reopened =
        leads.reopen_lead(ReopenLeadRequest { lead_id: id(), ..Default::default() }).await.unwrap();
    assert_eq!(reopened.get_ref().state(), LeadState::New);

    // Everywhere out: nothing of what was handed out opens a door.
    let elsewhere = mesh.sign_in("sam@example.com").await.unwrap();
    let ended = sam.sessions().sign_out_everywhere(SignOutEverywhereRequest {}).await.unwrap();
    assert_eq!(ended.get_ref().ended_count, 3);
    for gone in [&sam, &elsewhere] {
        let refused = eventually("the end of the session", async || {
            gone.leads().list_leads(ListLeadsRequest::default()).await.err()
        });
        assert_eq!(refused.await.code(), Code::Unauthenticated);
        let refresh = RefreshRequest {
            refresh_token: gone.grant.refresh_token.clone(),
            organization_id: String::new(),
        };
        assert_eq!(
            mesh.sessions().refresh(refresh).await.unwrap_err().code(),
            Code::Unauthenticated
        );
    }
    assert!(ceo.leads().list_leads(ListLeadsRequest::default()).await.is_ok());
}
