//! Invitations: who sends them, who takes them, and what a dead link is worth.

use devsphere_auth::Role as Right;
use devsphere_boot::Channel;
use devsphere_proto::identity::v1::{
    AcceptInvitationRequest, CreateCustomRoleRequest, CreateInvitationRequest,
    CreateInvitationResponse, CreateMemberRequest, CustomRole, DeactivateMemberRequest,
    DeclineInvitationRequest, GetInvitationRequest, GetMeRequest, Invitation, InvitationPreview,
    InvitationState, ListInvitationsRequest, ListMembersRequest, Member, PreviewInvitationRequest,
    ResendInvitationRequest, RevokeInvitationRequest, Role,
    custom_role_service_client::CustomRoleServiceClient,
    invitation_service_client::InvitationServiceClient, member_service_client::MemberServiceClient,
    person_service_client::PersonServiceClient,
};
use devsphere_testkit::{Caller, CallerChannel, StatusExt as _, World};
use sqlx::Executor as _;
use tonic::{Code, Status};
use uuid::Uuid;

use crate::setup::{PASSWORD, founder, sessions, sign_in_request, speaking, world};

type Invitations = InvitationServiceClient<CallerChannel>;

fn invitations(caller: &Caller<'_>) -> Invitations {
    InvitationServiceClient::new(caller.channel("identity"))
}

fn outside(world: &World) -> InvitationServiceClient<Channel> {
    InvitationServiceClient::new(world.channel("identity"))
}

fn invitation(email: &str, role: Role) -> CreateInvitationRequest {
    let invitation = Invitation {
        email: email.into(),
        role: role.into(),
        note: "Welcome aboard".into(),
        ..Invitation::default()
    };
    CreateInvitationRequest { invitation: Some(invitation), ..Default::default() }
}

async fn invite(
    by: &mut Invitations,
    email: &str,
    role: Role,
) -> Result<CreateInvitationResponse, Status> {
    by.create_invitation(invitation(email, role)).await.map(tonic::Response::into_inner)
}

async fn preview(world: &World, join_token: &str) -> Result<InvitationPreview, Status> {
    let request = PreviewInvitationRequest { join_token: join_token.into() };
    outside(world).preview_invitation(request).await.map(tonic::Response::into_inner)
}

fn acceptance(join_token: &str, password: &str, name: &str) -> AcceptInvitationRequest {
    AcceptInvitationRequest {
        join_token: join_token.into(),
        password: password.into(),
        display_name: name.into(),
    }
}

async fn state(by: &mut Invitations, invitation_id: &str) -> InvitationState {
    let request = GetInvitationRequest { invitation_id: invitation_id.into() };
    by.get_invitation(request).await.unwrap().get_ref().state()
}

fn revoke(invitation_id: &str, etag: &str) -> RevokeInvitationRequest {
    RevokeInvitationRequest {
        invitation_id: invitation_id.into(),
        etag: etag.into(),
        request_id: String::new(),
    }
}

fn resend(invitation_id: &str, etag: &str) -> ResendInvitationRequest {
    ResendInvitationRequest {
        invitation_id: invitation_id.into(),
        etag: etag.into(),
        request_id: String::new(),
    }
}

#[tokio::test]
async fn somebody_new_joins_by_a_link_that_works_once() {
    let world = world().await;
    let north = world.org("north").await;
    let ada = north.member("ada", Right::Ceo).await;
    let trainee = CustomRole {
        display_name: "Trainee".into(),
        permissions: vec!["crm.leads.read".into()],
        ..CustomRole::default()
    };
    let trainee = CustomRoleServiceClient::new(ada.channel("identity"))
        .create_custom_role(CreateCustomRoleRequest {
            custom_role: Some(trainee),
            ..Default::default()
        })
        .await
        .unwrap()
        .into_inner();
    let mut ceo = invitations(&ada);
    let mut request = invitation("Kim@Example.com", Role::Support);
    request.invitation.as_mut().unwrap().custom_role_ids = vec![trainee.custom_role_id.clone()];

    let sent = ceo.create_invitation(request).await.unwrap().into_inner();
    let offer = preview(&world, &sent.join_token).await.unwrap();
    let accept = acceptance(&sent.join_token, PASSWORD, "Kim Novak");
    let joined = outside(&world).accept_invitation(accept.clone()).await.unwrap().into_inner();
    let again = outside(&world).accept_invitation(accept).await.unwrap_err();

    let kim = sessions(&world).sign_in(sign_in_request(&joined.email, PASSWORD)).await.unwrap();
    let me = PersonServiceClient::new(speaking(&world, kim.get_ref()).await)
        .get_me(GetMeRequest {})
        .await
        .unwrap()
        .into_inner();
    let sent_invitation = sent.invitation.unwrap();
    assert!(sent.join_link.starts_with("https://devsphere.test/join#dvs_jt_"));
    assert_eq!(sent_invitation.state(), InvitationState::Sent);
    assert_eq!(sent_invitation.allowed_actions, ["resend", "revoke"]);
    assert_eq!(
        (offer.organization_display_name.as_str(), offer.inviter_display_name.as_str()),
        ("north", "ada")
    );
    assert_eq!((offer.email.as_str(), offer.role()), ("kim@example.com", Role::Support));
    assert_eq!(offer.note, "Welcome aboard");
    assert_eq!(joined.organization_id, north.id().to_string());
    assert_eq!(again.fields(), ["join_token"]);
    let member = me.member.unwrap();
    assert_eq!((member.role(), member.display_name.as_str()), (Role::Support, "Kim Novak"));
    assert_eq!(member.custom_role_ids, [trainee.custom_role_id]);
    assert!(me.permissions.contains(&"crm.leads.read".into()));
    assert_eq!(state(&mut ceo, &sent_invitation.invitation_id).await, InvitationState::Accepted);
}

#[tokio::test]
async fn somebody_known_elsewhere_joins_by_proving_their_password() {
    let world = world().await;
    let ada = founder(&world).await;
    let south = world.org("south").await;
    let mut ceo = invitations(&south.member("olga", Right::Ceo).await);
    let sent = invite(&mut ceo, "ada@example.com", Role::Manager).await.unwrap();

    let wrong = outside(&world)
        .accept_invitation(acceptance(&sent.join_token, "not the right password", ""))
        .await
        .unwrap_err();
    outside(&world).accept_invitation(acceptance(&sent.join_token, PASSWORD, "")).await.unwrap();

    let signed_in =
        sessions(&world).sign_in(sign_in_request("ada@example.com", PASSWORD)).await.unwrap();
    assert_eq!(wrong.fields(), ["password"]);
    assert_eq!(ada.affiliations.len(), 1);
    assert_eq!(signed_in.get_ref().affiliations.len(), 2);
}

#[tokio::test]
async fn guesses_at_a_known_persons_password_are_counted() {
    let world = world().await;
    founder(&world).await;
    let south = world.org("south").await;
    let mut ceo = invitations(&south.member("olga", Right::Ceo).await);
    let sent = invite(&mut ceo, "ada@example.com", Role::Manager).await.unwrap();
    let guess = acceptance(&sent.join_token, "not the right password", "");

    let mut codes = Vec::new();
    for _ in 0..7 {
        codes.push(outside(&world).accept_invitation(guess.clone()).await.unwrap_err().code());
    }
    let right = outside(&world)
        .accept_invitation(acceptance(&sent.join_token, PASSWORD, ""))
        .await
        .unwrap_err();

    assert_eq!(codes[0], Code::InvalidArgument);
    assert_eq!(codes[6], Code::ResourceExhausted);
    assert_eq!(right.code(), Code::ResourceExhausted);
}

#[tokio::test]
async fn a_new_link_kills_the_old_one_and_a_revoked_or_declined_one_is_dead() {
    let world = world().await;
    let north = world.org("north").await;
    let mut ceo = invitations(&north.member("ada", Right::Ceo).await);
    let first = invite(&mut ceo, "kim@example.com", Role::Sales).await.unwrap();
    let sent = first.invitation.unwrap();

    let second =
        ceo.resend_invitation(resend(&sent.invitation_id, &sent.etag)).await.unwrap().into_inner();
    let stale = ceo.revoke_invitation(revoke(&sent.invitation_id, &sent.etag)).await.unwrap_err();
    let old = preview(&world, &first.join_token).await.unwrap_err();
    let revoked =
        ceo.revoke_invitation(revoke(&sent.invitation_id, "")).await.unwrap().into_inner();
    let dead = preview(&world, &second.join_token).await.unwrap_err();
    let accepted = outside(&world)
        .accept_invitation(acceptance(&second.join_token, PASSWORD, "Kim"))
        .await
        .unwrap_err();
    let twice = ceo.resend_invitation(resend(&sent.invitation_id, "")).await.unwrap_err();
    let third = invite(&mut ceo, "kim@example.com", Role::Sales).await.unwrap();
    let decline = DeclineInvitationRequest { join_token: third.join_token.clone() };
    outside(&world).decline_invitation(decline.clone()).await.unwrap();
    let again = outside(&world).decline_invitation(decline).await.unwrap_err();
    let nonsense = preview(&world, "dvs_jt_nonsense").await.unwrap_err();

    assert_eq!(stale.code(), Code::Aborted);
    assert_eq!(revoked.state(), InvitationState::Revoked);
    for refused in [&old, &dead, &accepted, &again] {
        assert_eq!((refused.code(), refused.message()), (nonsense.code(), nonsense.message()));
    }
    assert_eq!(
        (twice.reason(), twice.metadata_of("state")),
        ("BAD_TRANSITION".into(), "revoked".into())
    );
    let third = third.invitation.unwrap().invitation_id;
    assert_eq!(state(&mut ceo, &third).await, InvitationState::Declined);
}

#[tokio::test]
async fn an_expired_invitation_opens_nothing_until_it_is_sent_again() {
    let world = world().await;
    let north = world.org("north").await;
    let mut ceo = invitations(&north.member("ada", Right::Ceo).await);
    let sent = invite(&mut ceo, "kim@example.com", Role::Sales).await.unwrap();
    let id = sent.invitation.unwrap().invitation_id;
    let lapse = "update identity.invitation set expire_time = now() - interval '1 second'";
    world.admin().await.execute(lapse).await.unwrap();

    let dead = preview(&world, &sent.join_token).await;
    let revoked = ceo.revoke_invitation(revoke(&id, "")).await.unwrap_err();
    let list = ListInvitationsRequest { filter: "state = expired".into(), ..Default::default() };
    let listed = ceo.list_invitations(list).await.unwrap().into_inner().invitations;
    let twice = invite(&mut ceo, "kim@example.com", Role::Sales).await.unwrap_err();
    let resent = ceo.resend_invitation(resend(&id, "")).await.unwrap().into_inner();

    assert!(dead.is_err());
    assert_eq!(revoked.metadata_of("allowed"), "resend");
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].state(), InvitationState::Expired);
    assert_eq!(twice.code(), Code::AlreadyExists);
    assert!(preview(&world, &resent.join_token).await.is_ok());
}

#[tokio::test]
async fn an_invitation_is_worth_nothing_without_its_inviter() {
    let world = world().await;
    let north = world.org("north").await;
    let ada = north.member("ada", Right::Ceo).await;
    let bea = north.member("bea", Right::Admin).await;
    let sent = invite(&mut invitations(&bea), "kim@example.com", Role::Sales).await.unwrap();
    let mut members = MemberServiceClient::new(ada.channel("identity"));
    let listed =
        members.list_members(ListMembersRequest::default()).await.unwrap().into_inner().members;
    let member_id = listed
        .into_iter()
        .find(|member| member.person_id == bea.person_id().to_string())
        .unwrap()
        .member_id;

    let out = DeactivateMemberRequest { member_id, ..Default::default() };
    members.deactivate_member(out).await.unwrap();
    let dead = preview(&world, &sent.join_token).await;
    let id = sent.invitation.unwrap().invitation_id;
    let resent = invitations(&ada).resend_invitation(resend(&id, "")).await.unwrap().into_inner();

    assert!(dead.is_err());
    assert_eq!(resent.invitation.unwrap().inviter_id, ada.person_id().to_string());
    assert!(preview(&world, &resent.join_token).await.is_ok());
}

#[tokio::test]
async fn nobody_offers_what_they_do_not_hold() {
    let world = world().await;
    let north = world.org("north").await;
    let mut ceo = invitations(&north.member("ada", Right::Ceo).await);
    let mut admin = invitations(&north.member("bea", Right::Admin).await);
    let mut hr = invitations(&north.member("hal", Right::Hr).await);
    let mut limited = invitations(&north.caller(&["identity.*"]));

    let ceo_role = invite(&mut admin, "kim@example.com", Role::Ceo).await.unwrap_err();
    let not_hr = invite(&mut hr, "kim@example.com", Role::Viewer).await.unwrap_err();
    let beyond = invite(&mut limited, "kim@example.com", Role::Sales).await.unwrap_err();
    let of_ceo = invite(&mut ceo, "kim@example.com", Role::Ceo).await.unwrap();
    let id = of_ceo.invitation.unwrap().invitation_id;
    let resent = admin.resend_invitation(resend(&id, "")).await.unwrap_err();

    assert_eq!(ceo_role.metadata_of("permission"), "ceo");
    assert_eq!(not_hr.metadata_of("permission"), "identity.invitations.create");
    assert!(beyond.metadata_of("permission").starts_with("crm."));
    assert_eq!(resent.metadata_of("permission"), "ceo");
}

#[tokio::test]
async fn members_are_not_invited_and_nobody_twice() {
    let world = world().await;
    let north = world.org("north").await;
    let ada = north.member("ada", Right::Ceo).await;
    let mut ceo = invitations(&ada);
    let kim =
        Member { email: "kim@example.com".into(), role: Role::Sales.into(), ..Member::default() };
    let mut request = invitation("sam@example.com", Role::Sales);
    request.request_id = Uuid::now_v7().to_string();

    ceo.create_invitation(request.clone()).await.unwrap();
    let repeated = ceo.create_invitation(request).await.unwrap_err();
    let twice = invite(&mut ceo, "sam@example.com", Role::Sales).await.unwrap_err();
    MemberServiceClient::new(ada.channel("identity"))
        .create_member(CreateMemberRequest { member: Some(kim), ..Default::default() })
        .await
        .unwrap();
    let member = invite(&mut ceo, "kim@example.com", Role::Sales).await.unwrap_err();
    let dry = CreateInvitationRequest {
        validate_only: true,
        ..invitation("kim@example.com", Role::Sales)
    };
    let dry = ceo.create_invitation(dry).await.unwrap_err();

    assert_eq!(repeated.cause(), "answer_shown_once");
    for refused in [twice, member, dry] {
        assert_eq!(refused.code(), Code::AlreadyExists);
    }
}

#[tokio::test]
async fn an_organisation_has_five_hundred_open_invitations_at_most() {
    let world = world().await;
    let north = world.org("north").await;
    let ada = north.member("ada", Right::Ceo).await;
    let mut ceo = invitations(&ada);
    let arrange = sqlx::query(
        "insert into identity.invitation (org_id, invitation_id, email, role, custom_role_ids, note, token_hash,
                                          inviter_id, expire_time)
         select $1, gen_random_uuid(), n || '@example.com', 'viewer', '{}', '', sha256(n::text::bytea), $2,
                now() + interval '1 day'
         from generate_series(1, 500) as n",
    );
    let arrange = arrange.bind(north.id()).bind(ada.person_id());
    world.admin().await.execute(arrange).await.unwrap();

    let refused = invite(&mut ceo, "kim@example.com", Role::Sales).await.unwrap_err();

    assert_eq!(refused.cause(), "too_many_invitations");
}

#[tokio::test]
async fn an_invitation_of_another_organisation_is_as_unknown_as_nobodys() {
    let world = world().await;
    let mut north = invitations(&world.org("north").await.member("ada", Right::Ceo).await);
    let south = world.org("south").await;
    let mut theirs = invitations(&south.member("olga", Right::Ceo).await);
    let sent = invite(&mut theirs, "kim@example.com", Role::Sales).await.unwrap();
    let id = sent.invitation.unwrap().invitation_id;

    let foreign = north.revoke_invitation(revoke(&id, "")).await.unwrap_err();
    let nobodys =
        north.revoke_invitation(revoke(&Uuid::now_v7().to_string(), "")).await.unwrap_err();

    assert_eq!(foreign.code(), Code::NotFound);
    assert_eq!((foreign.message(), foreign.reason()), (nobodys.message(), nobodys.reason()));
    assert_eq!(state(&mut theirs, &id).await, InvitationState::Sent);
}
