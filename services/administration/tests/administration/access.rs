//! What a member may do and see, and who may look.

use devsphere_auth::Role;
use devsphere_proto::{
    administration::v1::{
        ActionAccess, ListMemberAccessRequest, ListMemberAccessResponse, ListVisibleRecordsRequest,
        ListVisibleRecordsResponse, access_service_client::AccessServiceClient,
    },
    crm::v1::{CreateLeadRequest, ListLeadsRequest, lead_service_client::LeadServiceClient},
    identity::v1::{
        CreateCustomRoleRequest, CustomRole, DeactivateMemberRequest, GetMeRequest, Member,
        MintViewRequest, UpdateMemberRequest, assertion_service_client::AssertionServiceClient,
        custom_role_service_client::CustomRoleServiceClient,
        member_service_client::MemberServiceClient, person_service_client::PersonServiceClient,
    },
};
use devsphere_testkit::{Caller, Speak, StatusExt as _};
use prost_types::FieldMask;
use sqlx::Row as _;
use tonic::{Code, Status};
use uuid::Uuid;

use crate::{
    resolve::{lead, member_id, named},
    world,
};

async fn access(by: &Caller<'_>, member_id: &str) -> Result<ListMemberAccessResponse, Status> {
    let mut accesses = AccessServiceClient::new(by.channel("administration"));
    let request = ListMemberAccessRequest { member_id: member_id.into() };
    accesses.list_member_access(request).await.map(tonic::Response::into_inner)
}

fn looking(member_id: &str) -> ListVisibleRecordsRequest {
    ListVisibleRecordsRequest {
        member_id: member_id.into(),
        collection: "crm/leads".into(),
        ..ListVisibleRecordsRequest::default()
    }
}

async fn look(
    by: &Caller<'_>,
    request: ListVisibleRecordsRequest,
) -> Result<ListVisibleRecordsResponse, Status> {
    let mut accesses = AccessServiceClient::new(by.channel("administration"));
    accesses.list_visible_records(request).await.map(tonic::Response::into_inner)
}

fn titles(page: &ListVisibleRecordsResponse) -> Vec<&str> {
    page.records.iter().map(|record| record.title.as_str()).collect()
}

async fn give(by: &Caller<'_>, member_id: &str, permissions: &[&str]) -> CustomRole {
    let role = CustomRole {
        display_name: "Trainee".into(),
        permissions: permissions.iter().map(|name| (*name).into()).collect(),
        ..CustomRole::default()
    };
    let create = CreateCustomRoleRequest { custom_role: Some(role), ..Default::default() };
    let mut roles = CustomRoleServiceClient::new(by.channel("identity"));
    let role = roles.create_custom_role(create).await.unwrap().into_inner();
    let member = Member {
        member_id: member_id.into(),
        custom_role_ids: vec![role.custom_role_id.clone()],
        ..Member::default()
    };
    let update = UpdateMemberRequest {
        member: Some(member),
        update_mask: Some(FieldMask { paths: vec!["custom_role_ids".into()] }),
        ..UpdateMemberRequest::default()
    };
    MemberServiceClient::new(by.channel("identity")).update_member(update).await.unwrap();
    role
}

#[tokio::test]
async fn each_action_names_the_roles_that_give_it() {
    let world = world().await;
    let north = world.org("north").await;
    let ada = north.member("ada", Role::Ceo).await;
    let sam = north.member("sam", Role::Sales).await;
    let member = member_id(&ada, &sam).await;

    let before = access(&ada, &member).await.unwrap();
    let trainee = give(&ada, &member, &["crm.all", "crm.leads.read"]).await;
    let after = access(&ada, &member).await.unwrap();

    let noun = |list: &ListMemberAccessResponse, module: &str, noun: &str| {
        let mut nouns = list.nouns.iter();
        nouns
            .find(|one| (one.module.as_str(), one.noun.as_str()) == (module, noun))
            .cloned()
            .unwrap()
    };
    let sources = |action: &ActionAccess| -> Vec<String> {
        action.sources.iter().map(|source| source.display_name.clone()).collect()
    };
    let (had, has) = (noun(&before, "crm", "leads"), noun(&after, "crm", "leads"));
    assert!(!had.sees_all && has.sees_all && after.active);
    let read = |list: &devsphere_proto::administration::v1::NounAccess| {
        list.actions.iter().find(|action| action.action == "read").cloned().unwrap()
    };
    assert_eq!(sources(&read(&had)), ["sales"]);
    assert_eq!(sources(&read(&has)), ["sales", "Trainee"]);
    assert_eq!(read(&has).sources[1].custom_role_id, trainee.custom_role_id);
    let roles = noun(&after, "identity", "roles");
    assert!(roles.actions.iter().all(|action| !action.allowed && action.sources.is_empty()));
    assert!(!roles.sees_all);
    assert!(after.nouns.iter().all(|noun| noun.module != "platform"));
}

#[tokio::test]
async fn a_look_shows_what_the_member_would_list() {
    let world = world().await;
    let north = world.org("north").await;
    let ada = north.member("ada", Role::Ceo).await;
    let sam = north.member("sam", Role::Sales).await;
    let mia = north.member("mia", Role::Manager).await;
    let hal = north.member("hal", Role::Hr).await;
    lead(&ada, named("Hers")).await;
    let his = lead(&sam, named("His")).await;
    let ids =
        (member_id(&ada, &sam).await, member_id(&ada, &mia).await, member_id(&ada, &hal).await);

    let sams = look(&ada, looking(&ids.0)).await.unwrap();
    let mias = look(&ada, looking(&ids.1)).await.unwrap();
    let hals = look(&ada, looking(&ids.2)).await.unwrap();

    assert_eq!(titles(&sams), ["His"]);
    assert_eq!(titles(&mias), ["His", "Hers"]);
    assert!(hals.records.is_empty());
    let record = &sams.records[0];
    assert_eq!(record.name, format!("crm/leads/{}", his.lead_id));
    assert_eq!(record.state, "new");
    assert_eq!(record.url, format!("https://devsphere.test/crm/leads/{}", his.lead_id));
}

#[tokio::test]
async fn a_long_look_has_pages() {
    let world = world().await;
    let north = world.org("north").await;
    let ada = north.member("ada", Role::Ceo).await;
    let sam = north.member("sam", Role::Sales).await;
    for number in 0..3 {
        lead(&sam, named(&format!("lead {number}"))).await;
    }
    let member = member_id(&ada, &sam).await;
    let page = |page_token: String| ListVisibleRecordsRequest {
        page_size: 2,
        page_token,
        ..looking(&member)
    };

    let first = look(&ada, page(String::new())).await.unwrap();
    let second = look(&ada, page(first.next_page_token.clone())).await.unwrap();
    let damaged = look(&ada, page("damaged".into())).await.unwrap_err();

    assert_eq!((titles(&first), titles(&second)), (vec!["lead 2", "lead 1"], vec!["lead 0"]));
    assert!(second.next_page_token.is_empty());
    assert_eq!(damaged.fields(), ["page_token"]);
}

#[tokio::test]
async fn nobody_sees_more_through_another_than_by_themselves() {
    let world = world().await;
    let north = world.org("north").await;
    let ada = north.member("ada", Role::Ceo).await;
    let sam = north.member("sam", Role::Sales).await;
    lead(&sam, named("His")).await;
    let member = member_id(&ada, &sam).await;
    let with = |more: &[&str]| north.caller(&[&["administration.access.read"], more].concat());

    let blind = look(&north.caller(&["crm.*"]), looking(&member)).await.unwrap_err();
    let reads_nothing = look(&with(&["crm.all"]), looking(&member)).await.unwrap_err();
    let reads_own = look(&with(&["crm.leads.read"]), looking(&member)).await.unwrap_err();
    let reads_all = look(&with(&["crm.leads.read", "crm.all"]), looking(&member)).await.unwrap();
    let elsewhere =
        ListVisibleRecordsRequest { collection: "crm/rockets".into(), ..looking(&member) };
    let elsewhere = look(&ada, elsewhere).await.unwrap_err();

    assert_eq!(blind.metadata_of("permission"), "administration.access.read");
    assert_eq!(reads_nothing.metadata_of("permission"), "crm.leads.read");
    assert_eq!(reads_own.metadata_of("permission"), "crm.all");
    assert_eq!(titles(&reads_all), ["His"]);
    assert_eq!(elsewhere.fields(), ["collection"]);
}

#[tokio::test]
async fn a_member_who_is_kept_out_sees_and_may_do_nothing() {
    let world = world().await;
    let north = world.org("north").await;
    let ada = north.member("ada", Role::Ceo).await;
    let sam = north.member("sam", Role::Sales).await;
    lead(&sam, named("His")).await;
    let member = member_id(&ada, &sam).await;
    let out = DeactivateMemberRequest { member_id: member.clone(), ..Default::default() };
    MemberServiceClient::new(ada.channel("identity")).deactivate_member(out).await.unwrap();

    let seen = look(&ada, looking(&member)).await.unwrap();
    let access = access(&ada, &member).await.unwrap();

    assert!(seen.records.is_empty() && !access.active);
    assert!(access.nouns.iter().flat_map(|noun| &noun.actions).all(|action| !action.allowed));
}

#[tokio::test]
async fn a_member_of_another_organisation_is_as_unknown_as_nobody() {
    let world = world().await;
    let north = world.org("north").await;
    let ada = north.member("ada", Role::Ceo).await;
    let olga = world.org("south").await.member("olga", Role::Ceo).await;
    let (theirs, nobodys) = (member_id(&olga, &olga).await, Uuid::now_v7().to_string());

    let seen = [
        look(&ada, looking(&theirs)).await.unwrap_err(),
        look(&ada, looking(&nobodys)).await.unwrap_err(),
        access(&ada, &theirs).await.unwrap_err(),
        access(&ada, &nobodys).await.unwrap_err(),
    ];

    for refused in seen {
        assert_eq!((refused.code(), refused.message()), (Code::NotFound, "member not found"));
    }
}

#[tokio::test]
async fn it_is_recorded_who_looked_as_whom() {
    let world = world().await;
    let north = world.org("north").await;
    let ada = north.member("ada", Role::Ceo).await;
    let sam = north.member("sam", Role::Sales).await;
    let member = member_id(&ada, &sam).await;

    look(&ada, looking(&member)).await.unwrap();

    let found = sqlx::query(
        "select principal_id, record_id, after ->> 'collection' as collection
         from platform.audit where action = 'member.viewed'",
    );
    let found = found.fetch_all(&mut world.admin().await).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].get::<Uuid, _>("principal_id"), ada.person_id().uuid());
    assert_eq!(found[0].get::<Uuid, _>("record_id").to_string(), member);
    assert_eq!(found[0].get::<String, _>("collection"), "crm/leads");
}

#[tokio::test]
async fn whoever_looks_through_another_changes_nothing_and_is_not_them() {
    let world = world().await;
    let north = world.org("north").await;
    let ada = north.member("ada", Role::Ceo).await;
    let mia = north.member("mia", Role::Manager).await;
    let member = member_id(&ada, &mia).await;
    let request = MintViewRequest { member_id: member, collection: "crm/leads".into() };

    let by_crm =
        AssertionServiceClient::new(Speak::peer_for(world.channel("identity"), "crm", &ada))
            .mint_view(request.clone())
            .await
            .unwrap_err();
    let as_administration = Speak::peer_for(world.channel("identity"), "administration", &ada);
    let view = AssertionServiceClient::new(as_administration)
        .mint_view(request)
        .await
        .unwrap()
        .into_inner()
        .assertion;
    let mut leads = LeadServiceClient::new(world.with_assertion("crm", &view));
    let read = leads.list_leads(ListLeadsRequest::default()).await;
    let create = CreateLeadRequest { lead: Some(named("Mine")), ..Default::default() };
    let written = leads.create_lead(create).await.unwrap_err();
    let me = PersonServiceClient::new(world.with_assertion("identity", &view))
        .get_me(GetMeRequest {})
        .await
        .unwrap_err();

    assert_eq!(by_crm.metadata_of("permission"), "internal");
    assert!(read.is_ok());
    assert_eq!(written.metadata_of("permission"), "view");
    assert_eq!(me.metadata_of("permission"), "self");
}
