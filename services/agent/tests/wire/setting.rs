//! Whom an organisation's agents ask.

use devsphere_auth::Role;
use devsphere_boot::Tasks;
use devsphere_proto::administration::v1::{
    AiConnection, AiProvider, AiProviderKind, ListAgentsRequest, PauseAgentRequest,
    agent_service_client::AgentServiceClient,
};
use devsphere_testkit::{
    StatusExt as _, World,
    provider::{ScriptedProvider, Wire, author::author},
};

use crate::stage::{Stage, task};

#[tokio::test]
async fn without_a_provider_the_answer_says_so() {
    let stage = Stage::new(Wire::Anthropic, author).await;
    let north = stage.world.org("north").await;
    let writer = north.member("signe", Role::Seo).await;

    let refused = stage.draft(&writer, task()).await.1.unwrap_err();

    assert_eq!((refused.reason(), refused.cause()), ("AI_FAILED".into(), "no_provider".into()));
    assert!(refused.message().contains("AI settings"), "{}", refused.message());
    assert_eq!(stage.usages(&writer).await.len(), 0);
}

#[tokio::test]
async fn a_paused_agent_is_given_no_work() {
    let stage = Stage::new(Wire::Anthropic, author).await;
    let (north, writer) = stage.org("north").await;
    let ceo = north.member("clara", Role::Ceo).await;
    let mut agents = AgentServiceClient::new(ceo.channel("administration"));
    let listed = agents.list_agents(ListAgentsRequest {}).await.unwrap().into_inner().agents;
    let one = listed.iter().find(|agent| agent.agent_key == "seo-content-writer").unwrap();
    let pause =
        PauseAgentRequest { agent_id: one.agent_id.clone(), ..PauseAgentRequest::default() };
    agents.pause_agent(pause).await.unwrap();

    let refused = stage.draft(&writer, task()).await.1.unwrap_err();

    assert_eq!(refused.cause(), "agent_paused");
    assert_eq!(stage.model.calls().len(), 0);
}

#[tokio::test]
async fn an_agents_own_model_goes_before_the_organisations() {
    let stage = Stage::new(Wire::Anthropic, author).await;
    let (north, writer) = stage.org("north").await;
    let other = AiProvider { model: "model-2".into(), ..stage.provider() };
    stage.draft(&writer, task()).await.1.unwrap();
    stage.connect(&north, other).await;

    stage.draft(&writer, task()).await.1.unwrap();

    let models: Vec<_> = stage.model.calls().into_iter().map(|asked| asked.model).collect();
    assert_eq!(models, ["model-1", "model-1", "model-1", "model-2", "model-2", "model-2"]);
}

#[tokio::test]
async fn what_the_installation_offers_serves_whoever_has_none_of_their_own() {
    let tasks = Tasks::default();
    let model = ScriptedProvider::start(&tasks, author).await;
    let offered = AiConnection {
        kind: AiProviderKind::Openai.into(),
        base_url: model.url(Wire::OpenAi),
        model: "house-model".into(),
        api_key: "house-key".into(),
        ..AiConnection::default()
    };
    let modules =
        [devsphere_identity::MODULE, devsphere_administration::MODULE, devsphere_agent::MODULE];
    let world = World::tuned(&modules, move |config| {
        config.outside.allow_private = vec!["127.0.0.1".parse().unwrap()];
        config.offered_ai = Some(offered.clone());
    })
    .await;
    let north = world.org("north").await;
    let writer = north.member("signe", Role::Seo).await;
    let channel = devsphere_testkit::Speak::peer_for(world.channel("agent"), "seo", &writer);
    let mut agent =
        devsphere_proto::agent::v1::generation_service_client::GenerationServiceClient::new(
            channel,
        );

    let request = devsphere_proto::agent::v1::ComposeDraftRequest { task: Some(task()) };
    agent.compose_draft(request).await.unwrap();

    let asked = &model.calls()[0];
    assert_eq!((&*asked.model, &*asked.key), ("house-model", "house-key"));
}
