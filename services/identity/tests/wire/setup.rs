//! A founder who signed up for real, and their way in.

use devsphere_boot::Channel;
use devsphere_proto::identity::v1::{
    ExchangeRequest, Grant, Role, SignInRequest, SignUpRequest,
    assertion_service_client::AssertionServiceClient, session_service_client::SessionServiceClient,
};
use devsphere_testkit::{CallerChannel, Speak, World};
use tonic::Status;

pub const PASSWORD: &str = "correct horse battery staple";

pub async fn world() -> World {
    World::start(&[devsphere_identity::MODULE]).await
}

pub fn sessions(world: &World) -> SessionServiceClient<Channel> {
    SessionServiceClient::new(world.channel("identity"))
}

pub fn sign_up_request(email: &str) -> SignUpRequest {
    SignUpRequest {
        email: email.into(),
        password: PASSWORD.into(),
        display_name: "Ada Founder".into(),
        organization_display_name: "Northwind".into(),
        ..SignUpRequest::default()
    }
}

pub fn sign_in_request(email: &str, password: &str) -> SignInRequest {
    SignInRequest { email: email.into(), password: password.into(), organization_id: String::new() }
}

pub async fn founder(world: &World) -> Grant {
    sessions(world).sign_up(sign_up_request("ada@example.com")).await.unwrap().into_inner()
}

/// Trades an access token for an assertion, as the gateway does.
pub async fn exchange(world: &World, access_token: &str) -> Result<String, Status> {
    let gateway = Speak::peer(world.channel("identity"), "gateway");
    let credential = access_token.to_owned();
    let answer =
        AssertionServiceClient::new(gateway).exchange(ExchangeRequest { credential }).await?;
    Ok(answer.into_inner().assertion)
}

/// A channel that speaks for the holder of the grant.
pub async fn speaking(world: &World, grant: &Grant) -> CallerChannel {
    let assertion = exchange(world, &grant.access_token).await.unwrap();
    world.with_assertion("identity", &assertion)
}

/// Somebody else in the founder's organisation, activated and signed in.
pub async fn colleague(world: &World, founder: &Grant, email: &str, role: Role) -> Grant {
    use devsphere_proto::identity::v1::{
        ActivateRequest, CreateMemberRequest, Member, member_service_client::MemberServiceClient,
    };

    let member = Member { email: email.into(), role: role.into(), ..Member::default() };
    let created = MemberServiceClient::new(speaking(world, founder).await)
        .create_member(CreateMemberRequest { member: Some(member), ..Default::default() })
        .await
        .unwrap()
        .into_inner();
    let activate = ActivateRequest {
        activation_token: created.activation_token,
        password: PASSWORD.into(),
        display_name: "Sam Colleague".into(),
    };
    sessions(world).activate(activate).await.unwrap();
    sessions(world).sign_in(sign_in_request(email, PASSWORD)).await.unwrap().into_inner()
}
