//! A mesh with an agent, and a model at the other end of it.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use devsphere_auth::Role;
use devsphere_boot::Tasks;
use devsphere_proto::{
    administration::v1::{
        AiPrices, AiProvider, AiProviderKind, UpdateAiProviderRequest,
        ai_provider_service_client::AiProviderServiceClient,
    },
    agent::v1::{
        ComposeDraftRequest, Draft, DraftTask, GenerateDraftRequest, GenerateDraftResponse,
        ListUsageRequest, SiteProfile, generate_draft_response::Event,
        generation_service_client::GenerationServiceClient,
        usage_service_client::UsageServiceClient,
    },
    r#type::v1::{AiSpending, AiUsage, Brief, GenerationProgress, Source},
};
use devsphere_testkit::{
    Caller, CallerChannel, Org, Speak, World,
    provider::{Asked, Script, ScriptedProvider, Wire},
};
use prost_types::FieldMask;
use tonic::{Status, Streaming};
use uuid::Uuid;

/// What this binary starts.
const MODULES: [devsphere_boot::Module; 3] =
    [devsphere_identity::MODULE, devsphere_administration::MODULE, devsphere_agent::MODULE];

/// The key of every organisation's provider here.
pub(crate) const KEY: &str = "the-secret-of-this-test";

/// Three dollars for what is read, fifteen for what is written.
pub(crate) fn prices() -> AiPrices {
    AiPrices {
        currency_code: "USD".into(),
        input_micros: 3_000_000,
        output_micros: 15_000_000,
        ..AiPrices::default()
    }
}

pub(crate) struct Stage {
    pub(crate) world: World,
    pub(crate) model: ScriptedProvider,
    wire: Wire,
    is_open: Arc<AtomicBool>,
    _tasks: Tasks,
}

impl Stage {
    pub(crate) async fn new(
        wire: Wire,
        script: impl Fn(&Asked) -> Script + Send + Sync + 'static,
    ) -> Self {
        let tasks = Tasks::default();
        let model = ScriptedProvider::start(&tasks, script).await;
        let is_open = Arc::new(AtomicBool::new(true));
        let opened = is_open.clone();
        let world = World::tuned(&MODULES, move |config| {
            if opened.load(Ordering::Relaxed) {
                config.outside.allow_private = vec!["127.0.0.1".parse().unwrap()];
            }
        })
        .await;
        Self { world, model, wire, is_open, _tasks: tasks }
    }

    /// Services that start from now on reach nothing private.
    pub(crate) fn shut(&self) {
        self.is_open.store(false, Ordering::Relaxed);
    }

    /// An organisation that asks this model, and somebody of it.
    pub(crate) async fn org(&self, name: &str) -> (Org<'_>, Caller<'_>) {
        let org = self.world.org(name).await;
        self.connect(&org, AiProvider { prices: Some(prices()), ..self.provider() }).await;
        let writer = org.member("signe", Role::Seo).await;
        (org, writer)
    }

    pub(crate) fn provider(&self) -> AiProvider {
        let kind = match self.wire {
            Wire::Anthropic => AiProviderKind::Anthropic,
            Wire::OpenAi => AiProviderKind::Openai,
        };
        AiProvider {
            kind: kind.into(),
            base_url: self.model.url(self.wire),
            model: "model-1".into(),
            api_key: KEY.into(),
            ..AiProvider::default()
        }
    }

    /// Writes the organisation's settings, as its chief.
    pub(crate) async fn connect(&self, org: &Org<'_>, provider: AiProvider) {
        let ceo = org.member(&format!("ceo-{}", Uuid::new_v4()), Role::Ceo).await;
        let request = UpdateAiProviderRequest {
            ai_provider: Some(provider),
            update_mask: Some(FieldMask { paths: vec!["*".into()] }),
            ..UpdateAiProviderRequest::default()
        };
        let mut providers = AiProviderServiceClient::new(ceo.channel("administration"));
        providers.update_ai_provider(request).await.unwrap();
    }

    pub(crate) fn as_peer(&self, peer: &str, caller: &Caller<'_>) -> CallerChannel {
        Speak::peer_for(self.world.channel("agent"), peer, caller)
    }

    pub(crate) async fn stream(
        &self,
        caller: &Caller<'_>,
        task: DraftTask,
    ) -> Result<Streaming<GenerateDraftResponse>, Status> {
        let mut agent = GenerationServiceClient::new(self.as_peer("seo", caller));
        let request = GenerateDraftRequest { task: Some(task) };
        Ok(agent.generate_draft(request).await?.into_inner())
    }

    /// The whole of a draft: what was told on the way, and how it ended.
    pub(crate) async fn draft(
        &self,
        caller: &Caller<'_>,
        task: DraftTask,
    ) -> (Vec<GenerationProgress>, Result<Draft, Status>) {
        let mut told = Vec::new();
        let mut stream = match self.stream(caller, task).await {
            Ok(stream) => stream,
            Err(status) => return (told, Err(status)),
        };
        loop {
            match stream.message().await {
                Ok(Some(GenerateDraftResponse { event: Some(Event::Progress(progress)) })) => {
                    told.push(progress);
                }
                Ok(Some(GenerateDraftResponse { event: Some(Event::Draft(draft)) })) => {
                    return (told, Ok(draft));
                }
                Ok(other) => unreachable!("a stream that ends without a draft: {other:?}"),
                Err(status) => return (told, Err(status)),
            }
        }
    }

    pub(crate) async fn compose(
        &self,
        caller: &Caller<'_>,
        task: DraftTask,
    ) -> Result<Draft, Status> {
        let mut agent = GenerationServiceClient::new(self.as_peer("seo", caller));
        let request = ComposeDraftRequest { task: Some(task) };
        Ok(agent.compose_draft(request).await?.into_inner())
    }

    /// The organisation's ledger, the newest first.
    pub(crate) async fn usages(&self, caller: &Caller<'_>) -> Vec<AiUsage> {
        let mut ledger = UsageServiceClient::new(self.as_peer("administration", caller));
        let listed = ledger.list_usage(ListUsageRequest::default()).await.unwrap();
        listed.into_inner().usages
    }

    pub(crate) async fn spending(&self, caller: &Caller<'_>) -> AiSpending {
        let mut ledger = UsageServiceClient::new(self.as_peer("administration", caller));
        ledger
            .get_spending(devsphere_proto::agent::v1::GetSpendingRequest {})
            .await
            .unwrap()
            .into_inner()
    }
}

/// A text about accessible shops.
pub(crate) fn task() -> DraftTask {
    let source = Source {
        url: "https://law.example/act".into(),
        title: "The act".into(),
        excerpt: "Shops must be accessible from 28 June 2025.".into(),
        retrieve_time: None,
    };
    DraftTask {
        generation_id: Uuid::now_v7().to_string(),
        agent_key: "seo-content-writer".into(),
        title: "Accessible web design".into(),
        page_kind: "article".into(),
        brief: Some(Brief {
            topic: "What an accessible web shop costs".into(),
            target_words: 40,
            sources: vec![source],
            ..Brief::default()
        }),
        keywords: vec!["accessible web design".into()],
        site: Some(SiteProfile {
            display_name: "North".into(),
            base_url: "https://north.example".into(),
            language: "en".into(),
            ..SiteProfile::default()
        }),
        outline: Vec::new(),
    }
}
