//! The installation: sign-up by mode and by invitation, and its administrator.

use devsphere_proto::identity::v1::{
    ClaimPlatformAdminRequest, CreateSignUpInvitationRequest, GetInstanceRequest, Instance,
    SignUpMode, UpdateInstanceRequest, instance_service_client::InstanceServiceClient,
    person_service_client::PersonServiceClient,
};
use devsphere_testkit::{StatusExt as _, World};
use sqlx::Executor as _;
use tonic::Code;

use crate::setup::{founder, sessions, sign_up_request, speaking, world};

const CODE: &str = "3N7Q-9XKD-FT2M-WZ8R";

/// The code lies in the database by its hash, as `devsphere migrate` leaves it.
async fn with_code(world: &World) {
    let plain = CODE.replace('-', "");
    let arrange = sqlx::query(
        "update identity.instance set admin_code_hash = sha256(convert_to($1, 'UTF8'))",
    );
    world.admin().await.execute(arrange.bind(plain)).await.unwrap();
}

fn claim(code: &str) -> ClaimPlatformAdminRequest {
    ClaimPlatformAdminRequest { code: code.into(), request_id: String::new() }
}

#[tokio::test]
async fn the_code_of_the_first_start_makes_one_administrator_once() {
    let world = world().await;
    with_code(&world).await;
    let grant = founder(&world).await;
    let mut person = PersonServiceClient::new(speaking(&world, &grant).await);

    let wrong = person.claim_platform_admin(claim("AAAA-AAAA-AAAA-AAAA")).await.unwrap_err();
    let claimed =
        person.claim_platform_admin(claim("3n7q 9xkd ft2m wz8r")).await.unwrap().into_inner();
    let again = person.claim_platform_admin(claim(CODE)).await.unwrap_err();

    assert_eq!(wrong.fields(), ["code"]);
    assert!(claimed.platform_admin);
    assert_eq!(again.fields(), ["code"]);
}

#[tokio::test]
async fn an_administrator_opens_sign_up_and_a_ceo_does_not() {
    let world = world().await;
    with_code(&world).await;
    let grant = founder(&world).await;
    let open = UpdateInstanceRequest {
        instance: Some(Instance { sign_up: SignUpMode::Open.into(), etag: String::new() }),
        update_mask: Some(prost_types::FieldMask { paths: vec!["sign_up".into()] }),
        ..UpdateInstanceRequest::default()
    };

    let as_ceo = InstanceServiceClient::new(speaking(&world, &grant).await)
        .update_instance(open.clone())
        .await
        .unwrap_err();
    PersonServiceClient::new(speaking(&world, &grant).await)
        .claim_platform_admin(claim(CODE))
        .await
        .unwrap();
    let opened = InstanceServiceClient::new(speaking(&world, &grant).await)
        .update_instance(open)
        .await
        .unwrap()
        .into_inner();

    assert_eq!(as_ceo.code(), Code::PermissionDenied);
    assert_eq!(as_ceo.metadata_of("permission"), "platform.instance.update");
    assert_eq!(opened.sign_up(), SignUpMode::Open);
    assert!(sessions(&world).sign_up(sign_up_request("eve@example.com")).await.is_ok());
    let shown = InstanceServiceClient::new(world.channel("identity"))
        .get_instance(GetInstanceRequest {})
        .await
        .unwrap()
        .into_inner();
    assert_eq!(shown, opened);
}

#[tokio::test]
async fn an_invitation_founds_one_organisation() {
    let world = world().await;
    with_code(&world).await;
    let grant = founder(&world).await;
    PersonServiceClient::new(speaking(&world, &grant).await)
        .claim_platform_admin(claim(CODE))
        .await
        .unwrap();

    let invitation = InstanceServiceClient::new(speaking(&world, &grant).await)
        .create_sign_up_invitation(CreateSignUpInvitationRequest { request_id: String::new() })
        .await
        .unwrap()
        .into_inner();
    let mut request = sign_up_request("eve@example.com");
    request.invitation_token = invitation.invitation_token;
    let first = sessions(&world).sign_up(request.clone()).await;
    request.email = "mallory@example.com".into();
    let second = sessions(&world).sign_up(request).await.unwrap_err();

    assert!(invitation.invitation_link.starts_with("https://devsphere.test/sign-up#"));
    assert!(first.is_ok());
    assert_eq!(second.fields(), ["invitation_token"]);
}
