//! Whom an organisation's agents ask: chosen by whoever may, with a key that nobody reads again.

use devsphere_auth::Role;
use devsphere_proto::administration::v1::{
    self as pb, ai_provider_service_client::AiProviderServiceClient,
};
use devsphere_testkit::{Caller, CallerChannel, Speak, StatusExt as _, World};
use prost_types::FieldMask;
use sqlx::Row as _;
use tonic::{Code, Status};
use uuid::Uuid;

use super::world;

const KEY: &str = "sk-0123456789-canary";

fn providers(caller: &Caller<'_>) -> AiProviderServiceClient<CallerChannel> {
    AiProviderServiceClient::new(caller.channel("administration"))
}

async fn get(caller: &Caller<'_>) -> Result<pb::AiProvider, Status> {
    let request = pb::GetAiProviderRequest {};
    providers(caller).get_ai_provider(request).await.map(tonic::Response::into_inner)
}

fn update(provider: pb::AiProvider, paths: &[&str]) -> pb::UpdateAiProviderRequest {
    let paths = paths.iter().map(|path| (*path).into()).collect();
    let update_mask = Some(FieldMask { paths });
    pb::UpdateAiProviderRequest { ai_provider: Some(provider), update_mask, ..Default::default() }
}

async fn change(
    caller: &Caller<'_>,
    provider: pb::AiProvider,
    paths: &[&str],
) -> Result<pb::AiProvider, Status> {
    let answer = providers(caller).update_ai_provider(update(provider, paths)).await;
    answer.map(tonic::Response::into_inner)
}

fn anthropic() -> pb::AiProvider {
    pb::AiProvider {
        kind: pb::AiProviderKind::Anthropic.into(),
        model: "claude-sonnet-4-5".into(),
        api_key: KEY.into(),
        prices: Some(pb::AiPrices {
            currency_code: "USD".into(),
            input_micros: 3_000_000,
            output_micros: 15_000_000,
            ..Default::default()
        }),
        monthly_cost_budget_micros: 50_000_000,
        ..Default::default()
    }
}

/// What the agent service is told for that caller.
async fn connection(world: &World, caller: &Caller<'_>) -> Result<pb::AiConnection, Status> {
    let channel = Speak::peer_for(world.channel("administration"), "agent", caller);
    let mut agent = AiProviderServiceClient::new(channel);
    agent.get_ai_connection(pb::GetAiConnectionRequest {}).await.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn at_first_it_is_what_the_installation_offers_if_that_offers_one() {
    let world = world().await;
    let ceo = world.org("north").await.member("ada", Role::Ceo).await;

    let provider = get(&ceo).await.unwrap();

    assert_eq!(provider.kind(), pb::AiProviderKind::Unspecified);
    assert_eq!((provider.instance_offers, &*provider.etag), (false, "W0"));
    assert_eq!(provider.allowed_actions, ["update", "probe"]);
    let told = connection(&world, &ceo).await.unwrap();
    assert_eq!((told.kind(), &*told.api_key), (pb::AiProviderKind::Unspecified, ""));
}

#[tokio::test]
async fn a_key_is_told_to_the_agent_service_and_shown_to_nobody() {
    let world = world().await;
    let (north, south) = (world.org("north").await, world.org("south").await);
    let ceo = north.member("ada", Role::Ceo).await;
    let writer = north.member("signe", Role::Seo).await;
    let foreigner = south.member("sven", Role::Ceo).await;

    let changed = change(&ceo, anthropic(), &["*"]).await.unwrap();

    assert_eq!((&*changed.api_key, &*changed.api_key_hint), ("", "…nary"));
    assert_eq!((&*get(&ceo).await.unwrap().api_key, &*changed.etag), ("", "W1"));
    let told = connection(&world, &writer).await.unwrap();
    assert_eq!((&*told.api_key, &*told.model), (KEY, "claude-sonnet-4-5"));
    assert_eq!(told.monthly_cost_budget_micros, 50_000_000);
    assert_eq!(connection(&world, &foreigner).await.unwrap().api_key, "");
}

#[tokio::test]
async fn no_row_of_the_database_holds_the_key() {
    let world = world().await;
    let ceo = world.org("north").await.member("ada", Role::Ceo).await;
    let mut request = update(anthropic(), &["*"]);
    request.request_id = Uuid::new_v4().to_string();
    providers(&ceo).update_ai_provider(request).await.unwrap();

    let mut owner = world.admin().await;
    for table in
        ["administration.ai_provider", "platform.audit", "platform.outbox", "platform.idempotency"]
    {
        let held = format!(
            "select count(*) from {table} as t
             where t::text like '%{KEY}%' or t::text like '%' || encode('{KEY}', 'hex') || '%'"
        );
        let held: i64 =
            sqlx::query_scalar(sqlx::AssertSqlSafe(held)).fetch_one(&mut owner).await.unwrap();
        assert_eq!(held, 0, "{table}");
    }
    let after = sqlx::query("select after::text from platform.audit where noun = 'ai_provider'");
    let after: String = after.fetch_one(&mut owner).await.unwrap().get(0);
    assert!(after.contains("…nary"), "{after}");
}

#[tokio::test]
async fn a_sealed_key_that_is_moved_to_another_organisation_does_not_open() {
    let world = world().await;
    let (north, south) = (world.org("north").await, world.org("south").await);
    let ada = north.member("ada", Role::Ceo).await;
    let sven = south.member("sven", Role::Ceo).await;
    change(&ada, anthropic(), &["*"]).await.unwrap();
    change(&sven, anthropic(), &["*"]).await.unwrap();
    let swap = sqlx::query(
        "update administration.ai_provider as to_row set api_key = from_row.api_key
         from administration.ai_provider as from_row
         where to_row.org_id = $1 and from_row.org_id = $2",
    );
    let swap = swap.bind(south.id()).bind(north.id());
    assert_eq!(swap.execute(&mut world.admin().await).await.unwrap().rows_affected(), 1);

    let refused = connection(&world, &sven).await.unwrap_err();

    assert_eq!(refused.code(), Code::Internal);
    assert_eq!(connection(&world, &ada).await.unwrap().api_key, KEY);
}

#[tokio::test]
async fn a_key_is_forgotten_with_the_address_that_it_was_given_for() {
    let world = world().await;
    let ceo = world.org("north").await.member("ada", Role::Ceo).await;
    change(&ceo, anthropic(), &["*"]).await.unwrap();

    let renamed = pb::AiProvider { model: "claude-opus".into(), ..Default::default() };
    let kept = change(&ceo, renamed, &["model"]).await.unwrap();
    let moved = pb::AiProvider { base_url: "https://evil.example".into(), ..Default::default() };
    let moved = change(&ceo, moved, &["base_url"]).await.unwrap();

    assert_eq!((&*kept.api_key_hint, &*moved.api_key_hint), ("…nary", ""));
    assert_eq!(connection(&world, &ceo).await.unwrap().api_key, "");
}

#[tokio::test]
async fn what_could_not_work_is_refused_by_field_and_changes_nothing() {
    let world = world().await;
    let ceo = world.org("north").await.member("ada", Role::Ceo).await;
    let wrong = pb::AiProvider {
        kind: pb::AiProviderKind::Openai.into(),
        base_url: "http://169.254.169.254/v1".into(),
        monthly_cost_budget_micros: 1,
        ..Default::default()
    };

    let refused = change(&ceo, wrong, &["*"]).await.unwrap_err();

    assert_eq!(
        refused.fields(),
        ["ai_provider.model", "ai_provider.base_url", "ai_provider.prices.currency_code"]
    );
    assert_eq!(get(&ceo).await.unwrap().etag, "W0");
}

#[tokio::test]
async fn a_stale_etag_is_refused_and_a_repeated_request_changes_nothing_more() {
    let world = world().await;
    let ceo = world.org("north").await.member("ada", Role::Ceo).await;
    change(&ceo, anthropic(), &["*"]).await.unwrap();
    let stale = pb::AiProvider { etag: "W0".into(), ..anthropic() };
    let mut request =
        update(pb::AiProvider { model: "m-2".into(), ..Default::default() }, &["model"]);
    request.request_id = Uuid::new_v4().to_string();

    let refused = change(&ceo, stale, &["*"]).await.unwrap_err();
    let first = providers(&ceo).update_ai_provider(request.clone()).await.unwrap().into_inner();
    let again = providers(&ceo).update_ai_provider(request).await.unwrap().into_inner();

    assert_eq!(refused.code(), Code::Aborted);
    assert_eq!(first, again);
    assert_eq!(get(&ceo).await.unwrap().etag, "W2");
}

#[tokio::test]
async fn only_whoever_may_looks_or_chooses() {
    let world = world().await;
    let north = world.org("north").await;
    for role in [Role::Manager, Role::Seo, Role::Viewer, Role::Finance] {
        let member = north.member(role.as_str(), role).await;
        assert_eq!(get(&member).await.unwrap_err().code(), Code::PermissionDenied, "{role}");
        let refused = change(&member, anthropic(), &["*"]).await.unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied, "{role}");
    }
    let reader = north.caller(&["administration.aiProvider.read"]);
    assert!(get(&reader).await.unwrap().allowed_actions.is_empty());
    let nobody = AiProviderServiceClient::new(reader.channel("administration"))
        .get_ai_connection(pb::GetAiConnectionRequest {})
        .await;
    assert_eq!(nobody.unwrap_err().code(), Code::Unauthenticated);
}

#[tokio::test]
async fn without_the_agent_service_the_rest_still_works() {
    let world = world().await;
    let ceo = world.org("north").await.member("ada", Role::Ceo).await;

    let refused =
        providers(&ceo).probe_ai_provider(pb::ProbeAiProviderRequest {}).await.unwrap_err();
    let usage = providers(&ceo).list_ai_usage(pb::ListAiUsageRequest::default()).await.unwrap_err();

    for status in [refused, usage] {
        assert_eq!((status.code(), status.cause()), (Code::Unavailable, "no_peer".into()));
    }
    assert!(change(&ceo, anthropic(), &["*"]).await.is_ok());
}
