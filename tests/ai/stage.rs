//! The whole mesh with a model at the end of it that is as the test wants it.

use std::sync::Arc;

use devsphere_auth::Role;
use devsphere_boot::Tasks;
use devsphere_proto::{
    administration::v1::{
        AiPrices, AiProvider, AiProviderKind, UpdateAiProviderRequest,
        ai_provider_service_client::AiProviderServiceClient,
    },
    seo::v1::{
        ContentPiece, CreateContentPieceRequest, CreateKeywordRequest, CreateSiteRequest,
        GenerateDraftRequest, GeneratedDraft, Keyword, Site,
        content_piece_service_client::ContentPieceServiceClient, generate_draft_response::Event,
        generation_service_client::GenerationServiceClient,
        keyword_service_client::KeywordServiceClient, site_service_client::SiteServiceClient,
    },
};
use devsphere_testkit::{
    Caller, World,
    provider::{Asked, Script, ScriptedProvider, Wire},
};
use prost_types::FieldMask;
use tonic::Status;

use super::corpus::Hostile;
use crate::matrix::stage::MODULES;

pub struct Stage {
    pub world: World,
    pub model: Arc<ScriptedProvider>,
    _tasks: Tasks,
}

/// Somebody who writes, for a site of their organisation.
pub struct Desk<'w> {
    pub writer: Caller<'w>,
    site: Site,
}

impl Stage {
    pub async fn new(script: impl Fn(&Asked) -> Script + Send + Sync + 'static) -> Self {
        let tasks = Tasks::default();
        let model = Arc::new(ScriptedProvider::start(&tasks, script).await);
        let world = World::tuned(&MODULES, |config| {
            config.outside.allow_private = vec!["127.0.0.1".parse().unwrap()];
        })
        .await;
        Self { world, model, _tasks: tasks }
    }

    /// An organisation whose provider has that key and that budget of tokens.
    pub async fn desk(&self, name: &str, api_key: &str, monthly_token_budget: i64) -> Desk<'_> {
        let org = self.world.org(name).await;
        let ceo = org.member("clara", Role::Ceo).await;
        let provider = AiProvider {
            kind: AiProviderKind::Anthropic.into(),
            base_url: self.model.url(Wire::Anthropic),
            model: "obedient".into(),
            api_key: api_key.into(),
            prices: Some(AiPrices {
                currency_code: "USD".into(),
                input_micros: 3_000_000,
                output_micros: 15_000_000,
                ..AiPrices::default()
            }),
            monthly_token_budget,
            ..AiProvider::default()
        };
        let update = UpdateAiProviderRequest {
            ai_provider: Some(provider),
            update_mask: Some(FieldMask { paths: vec!["*".into()] }),
            ..UpdateAiProviderRequest::default()
        };
        let mut providers = AiProviderServiceClient::new(ceo.channel("administration"));
        providers.update_ai_provider(update).await.unwrap();
        let writer = org.member("signe", Role::Seo).await;
        let site = Site {
            display_name: "Lindqvist".into(),
            base_url: "https://lindqvist.example".into(),
            language: "en".into(),
            ..Site::default()
        };
        let create = CreateSiteRequest { site: Some(site), ..CreateSiteRequest::default() };
        let site = SiteServiceClient::new(writer.channel("seo")).create_site(create).await;
        Desk { writer, site: site.unwrap().into_inner() }
    }
}

impl Desk<'_> {
    /// A piece with that brief, in state `brief`.
    pub async fn piece(&self, hostile: Hostile) -> ContentPiece {
        let site_id = self.site.site_id.clone();
        let keyword =
            Keyword { site_id: site_id.clone(), phrase: hostile.phrase, ..Keyword::default() };
        let create =
            CreateKeywordRequest { keyword: Some(keyword), ..CreateKeywordRequest::default() };
        let mut keywords = KeywordServiceClient::new(self.writer.channel("seo"));
        let keyword = keywords.create_keyword(create).await.unwrap().into_inner();
        let piece = ContentPiece {
            site_id,
            title: hostile.title,
            keyword_ids: vec![keyword.keyword_id],
            brief: Some(hostile.brief),
            ..ContentPiece::default()
        };
        let create = CreateContentPieceRequest {
            content_piece: Some(piece),
            ..CreateContentPieceRequest::default()
        };
        let mut pieces = ContentPieceServiceClient::new(self.writer.channel("seo"));
        pieces.create_content_piece(create).await.unwrap().into_inner()
    }

    /// Has an agent write it.
    pub async fn generate(&self, piece: &ContentPiece) -> Result<GeneratedDraft, Status> {
        let mut generations = GenerationServiceClient::new(self.writer.channel("seo"));
        let request = GenerateDraftRequest {
            content_piece_id: piece.content_piece_id.clone(),
            ..GenerateDraftRequest::default()
        };
        let mut told = generations.generate_draft(request).await?.into_inner();
        while let Some(message) = told.message().await? {
            if let Some(Event::Draft(draft)) = message.event {
                return Ok(draft);
            }
        }
        unreachable!("a stream that ends without an end")
    }
}
