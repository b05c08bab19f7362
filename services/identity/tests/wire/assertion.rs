//! Assertions: who may ask for one, and when it is refused.

use devsphere_proto::identity::v1::{
    ExchangeRequest, ListKeysRequest, RenewAssertionRequest, SignOutRequest,
    assertion_service_client::AssertionServiceClient, session_service_client::SessionServiceClient,
};
use devsphere_testkit::{Speak, World};
use tonic::{Code, Status};

use crate::setup::{exchange, founder, speaking, world};

async fn renew(world: &World, peer: &str, assertion: &str) -> Result<String, Status> {
    let peer = Speak::peer(world.channel("identity"), peer);
    let request = RenewAssertionRequest { assertion: assertion.into() };
    let renewed = AssertionServiceClient::new(peer).renew_assertion(request).await?;
    Ok(renewed.into_inner().assertion)
}

#[tokio::test]
async fn only_the_gateway_exchanges_and_only_services_renew() {
    let world = world().await;
    let grant = founder(&world).await;
    let assertion = exchange(&world, &grant.access_token).await.unwrap();
    let request = ExchangeRequest { credential: grant.access_token.clone() };

    let as_crm = AssertionServiceClient::new(Speak::peer(world.channel("identity"), "crm"))
        .exchange(request.clone())
        .await
        .unwrap_err();
    let as_nobody =
        AssertionServiceClient::new(world.channel("identity")).exchange(request).await.unwrap_err();

    assert_eq!(as_crm.code(), Code::PermissionDenied);
    assert_eq!(as_nobody.code(), Code::Unauthenticated);
    assert!(renew(&world, "crm", &assertion).await.is_ok());
    assert_eq!(
        renew(&world, "gateway", &assertion).await.unwrap_err().code(),
        Code::PermissionDenied
    );
}

#[tokio::test]
async fn a_token_of_one_kind_never_passes_for_another() {
    let world = world().await;
    let grant = founder(&world).await;
    let assertion = exchange(&world, &grant.access_token).await.unwrap();

    let assertion_as_token = exchange(&world, &assertion).await.unwrap_err();
    let refresh_as_token = exchange(&world, &grant.refresh_token).await.unwrap_err();
    let token_as_assertion = renew(&world, "crm", &grant.access_token).await.unwrap_err();

    for refused in [assertion_as_token, refresh_as_token, token_as_assertion] {
        assert_eq!(refused.code(), Code::Unauthenticated);
    }
}

#[tokio::test]
async fn an_assertion_is_renewed_while_its_session_lives_and_no_longer() {
    let world = world().await;
    let grant = founder(&world).await;
    let assertion = exchange(&world, &grant.access_token).await.unwrap();

    let renewed = renew(&world, "crm", &assertion).await;
    SessionServiceClient::new(speaking(&world, &grant).await)
        .sign_out(SignOutRequest {})
        .await
        .unwrap();
    let after = renew(&world, "crm", &assertion).await.unwrap_err();

    assert!(renewed.is_ok());
    assert_eq!(after.code(), Code::Unauthenticated);
}

#[tokio::test]
async fn the_public_keys_are_there_for_everybody() {
    let world = world().await;

    let keys = AssertionServiceClient::new(world.channel("identity"))
        .list_keys(ListKeysRequest {})
        .await
        .unwrap()
        .into_inner()
        .keys;

    assert_eq!(keys.len(), 1);
    assert_eq!(keys[0].public_key.len(), 32);
}
