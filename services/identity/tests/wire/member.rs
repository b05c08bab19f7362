//! Members: who is added, changed and kept out, by whom.

use devsphere_auth::Role as Right;
use devsphere_proto::identity::v1::{
    ActivateRequest, CreateMemberRequest, CreateMemberResponse, DeactivateMemberRequest,
    ExplainRequest, GetMeRequest, GetMemberRequest, ListMembersRequest, Member, MemberState,
    ReactivateMemberRequest, RemoveMemberRequest, RenewActivationRequest, Role,
    UpdateMemberRequest, member_service_client::MemberServiceClient,
    person_service_client::PersonServiceClient,
};
use devsphere_testkit::{Caller, CallerChannel, StatusExt as _, World};
use prost_types::FieldMask;
use tonic::{Code, Status};
use uuid::Uuid;

use crate::setup::{
    PASSWORD, colleague, exchange, founder, sessions, sign_in_request, speaking, world,
};

type Members = MemberServiceClient<CallerChannel>;

fn members(caller: &Caller<'_>) -> Members {
    MemberServiceClient::new(caller.channel("identity"))
}

fn new(email: &str, role: Role) -> CreateMemberRequest {
    let member = Member { email: email.into(), role: role.into(), ..Member::default() };
    CreateMemberRequest { member: Some(member), ..CreateMemberRequest::default() }
}

async fn add(by: &mut Members, email: &str, role: Role) -> Result<CreateMemberResponse, Status> {
    by.create_member(new(email, role)).await.map(tonic::Response::into_inner)
}

async fn set_role(
    by: &mut Members,
    member: &Member,
    role: Role,
    etag: &str,
) -> Result<Member, Status> {
    let changed = Member {
        member_id: member.member_id.clone(),
        role: role.into(),
        etag: etag.into(),
        ..Member::default()
    };
    let request = UpdateMemberRequest {
        member: Some(changed),
        update_mask: Some(FieldMask { paths: vec!["role".into()] }),
        ..UpdateMemberRequest::default()
    };
    by.update_member(request).await.map(tonic::Response::into_inner)
}

async fn deactivate(by: &mut Members, member: &Member) -> Result<Member, Status> {
    let request =
        DeactivateMemberRequest { member_id: member.member_id.clone(), ..Default::default() };
    by.deactivate_member(request).await.map(tonic::Response::into_inner)
}

async fn me(world: &World, grant: &devsphere_proto::identity::v1::Grant) -> Member {
    PersonServiceClient::new(speaking(world, grant).await)
        .get_me(GetMeRequest {})
        .await
        .unwrap()
        .into_inner()
        .member
        .unwrap()
}

#[tokio::test]
async fn a_member_joins_by_an_activation_link_that_works_once() {
    let world = world().await;
    let grant = founder(&world).await;
    let mut ceo = MemberServiceClient::new(speaking(&world, &grant).await);

    let added = add(&mut ceo, "Sam@Example.com", Role::Sales).await.unwrap();
    let activate = ActivateRequest {
        activation_token: added.activation_token.clone(),
        password: PASSWORD.into(),
        display_name: "Sam Jones".into(),
    };
    let before = sessions(&world).sign_in(sign_in_request("sam@example.com", PASSWORD)).await;
    sessions(&world).activate(activate.clone()).await.unwrap();
    let again = sessions(&world).activate(activate).await.unwrap_err();
    let sam = sessions(&world).sign_in(sign_in_request("sam@example.com", PASSWORD)).await.unwrap();

    let member = added.member.unwrap();
    assert!(added.activation_link.starts_with("https://devsphere.test/activate#dvs_at_"));
    assert!(member.activate_time.is_none());
    assert!(before.is_err());
    assert_eq!(again.fields(), ["activation_token"]);
    let sam = me(&world, sam.get_ref()).await;
    assert_eq!((sam.role(), sam.display_name.as_str()), (Role::Sales, "Sam Jones"));
}

#[tokio::test]
async fn somebody_known_elsewhere_joins_by_proving_their_password() {
    let world = world().await;
    let grant = founder(&world).await;
    let south = world.org("south").await;
    let other_ceo = south.member("olga", Right::Ceo).await;
    let added = add(&mut members(&other_ceo), "ada@example.com", Role::Manager).await.unwrap();
    let activate = |password: &str| ActivateRequest {
        activation_token: added.activation_token.clone(),
        password: password.into(),
        display_name: String::new(),
    };

    let not_yet = me(&world, &grant).await;
    let wrong = sessions(&world).activate(activate("not the right password")).await.unwrap_err();
    sessions(&world).activate(activate(PASSWORD)).await.unwrap();
    let joined = sessions(&world)
        .sign_in(sign_in_request("ada@example.com", PASSWORD))
        .await
        .unwrap()
        .into_inner();

    assert_eq!(not_yet.role(), Role::Ceo);
    assert_eq!(added.member.unwrap().display_name, "ada", "nothing tells that Ada is known");
    assert_eq!(wrong.fields(), ["password"]);
    assert_eq!(joined.affiliations.len(), 2);
}

#[tokio::test]
async fn a_new_activation_link_kills_the_old_one() {
    let world = world().await;
    let north = world.org("north").await;
    let mut ceo = members(&north.member("ada", Right::Ceo).await);
    let added = add(&mut ceo, "sam@example.com", Role::Sales).await.unwrap();
    let member_id = added.member.unwrap().member_id;

    let renewed = ceo
        .renew_activation(RenewActivationRequest { member_id, request_id: String::new() })
        .await
        .unwrap()
        .into_inner();
    let activate = |activation_token: String| ActivateRequest {
        activation_token,
        password: PASSWORD.into(),
        display_name: String::new(),
    };

    assert!(sessions(&world).activate(activate(added.activation_token)).await.is_err());
    assert!(sessions(&world).activate(activate(renewed.activation_token)).await.is_ok());
}

#[tokio::test]
async fn nobody_gives_a_role_above_their_own_and_only_a_ceo_gives_ceo() {
    let world = world().await;
    let north = world.org("north").await;
    let admin = north.member("ben", Right::Admin).await;
    let mut helper = members(&north.caller(&["identity.members.*", "crm.leads.read"]));

    let ceo_by_admin = add(&mut members(&admin), "new@example.com", Role::Ceo).await.unwrap_err();
    let manager_by_admin = add(&mut members(&admin), "new@example.com", Role::Manager).await;
    let sales_by_helper = add(&mut helper, "other@example.com", Role::Sales).await.unwrap_err();

    assert_eq!(ceo_by_admin.metadata_of("permission"), "ceo");
    assert!(manager_by_admin.is_ok());
    assert_eq!(sales_by_helper.reason(), "FORBIDDEN");
}

#[tokio::test]
async fn the_last_ceo_stays_and_nobody_changes_their_own_membership() {
    let world = world().await;
    let north = world.org("north").await;
    let (ada, bea) = (north.member("ada", Right::Ceo).await, north.member("bea", Right::Ceo).await);
    let list =
        members(&ada).list_members(ListMembersRequest::default()).await.unwrap().into_inner();
    let [ada_member, bea_member] = &list.members[..] else { panic!("{list:?}") };

    let own = set_role(&mut members(&ada), ada_member, Role::Admin, "").await.unwrap_err();
    let both = tokio::join!(
        async { set_role(&mut members(&ada), bea_member, Role::Admin, "").await },
        async { set_role(&mut members(&bea), ada_member, Role::Admin, "").await },
    );

    assert_eq!(own.cause(), "own_membership");
    let refused = match both {
        (Ok(_), Err(refused)) | (Err(refused), Ok(_)) => refused,
        both => panic!("{both:?}"),
    };
    assert_eq!(refused.cause(), "last_ceo");
}

#[tokio::test]
async fn a_role_change_ends_the_access_token_at_the_next_exchange() {
    let world = world().await;
    let grant = founder(&world).await;
    let sam = colleague(&world, &grant, "sam@example.com", Role::Sales).await;
    let sam_member = me(&world, &sam).await;
    let mut ceo = MemberServiceClient::new(speaking(&world, &grant).await);

    let changed = set_role(&mut ceo, &sam_member, Role::Viewer, &sam_member.etag).await.unwrap();
    let stale = set_role(&mut ceo, &sam_member, Role::Manager, &sam_member.etag).await.unwrap_err();

    assert_eq!(changed.role(), Role::Viewer);
    assert_eq!(stale.code(), Code::Aborted);
    assert_eq!((stale.cause(), stale.metadata_of("etag")), ("stale_etag".into(), changed.etag));
    assert!(exchange(&world, &sam.access_token).await.is_err());
    assert!(exchange(&world, &grant.access_token).await.is_ok());
}

#[tokio::test]
async fn a_deactivated_member_is_kept_out_here_and_nowhere_else() {
    let world = world().await;
    let grant = founder(&world).await;
    let sam = colleague(&world, &grant, "sam@example.com", Role::Sales).await;
    let member = me(&world, &sam).await;
    let mut ceo = MemberServiceClient::new(speaking(&world, &grant).await);

    let deactivated = deactivate(&mut ceo, &member).await.unwrap();
    let twice = deactivate(&mut ceo, &member).await.unwrap_err();
    let signed_in = sessions(&world)
        .sign_in(sign_in_request("sam@example.com", PASSWORD))
        .await
        .unwrap()
        .into_inner();

    assert_eq!(deactivated.state(), MemberState::Deactivated);
    assert_eq!(twice.reason(), "BAD_TRANSITION");
    assert_eq!(twice.metadata_of("state"), "deactivated");
    assert!(twice.metadata_of("allowed").contains("reactivate"));
    assert!(exchange(&world, &sam.access_token).await.is_err());
    assert!(signed_in.organization_id.is_empty(), "the person is, the membership is not");
}

#[tokio::test]
async fn a_member_comes_back_or_is_removed_for_good() {
    let world = world().await;
    let north = world.org("north").await;
    let mut ceo = members(&north.member("ada", Right::Ceo).await);
    let added = add(&mut ceo, "sam@example.com", Role::Sales).await.unwrap().member.unwrap();
    let member_id = added.member_id.clone();

    deactivate(&mut ceo, &added).await.unwrap();
    let back = ReactivateMemberRequest { member_id: member_id.clone(), ..Default::default() };
    assert_eq!(ceo.reactivate_member(back).await.unwrap().get_ref().state(), MemberState::Active);
    let active = ceo
        .remove_member(RemoveMemberRequest { member_id: member_id.clone(), ..Default::default() })
        .await
        .unwrap_err();
    deactivate(&mut ceo, &added).await.unwrap();
    ceo.remove_member(RemoveMemberRequest { member_id, ..Default::default() }).await.unwrap();
    let listed =
        ceo.list_members(ListMembersRequest::default()).await.unwrap().into_inner().members;
    let again = add(&mut ceo, "sam@example.com", Role::Sales).await;

    assert_eq!(active.reason(), "BAD_TRANSITION");
    assert_eq!(listed.len(), 1);
    assert!(again.is_ok(), "the address is free again");
}

#[tokio::test]
async fn a_member_of_another_organisation_is_as_unknown_as_nobody() {
    let world = world().await;
    let mut north = members(&world.org("north").await.member("ada", Right::Ceo).await);
    let south = world.org("south").await.member("olga", Right::Ceo).await;
    let theirs =
        members(&south).list_members(ListMembersRequest::default()).await.unwrap().into_inner();
    let get = |member_id: String| GetMemberRequest { member_id };

    let foreign = north.get_member(get(theirs.members[0].member_id.clone())).await.unwrap_err();
    let nobody = north.get_member(get(Uuid::now_v7().to_string())).await.unwrap_err();

    assert_eq!(foreign.code(), Code::NotFound);
    assert_eq!((foreign.message(), foreign.reason()), (nobody.message(), nobody.reason()));
}

#[tokio::test]
async fn members_are_listed_by_filter_and_page() {
    let world = world().await;
    let north = world.org("north").await;
    let mut ceo = members(&north.member("ada", Right::Ceo).await);
    for number in 0..5 {
        add(&mut ceo, &format!("sales{number}@example.com"), Role::Sales).await.unwrap();
    }
    let ask = |page_token: String| ListMembersRequest {
        page_size: 2,
        page_token,
        filter: "role = sales".into(),
        include_total: true,
        ..ListMembersRequest::default()
    };

    let mut names = Vec::new();
    let mut page = ceo.list_members(ask(String::new())).await.unwrap().into_inner();
    let total = page.total_size;
    loop {
        names.extend(page.members.into_iter().map(|member| member.display_name));
        if page.next_page_token.is_empty() {
            break;
        }
        page = ceo.list_members(ask(page.next_page_token)).await.unwrap().into_inner();
    }
    let unknown = ceo
        .list_members(ListMembersRequest { filter: "salary > 1".into(), ..Default::default() })
        .await
        .unwrap_err();

    assert_eq!(total, Some(5));
    assert_eq!(names, ["sales0", "sales1", "sales2", "sales3", "sales4"]);
    assert_eq!(unknown.fields(), ["filter"]);
}

#[tokio::test]
async fn a_repeated_request_id_adds_nobody_twice_and_shows_no_second_link() {
    let world = world().await;
    let north = world.org("north").await;
    let mut ceo = members(&north.member("ada", Right::Ceo).await);
    let mut request = new("sam@example.com", Role::Sales);
    request.request_id = Uuid::now_v7().to_string();

    ceo.create_member(request.clone()).await.unwrap();
    let again = ceo.create_member(request.clone()).await.unwrap_err();
    request.member.as_mut().unwrap().email = "other@example.com".into();
    let other = ceo.create_member(request).await.unwrap_err();

    assert_eq!(again.cause(), "answer_shown_once");
    assert_eq!((other.reason(), other.cause()), ("BAD_REQUEST".into(), "request_id_reused".into()));
}

#[tokio::test]
async fn why_somebody_may_or_may_not_is_explained() {
    let world = world().await;
    let north = world.org("north").await;
    let mut ceo = members(&north.member("ada", Right::Ceo).await);
    north.member("sam", Right::Sales).await;
    let list = ceo.list_members(ListMembersRequest::default()).await.unwrap().into_inner();
    let sam = list.members.iter().find(|member| member.role() == Role::Sales).unwrap();
    let ask = |permission: &str| ExplainRequest {
        member_id: sam.member_id.clone(),
        permission: permission.into(),
    };

    let may = ceo.explain(ask("crm.leads.read")).await.unwrap().into_inner();
    let may_not = ceo.explain(ask("identity.members.update")).await.unwrap().into_inner();
    let nonsense = ceo.explain(ask("crm.leads.fly")).await.unwrap_err();

    assert!(may.allowed && !may.sees_all);
    assert_eq!(may.explanation, "the role sales gives it");
    assert!(!may_not.allowed);
    assert_eq!(may_not.granting_roles, [i32::from(Role::Ceo), i32::from(Role::Admin)]);
    assert_eq!(nonsense.fields(), ["permission"]);
}
