//! Whom an organisation's agents ask.

use std::time::Duration;

use devsphere_auth::Role;
use devsphere_boot::Tasks;
use devsphere_proto::administration::v1::{
    AiConnection, AiProvider, AiProviderKind, ListAgentsRequest, PauseAgentRequest,
    UpdateAiProviderRequest, agent_service_client::AgentServiceClient,
    ai_provider_service_client::AiProviderServiceClient,
};
use devsphere_testkit::{
    StatusExt as _, World,
    provider::{ScriptedProvider, Wire, author::author},
};

use prost_types::FieldMask;

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

/// Hosts that are, or could be taken for, this machine or what only this network reaches.
const PRIVATE: &str = "127.0.0.1 127.0.0.2 127.1.2.3 127.255.255.254 0.0.0.0 0.1.2.3 [::1] [::] \
    [0:0:0:0:0:0:0:1] [::0.0.0.1] 10.0.0.1 172.16.0.1 192.168.1.1 100.64.0.1 [fc00::1] [fd12::1] \
    169.254.169.254 [fd00:ec2::254] 192.0.2.1 224.0.0.1 255.255.255.255 [fe80::1] \
    [::ffff:127.0.0.1] [::ffff:7f00:1] [::127.0.0.1] [::ffff:0:127.0.0.1] [2002:7f00:1::] \
    [64:ff9b::127.0.0.1] [64:ff9b:1::127.0.0.1] [2001:0:7f00:1::] 2130706433 017700000001 0x7f000001 \
    0x7f.0x0.0x0.0x1 0177.0.0.1 127.1 127.0.1 127.0.0.01 127.0.0.1. 127.1. localhost LOCALHOST \
    localhost. a.localhost db.internal models.local models.home.arpa %31%32%37.0.0.1 127%2e0%2e0%2e1 \
    127.0.0.%31 [::1%lo] user@127.0.0.1 user:pass@127.0.0.1 127.0.0.1@127.0.0.1 public.example@127.0.0.1 \
    127.0.0.1#@public.example public.example%23@127.0.0.1 127.0.0.1\\@public.example 127。0。0。1 ⑫7.0.0.1";

#[tokio::test]
async fn of_120_spellings_of_a_private_address_none_is_called() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let modules =
        [devsphere_identity::MODULE, devsphere_administration::MODULE, devsphere_agent::MODULE];
    let world = World::start(&modules).await;
    let north = world.org("north").await;
    let ceo = north.member("clara", Role::Ceo).await;
    let mut providers = AiProviderServiceClient::new(ceo.channel("administration"));
    let hosts: Vec<_> = PRIVATE.split_whitespace().collect();
    let mut tried = 0;

    for host in hosts {
        for scheme in ["http", "https"] {
            let provider = AiProvider {
                kind: AiProviderKind::Openai.into(),
                base_url: format!("{scheme}://{host}:{port}/v1"),
                model: "m".into(),
                ..AiProvider::default()
            };
            let update_mask = Some(FieldMask { paths: vec!["*".into()] });
            let ai_provider = Some(provider);
            let request =
                UpdateAiProviderRequest { ai_provider, update_mask, ..Default::default() };
            let refused = providers.update_ai_provider(request).await.unwrap_err();
            assert_eq!(refused.fields(), ["ai_provider.base_url"], "{scheme}://{host}");
            tried += 1;
        }
    }

    assert!(tried >= 120, "{tried}");
    let came = tokio::time::timeout(Duration::ZERO, listener.accept()).await;
    assert!(came.is_err(), "somebody was called");
}

#[tokio::test]
async fn an_address_that_was_let_in_is_held_against_the_operators_word_again_when_it_is_called() {
    let stage = Stage::new(Wire::OpenAi, author).await;
    let (_north, writer) = stage.org("north").await;
    let calls = stage.model.calls().len();
    stage.draft(&writer, task()).await.1.unwrap();
    assert_eq!(stage.model.calls().len(), calls + 3, "what the operator allows is called");
    // The row is there, and this mesh's operator allows nothing any more.
    let agent = stage.world.stop_one("agent").await;
    stage.shut();
    stage.world.start_one(agent).await;

    let refused = stage.draft(&writer, task()).await.1.unwrap_err();

    assert_eq!(refused.cause(), "provider_blocked");
    assert_eq!(stage.model.calls().len(), calls + 3);
}
