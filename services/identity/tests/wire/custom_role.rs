//! Custom roles: what they give, to whom, and who may say so.

use devsphere_auth::Role as Right;
use devsphere_proto::identity::v1::{
    CreateCustomRoleRequest, CreateMemberRequest, CustomRole, DeleteCustomRoleRequest,
    ExplainRequest, GetCustomRoleRequest, GetMeRequest, Grant, ListCustomRolesRequest,
    ListMembersRequest, ListPermissionsRequest, Me, Member, Role, UpdateCustomRoleRequest,
    UpdateMemberRequest, custom_role_service_client::CustomRoleServiceClient,
    member_service_client::MemberServiceClient, person_service_client::PersonServiceClient,
};
use devsphere_testkit::{CallerChannel, StatusExt as _, World};
use prost_types::FieldMask;
use sqlx::Executor as _;
use tonic::{Code, Status};
use uuid::Uuid;

use crate::setup::{colleague, exchange, founder, sessions, sign_in_request, speaking, world};

type Roles = CustomRoleServiceClient<CallerChannel>;
type Members = MemberServiceClient<CallerChannel>;

fn role(name: &str, permissions: &[&str]) -> CustomRole {
    CustomRole {
        display_name: name.into(),
        permissions: permissions.iter().map(|name| (*name).into()).collect(),
        ..CustomRole::default()
    }
}

async fn create(roles: &mut Roles, role: CustomRole) -> Result<CustomRole, Status> {
    let request = CreateCustomRoleRequest { custom_role: Some(role), ..Default::default() };
    roles.create_custom_role(request).await.map(tonic::Response::into_inner)
}

async fn set_permissions(
    roles: &mut Roles,
    role: &CustomRole,
    permissions: &[&str],
) -> Result<CustomRole, Status> {
    let role = CustomRole {
        permissions: permissions.iter().map(|name| (*name).into()).collect(),
        ..role.clone()
    };
    let request = UpdateCustomRoleRequest {
        custom_role: Some(role),
        update_mask: Some(FieldMask { paths: vec!["permissions".into()] }),
        ..UpdateCustomRoleRequest::default()
    };
    roles.update_custom_role(request).await.map(tonic::Response::into_inner)
}

async fn give(
    members: &mut Members,
    member_id: &str,
    roles: &[&CustomRole],
) -> Result<Member, Status> {
    let member = Member {
        member_id: member_id.into(),
        custom_role_ids: roles.iter().map(|role| role.custom_role_id.clone()).collect(),
        ..Member::default()
    };
    let request = UpdateMemberRequest {
        member: Some(member),
        update_mask: Some(FieldMask { paths: vec!["custom_role_ids".into()] }),
        ..UpdateMemberRequest::default()
    };
    members.update_member(request).await.map(tonic::Response::into_inner)
}

async fn me(world: &World, grant: &Grant) -> Me {
    let mut people = PersonServiceClient::new(speaking(world, grant).await);
    people.get_me(GetMeRequest {}).await.unwrap().into_inner()
}

async fn sign_in(world: &World, email: &str) -> Grant {
    let request = sign_in_request(email, crate::setup::PASSWORD);
    sessions(world).sign_in(request).await.unwrap().into_inner()
}

fn delete(role: &CustomRole, force: bool) -> DeleteCustomRoleRequest {
    let custom_role_id = role.custom_role_id.clone();
    DeleteCustomRoleRequest { custom_role_id, force, ..Default::default() }
}

/// A founder with a colleague in support, and the founder's stubs.
async fn pair(world: &World) -> (Grant, Grant, String, Roles, Members) {
    let ada = founder(world).await;
    let sam = colleague(world, &ada, "sam@example.com", Role::Support).await;
    let sams = me(world, &sam).await.member.unwrap().member_id;
    let roles = CustomRoleServiceClient::new(speaking(world, &ada).await);
    let members = MemberServiceClient::new(speaking(world, &ada).await);
    (ada, sam, sams, roles, members)
}

#[tokio::test]
async fn a_member_may_do_what_their_role_and_their_custom_roles_give_together() {
    let world = world().await;
    let (_, sam, member, mut roles, mut members) = pair(&world).await;
    let reads = create(&mut roles, role("Reads leads", &["crm.leads.read"])).await.unwrap();
    let writes = create(&mut roles, role("Writes leads", &["crm.leads.update"])).await.unwrap();

    let before = me(&world, &sam).await.permissions;
    let given = give(&mut members, &member, &[&writes, &reads]).await.unwrap();
    let ended = exchange(&world, &sam.access_token).await.unwrap_err();
    let after = me(&world, &sign_in(&world, "sam@example.com").await).await;

    assert!(!before.iter().any(|name| name.starts_with("crm.")));
    assert_eq!(given.custom_role_ids.len(), 2);
    assert_eq!(ended.code(), Code::Unauthenticated);
    let crm: Vec<_> = after.permissions.iter().filter(|name| name.starts_with("crm.")).collect();
    assert_eq!(crm, ["crm.leads.read", "crm.leads.update"]);
    assert!(after.permissions.contains(&"identity.members.read".to_owned()));
    assert_eq!(after.member.unwrap().custom_role_ids.len(), 2);
}

#[tokio::test]
async fn a_change_of_a_role_ends_what_its_holders_stand_on_and_nobody_elses() {
    let world = world().await;
    let (ada, _, member, mut roles, mut members) = pair(&world).await;
    let made = create(&mut roles, role("Trainee", &["crm.leads.read"])).await.unwrap();
    give(&mut members, &member, &[&made]).await.unwrap();
    let sam = sign_in(&world, "sam@example.com").await;

    let renamed = UpdateCustomRoleRequest {
        custom_role: Some(CustomRole { display_name: "Intern".into(), ..made.clone() }),
        update_mask: Some(FieldMask { paths: vec!["display_name".into()] }),
        ..UpdateCustomRoleRequest::default()
    };
    let renamed = roles.update_custom_role(renamed).await.unwrap().into_inner();
    let still = exchange(&world, &sam.access_token).await;
    let changed = set_permissions(&mut roles, &renamed, &["crm.leads.export"]).await.unwrap();
    let ended = exchange(&world, &sam.access_token).await;

    assert!(still.is_ok(), "a new name changes nothing that anybody may do");
    assert!(ended.is_err());
    assert!(exchange(&world, &ada.access_token).await.is_ok());
    assert_eq!((changed.member_count, changed.display_name.as_str()), (1, "Intern"));
    let now = me(&world, &sign_in(&world, "sam@example.com").await).await.permissions;
    assert!(now.contains(&"crm.leads.export".into()) && !now.contains(&"crm.leads.read".into()));
}

#[tokio::test]
async fn nobody_gives_what_they_do_not_hold() {
    let world = world().await;
    let north = world.org("north").await;
    let mut ceo =
        CustomRoleServiceClient::new(north.member("ada", Right::Ceo).await.channel("identity"));
    let limited = north.caller(&["administration.*", "identity.*", "crm.leads.read"]);
    let mut limited_roles = CustomRoleServiceClient::new(limited.channel("identity"));
    let mut limited_members = MemberServiceClient::new(limited.channel("identity"));
    let mut members =
        MemberServiceClient::new(north.member("bea", Right::Ceo).await.channel("identity"));
    let strong = create(&mut ceo, role("Exports", &["crm.leads.export"])).await.unwrap();
    let weak = create(&mut ceo, role("Reads", &["crm.leads.read"])).await.unwrap();
    let sam =
        Member { email: "sam@example.com".into(), role: Role::Support.into(), ..Member::default() };
    let sam = CreateMemberRequest { member: Some(sam), ..Default::default() };
    let sam = members.create_member(sam).await.unwrap().into_inner().member.unwrap().member_id;

    let refusals = [
        create(&mut limited_roles, role("Mine", &["crm.leads.export"])).await.unwrap_err(),
        set_permissions(&mut limited_roles, &weak, &["crm.leads.export"]).await.unwrap_err(),
        set_permissions(&mut limited_roles, &strong, &["crm.leads.read"]).await.unwrap_err(),
        limited_roles.delete_custom_role(delete(&strong, false)).await.unwrap_err(),
        give(&mut limited_members, &sam, &[&strong]).await.unwrap_err(),
    ];
    let may = give(&mut limited_members, &sam, &[&weak]).await;

    for refused in refusals {
        assert_eq!(refused.code(), Code::PermissionDenied);
        assert_eq!(refused.metadata_of("permission"), "crm.leads.export");
    }
    assert!(may.is_ok());
    give(&mut members, &sam, &[&strong]).await.unwrap();
    let out_of_reach = give(&mut limited_members, &sam, &[]).await.unwrap_err();
    assert_eq!(out_of_reach.metadata_of("permission"), "crm.leads.export");
}

#[tokio::test]
async fn nobody_changes_a_role_of_their_own() {
    let world = world().await;
    let (ada, _, member, mut roles, mut members) = pair(&world).await;
    let manages = ["identity.members.update", "identity.roles.delete", "identity.roles.update"];
    let made = create(&mut roles, role("Manages", &manages)).await.unwrap();
    give(&mut members, &member, &[&made]).await.unwrap();
    let sam = sign_in(&world, "sam@example.com").await;
    let mut sams_roles = CustomRoleServiceClient::new(speaking(&world, &sam).await);
    let mut sams_members = MemberServiceClient::new(speaking(&world, &sam).await);
    let own = me(&world, &ada).await.member.unwrap().member_id;

    let widened =
        set_permissions(&mut sams_roles, &made, &["identity.roles.update"]).await.unwrap_err();
    let dropped = sams_roles.delete_custom_role(delete(&made, true)).await.unwrap_err();
    let own_roles = give(&mut sams_members, &member, &[]).await.unwrap_err();

    assert_eq!((widened.cause(), dropped.cause()), ("own_role".into(), "own_role".into()));
    assert_eq!(own_roles.cause(), "own_membership");
    assert_eq!(give(&mut members, &own, &[]).await.unwrap_err().cause(), "own_membership");
}

#[tokio::test]
async fn permissions_of_the_platform_and_unknown_ones_are_in_no_role() {
    let world = world().await;
    let north = world.org("north").await;
    let everything = north.caller(&["*"]);
    let mut roles = CustomRoleServiceClient::new(everything.channel("identity"));

    let refused = create(
        &mut roles,
        role("Too much", &["platform.instance.update", "crm.leads.read", "crm.*", "crm.leads.fly"]),
    )
    .await
    .unwrap_err();

    assert_eq!(refused.fields(), [0, 2, 3].map(|at| format!("custom_role.permissions[{at}]")));
    let listed = roles.list_permissions(ListPermissionsRequest {}).await.unwrap().into_inner();
    let names: Vec<_> = listed.permissions.iter().map(|permission| &permission.name).collect();
    assert!(names.is_sorted() && !names.iter().any(|name| name.starts_with("platform.")));
    let read = listed.permissions.iter().find(|known| known.name == "crm.leads.read").unwrap();
    assert_eq!(
        (read.module.as_str(), read.noun.as_str(), read.verb.as_str()),
        ("crm", "leads", "read")
    );
    assert!(read.held && read.roles.contains(&Role::Sales.into()));
    assert!(read.methods.contains(&"devsphere.crm.v1.LeadService.GetLead".into()));
    assert!(read.description.contains("Reads one lead"), "{}", read.description);
    let described =
        |known: &&devsphere_proto::identity::v1::Permission| known.description.is_empty();
    assert_eq!(listed.permissions.iter().filter(described).count(), 0);
}

#[tokio::test]
async fn a_role_that_is_held_goes_only_by_force() {
    let world = world().await;
    let (_, _, member, mut roles, mut members) = pair(&world).await;
    let made = create(&mut roles, role("Trainee", &["crm.leads.read"])).await.unwrap();
    let twin = create(&mut roles, role("trainee", &["crm.leads.read"])).await.unwrap_err();
    give(&mut members, &member, &[&made]).await.unwrap();
    let sam = sign_in(&world, "sam@example.com").await;

    let held = roles.delete_custom_role(delete(&made, false)).await.unwrap_err();
    let request_id = Uuid::now_v7().to_string();
    let forced = DeleteCustomRoleRequest { request_id, ..delete(&made, true) };
    let gone = roles.delete_custom_role(forced.clone()).await.unwrap().into_inner();
    let again = roles.delete_custom_role(forced).await.unwrap().into_inner();

    assert_eq!(twin.code(), Code::AlreadyExists);
    assert_eq!(held.cause(), "role_held");
    assert_eq!((gone.member_count, again), (1, gone));
    assert!(exchange(&world, &sam.access_token).await.is_err());
    let custom_role_id = made.custom_role_id.clone();
    let unknown = roles.get_custom_role(GetCustomRoleRequest { custom_role_id }).await;
    assert_eq!(unknown.unwrap_err().code(), Code::NotFound);
    let listed = members.list_members(ListMembersRequest::default()).await.unwrap().into_inner();
    assert!(listed.members.iter().all(|member| member.custom_role_ids.is_empty()));
    assert!(create(&mut roles, role("trainee", &["crm.leads.read"])).await.is_ok());
}

#[tokio::test]
async fn a_role_of_another_organisation_is_as_unknown_as_nobodys() {
    let world = world().await;
    let (_, _, member, mut roles, mut members) = pair(&world).await;
    let south = world.org("south").await;
    let mut theirs =
        CustomRoleServiceClient::new(south.member("olga", Right::Ceo).await.channel("identity"));
    let foreign = create(&mut theirs, role("Theirs", &["crm.leads.read"])).await.unwrap();
    let unknown = CustomRole { custom_role_id: Uuid::now_v7().to_string(), ..foreign.clone() };

    let of =
        |role: &CustomRole| GetCustomRoleRequest { custom_role_id: role.custom_role_id.clone() };
    let read = roles.get_custom_role(of(&foreign)).await.unwrap_err();
    let given = give(&mut members, &member, &[&foreign]).await.unwrap_err();

    let nobodys = give(&mut members, &member, &[&unknown]).await.unwrap_err();
    assert_eq!(read.code(), Code::NotFound);
    assert_eq!(given.fields(), ["member.custom_role_ids[0]"]);
    assert_eq!(given.message(), nobodys.message());
}

#[tokio::test]
async fn a_stale_change_is_refused_and_lists_are_by_name() {
    let world = world().await;
    let (_, _, _, mut roles, _) = pair(&world).await;
    let made = create(&mut roles, role("Bravo", &["crm.leads.read"])).await.unwrap();
    create(&mut roles, role("Alpha", &["crm.leads.read"])).await.unwrap();

    let changed = set_permissions(&mut roles, &made, &["crm.leads.update"]).await.unwrap();
    let stale = set_permissions(&mut roles, &made, &["crm.leads.read"]).await.unwrap_err();
    let list = ListCustomRolesRequest {
        filter: "member_count = 0".into(),
        include_total: true,
        ..ListCustomRolesRequest::default()
    };
    let listed = roles.list_custom_roles(list).await.unwrap().into_inner();

    assert_eq!((stale.code(), stale.metadata_of("etag")), (Code::Aborted, changed.etag));
    let names: Vec<_> = listed.custom_roles.iter().map(|role| role.display_name.as_str()).collect();
    assert_eq!((names, listed.total_size), (vec!["Alpha", "Bravo"], Some(2)));
    assert_eq!(listed.custom_roles[0].allowed_actions, ["update", "delete"]);
}

#[tokio::test]
async fn an_organisation_has_a_thousand_roles_at_most() {
    let world = world().await;
    let (ada, _, _, mut roles, _) = pair(&world).await;
    let org = &ada.organization_id;
    let arrange = sqlx::query(
        "insert into identity.custom_role (org_id, custom_role_id, display_name, description, permissions)
         select $1::uuid, gen_random_uuid(), 'role ' || n, '', '{}' from generate_series(1, 1000) as n",
    );
    world.admin().await.execute(arrange.bind(org)).await.unwrap();

    let refused = create(&mut roles, role("One more", &["crm.leads.read"])).await.unwrap_err();

    assert_eq!(refused.cause(), "too_many_roles");
}

#[tokio::test]
async fn an_explanation_names_the_custom_role() {
    let world = world().await;
    let (_, _, member_id, mut roles, mut members) = pair(&world).await;
    let made = create(&mut roles, role("Trainee", &["crm.all", "crm.leads.read"])).await.unwrap();
    create(&mut roles, role("Another", &["crm.leads.read"])).await.unwrap();
    let ask = |permission: &str| ExplainRequest {
        member_id: member_id.clone(),
        permission: permission.into(),
    };

    let before = members.explain(ask("crm.leads.read")).await.unwrap().into_inner();
    give(&mut members, &member_id, &[&made]).await.unwrap();
    let after = members.explain(ask("crm.leads.read")).await.unwrap().into_inner();
    let other = members.explain(ask("crm.leads.export")).await.unwrap().into_inner();

    assert!(!before.allowed && after.allowed && after.sees_all && !other.allowed);
    assert_eq!(before.explanation, "the role support does not give it");
    assert_eq!(after.explanation, "the custom role \"Trainee\" gives it");
    assert_eq!(other.explanation, "neither the role support nor a custom role of theirs gives it");
    let named: Vec<_> = after
        .granting_custom_roles
        .iter()
        .map(|granting| (granting.display_name.as_str(), granting.held))
        .collect();
    assert_eq!(named, [("Trainee", true), ("Another", false)]);
}
