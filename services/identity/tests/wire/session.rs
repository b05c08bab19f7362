//! Signing up, in and out.

use std::collections::HashSet;

use devsphere_proto::identity::v1::{
    ChangePasswordRequest, GetMeRequest, Grant, ListSessionsRequest, RefreshRequest,
    RevokeSessionRequest, SignOutEverywhereRequest, SignOutRequest, SwitchOrganizationRequest,
    person_service_client::PersonServiceClient, session_service_client::SessionServiceClient,
};
use devsphere_testkit::{StatusExt as _, World};
use futures_util::future::join_all;
use tonic::{Code, Status};

use crate::setup::{
    PASSWORD, exchange, founder, sessions, sign_in_request, sign_up_request, speaking, world,
};

async fn refreshed(world: &World, refresh_token: &str) -> Result<Grant, Status> {
    let request =
        RefreshRequest { refresh_token: refresh_token.into(), organization_id: String::new() };
    sessions(world).refresh(request).await.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn a_founder_signs_up_and_is_the_ceo_of_the_organisation() {
    let world = world().await;

    let grant = founder(&world).await;

    let me = PersonServiceClient::new(speaking(&world, &grant).await)
        .get_me(GetMeRequest {})
        .await
        .unwrap()
        .into_inner();
    assert_eq!(me.person.unwrap().email, "ada@example.com");
    assert_eq!(me.organization.unwrap().display_name, "Northwind");
    assert_eq!(me.member.unwrap().role().as_str_name(), "ROLE_CEO");
    assert!(me.permissions.contains(&"crm.leads.create".to_owned()));
    assert_eq!(me.affiliations.len(), 1);
}

#[tokio::test]
async fn the_first_organisation_closes_sign_up_behind_itself() {
    let world = world().await;
    founder(&world).await;

    let refused = sessions(&world).sign_up(sign_up_request("eve@example.com")).await.unwrap_err();

    assert_eq!(
        (refused.code(), refused.cause().as_str()),
        (Code::FailedPrecondition, "sign_up_closed")
    );
}

#[tokio::test]
async fn a_sign_up_names_every_field_that_is_wrong() {
    let world = world().await;
    let mut request = sign_up_request("not an address");
    request.password = "short".into();
    request.display_name = String::new();

    let refused = sessions(&world).sign_up(request).await.unwrap_err();

    assert_eq!(refused.code(), Code::InvalidArgument);
    assert_eq!(refused.fields(), ["email", "password", "display_name"]);
}

#[tokio::test]
async fn a_common_password_and_an_unknown_time_zone_are_refused_together() {
    let world = world().await;
    let mut request = sign_up_request("ada@example.com");
    request.password = "password1234".into();
    request.time_zone = "Europe/Atlantis".into();

    let refused = sessions(&world).sign_up(request).await.unwrap_err();

    assert_eq!(refused.fields(), ["password", "time_zone"]);
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_address_get_the_same_answer() {
    let world = world().await;
    founder(&world).await;

    let wrong =
        sessions(&world).sign_in(sign_in_request("ada@example.com", "wrong")).await.unwrap_err();
    let unknown =
        sessions(&world).sign_in(sign_in_request("eve@example.com", "wrong")).await.unwrap_err();

    assert_eq!(wrong.code(), Code::Unauthenticated);
    assert_eq!(wrong.cause(), "bad_credentials");
    assert_eq!(
        (wrong.code(), wrong.message(), wrong.reason(), wrong.cause()),
        (unknown.code(), unknown.message(), unknown.reason(), unknown.cause())
    );
}

#[tokio::test]
async fn two_hundred_parallel_guesses_are_evaluated_ten_times_at_most() {
    let world = world().await;
    let grant = founder(&world).await;

    let guesses = (0..200).map(|number| {
        let mut sessions = sessions(&world);
        async move {
            sessions.sign_in(sign_in_request("ada@example.com", &format!("guess {number}"))).await
        }
    });
    let answers = join_all(guesses).await;

    let evaluated = answers
        .iter()
        .filter(|answer| matches!(answer, Err(refused) if refused.cause() == "bad_credentials"))
        .count();
    assert!((1..=10).contains(&evaluated), "{evaluated} evaluated");
    assert!(answers.iter().all(Result::is_err));
    let right =
        sessions(&world).sign_in(sign_in_request("ada@example.com", PASSWORD)).await.unwrap_err();
    assert_eq!(right.reason(), "RATE_LIMITED");
    assert!(
        refreshed(&world, &grant.refresh_token).await.is_ok(),
        "a live session is not locked out"
    );
}

#[tokio::test]
async fn a_hundred_parallel_refreshes_of_one_token_give_one_successor() {
    let world = world().await;
    let grant = founder(&world).await;

    let answers = join_all((0..100).map(|_| refreshed(&world, &grant.refresh_token))).await;

    // A full pool sheds; whoever is answered is answered the same.
    let successors: HashSet<_> =
        answers.iter().flatten().map(|grant| grant.refresh_token.clone()).collect();
    let shed = answers.iter().flat_map(|answer| answer.as_ref().err());
    assert!(shed.clone().all(|refused| refused.reason() == "OVERLOADED"), "{:?}", shed.last());
    assert_eq!(successors.len(), 1);
    assert!(!successors.contains(&grant.refresh_token));
}

/// Signs in and refreshes three times: the tokens of one family, the oldest first.
async fn family(world: &World) -> (Grant, Vec<String>) {
    let first = sessions(world)
        .sign_in(sign_in_request("ada@example.com", PASSWORD))
        .await
        .unwrap()
        .into_inner();
    let mut chain = vec![first.refresh_token.clone()];
    for _ in 0..3 {
        chain.push(refreshed(world, chain.last().unwrap()).await.unwrap().refresh_token);
    }
    (first, chain)
}

#[tokio::test]
async fn a_refresh_token_used_again_kills_the_family_with_its_descendants() {
    let world = world().await;
    founder(&world).await;
    let dead = |answer: &Result<Grant, Status>| matches!(answer, Err(refused) if refused.code() == Code::Unauthenticated);
    let mut killed = 0;

    for round in 0..100 {
        let (first, chain) = family(&world).await;

        let replayed = refreshed(&world, &chain[round % 2]).await;

        let descendants = join_all(chain.iter().map(|token| refreshed(&world, token))).await;
        assert!(dead(&replayed) && descendants.iter().all(dead), "{round}");
        assert!(exchange(&world, &first.access_token).await.is_err(), "{round}");
        killed += 1;
    }
    assert_eq!(killed, 100);
}

#[tokio::test]
async fn the_last_token_but_one_gets_the_same_successor_again_and_kills_nothing() {
    let world = world().await;
    founder(&world).await;
    let (_, chain) = family(&world).await;

    let again = refreshed(&world, &chain[2]).await.unwrap();

    assert_eq!(again.refresh_token, chain[3]);
    assert!(refreshed(&world, &chain[3]).await.is_ok());
}

#[tokio::test]
async fn signing_out_ends_this_session_and_no_other() {
    let world = world().await;
    let here = founder(&world).await;
    let there = sessions(&world)
        .sign_in(sign_in_request("ada@example.com", PASSWORD))
        .await
        .unwrap()
        .into_inner();

    SessionServiceClient::new(speaking(&world, &here).await)
        .sign_out(SignOutRequest {})
        .await
        .unwrap();

    assert!(exchange(&world, &here.access_token).await.is_err());
    assert!(refreshed(&world, &here.refresh_token).await.is_err());
    assert!(exchange(&world, &there.access_token).await.is_ok());
}

#[tokio::test]
async fn signing_out_everywhere_ends_every_session() {
    let world = world().await;
    let here = founder(&world).await;
    let there = sessions(&world)
        .sign_in(sign_in_request("ada@example.com", PASSWORD))
        .await
        .unwrap()
        .into_inner();

    let ended = SessionServiceClient::new(speaking(&world, &here).await)
        .sign_out_everywhere(SignOutEverywhereRequest {})
        .await
        .unwrap()
        .into_inner();

    assert_eq!(ended.ended_count, 2);
    for grant in [here, there] {
        assert!(exchange(&world, &grant.access_token).await.is_err());
        assert!(refreshed(&world, &grant.refresh_token).await.is_err());
    }
}

#[tokio::test]
async fn a_session_is_listed_and_revoked_by_its_person_alone() {
    let world = world().await;
    let here = founder(&world).await;
    let there = sessions(&world)
        .sign_in(sign_in_request("ada@example.com", PASSWORD))
        .await
        .unwrap()
        .into_inner();
    let stranger = world.org("south").await.member("eve", devsphere_auth::Role::Ceo).await;
    let revoke = RevokeSessionRequest { session_id: there.session_id.clone() };

    let mut own = SessionServiceClient::new(speaking(&world, &here).await);
    let listed = own.list_sessions(ListSessionsRequest {}).await.unwrap().into_inner().sessions;
    let by_stranger = SessionServiceClient::new(stranger.channel("identity"))
        .revoke_session(revoke.clone())
        .await
        .unwrap_err();
    own.revoke_session(revoke).await.unwrap();

    assert_eq!(listed.len(), 2);
    assert_eq!(listed.iter().filter(|session| session.current).count(), 1);
    assert_eq!(by_stranger.code(), Code::NotFound);
    assert!(exchange(&world, &there.access_token).await.is_err());
    assert!(exchange(&world, &here.access_token).await.is_ok());
}

#[tokio::test]
async fn a_new_password_ends_the_other_sessions_and_the_old_password() {
    let world = world().await;
    let here = founder(&world).await;
    let there = sessions(&world)
        .sign_in(sign_in_request("ada@example.com", PASSWORD))
        .await
        .unwrap()
        .into_inner();
    let mut person = PersonServiceClient::new(speaking(&world, &here).await);
    let change = |current: &str| ChangePasswordRequest {
        current_password: current.into(),
        new_password: "another horse another staple".into(),
        request_id: String::new(),
    };

    let wrong = person.change_password(change("wrong")).await.unwrap_err();
    person.change_password(change(PASSWORD)).await.unwrap();

    assert_eq!(wrong.fields(), ["current_password"]);
    assert!(exchange(&world, &here.access_token).await.is_ok());
    assert!(exchange(&world, &there.access_token).await.is_err());
    assert!(sessions(&world).sign_in(sign_in_request("ada@example.com", PASSWORD)).await.is_err());
}

#[tokio::test]
async fn who_holds_a_session_does_not_guess_the_password_without_end() {
    let world = world().await;
    let grant = founder(&world).await;
    let mut person = PersonServiceClient::new(speaking(&world, &grant).await);
    let change = |current: String| ChangePasswordRequest {
        current_password: current,
        new_password: "another horse another staple".into(),
        request_id: String::new(),
    };

    let mut refusals = Vec::new();
    for number in 0..8 {
        refusals.push(person.change_password(change(format!("guess {number}"))).await.unwrap_err());
    }

    assert_eq!(refusals[0].fields(), ["current_password"]);
    assert_eq!(refusals[7].reason(), "RATE_LIMITED");
}

#[tokio::test]
async fn nobody_switches_to_an_organisation_that_is_not_theirs() {
    let world = world().await;
    let grant = founder(&world).await;
    let south = world.org("south").await;
    let mut own = SessionServiceClient::new(speaking(&world, &grant).await);
    let to = |organization_id: String| SwitchOrganizationRequest { organization_id };

    let foreign = own.switch_organization(to(south.id().to_string())).await.unwrap_err();
    let again =
        own.switch_organization(to(grant.organization_id.clone())).await.unwrap().into_inner();

    assert_eq!(foreign.code(), Code::NotFound);
    assert_eq!(again.organization_id, grant.organization_id);
    assert!(again.refresh_token.is_empty());
    assert!(exchange(&world, &again.access_token).await.is_ok());
}
