//! Drafts with the agent itself, asking a provider whose answers are scripted.

use std::sync::Arc;

use devsphere_boot::{Config, Module, Tasks};
use devsphere_proto::{
    administration::v1::{AiConnection, AiPrices, AiProviderKind},
    seo::v1::{self as pb, generate_draft_response::Event},
    r#type::v1::GenerationStep,
};
use devsphere_testkit::{
    StatusExt as _, World, eventually,
    provider::{Asked, Script, ScriptedProvider, Wire},
};
use serde_json::json;
use tonic::Code;

use super::{Told, failed, generation, generations, of, piece_of};
use crate::content_piece::{Desk, create, on};

const MODULES: [Module; 4] = [
    devsphere_identity::MODULE,
    devsphere_administration::MODULE,
    devsphere_agent::MODULE,
    devsphere_seo::MODULE,
];

/// A mesh with an agent, and the provider that it asks.
struct Writing {
    world: World,
    provider: Arc<ScriptedProvider>,
}

impl Writing {
    async fn start(script: impl Fn(&Asked) -> Script + Send + Sync + 'static) -> Self {
        let provider = Arc::new(ScriptedProvider::start(&Tasks::default(), script).await);
        let prices = AiPrices {
            currency_code: "USD".into(),
            input_micros: 3_000_000,
            output_micros: 15_000_000,
            ..Default::default()
        };
        let offered = AiConnection {
            kind: AiProviderKind::Anthropic.into(),
            base_url: provider.url(Wire::Anthropic),
            model: "model-1".into(),
            api_key: "key".into(),
            prices: Some(prices),
            ..Default::default()
        };
        let world = Self::mesh(Some(offered)).await;
        Self { world, provider }
    }

    async fn mesh(offered: Option<AiConnection>) -> World {
        let tune = move |config: &mut Config| {
            config.limits = devsphere_testkit::patient();
            config.outside.allow_private = vec!["127.0.0.1".parse().unwrap()];
            config.offered_ai.clone_from(&offered);
        };
        World::tuned(&MODULES, tune).await
    }

    /// How often the provider was asked for that.
    fn asked_for(&self, tool: &str) -> usize {
        self.provider.calls().iter().filter(|asked| is_for(asked, tool)).count()
    }
}

fn is_for(asked: &Asked, tool: &str) -> bool {
    asked.tool.as_ref().is_some_and(|asked| asked.name == tool)
}

/// What a good model answers.
fn good(asked: &Asked) -> Script {
    let outline = json!([{"level": 2, "text": "Where to begin"}]);
    match asked.tool.as_ref().map_or("", |tool| tool.name.as_str()) {
        "outline" => Script::tool(&json!({ "outline": outline })),
        "draft" => Script::tool(&json!({
            "title": "Accessible web design",
            "slug": "accessible-web-design",
            "meta_description": "What it costs, and where to begin.",
            "outline": outline,
            "body": "## Where to begin\n\nEvery shop must be accessible.",
            "faq": [],
            "json_ld": "",
            "internal_links": [],
            "images": [],
            "sources": [],
        })),
        _ => Script::tool(&json!({"flags": [{
            "quote": "Every shop must be accessible.",
            "kind": "unsupported_claim",
            "severity": "error",
            "message": "Nothing says so.",
        }]})),
    }
}

/// Writes an outline, and then begins a text and falls silent.
fn falls_silent(asked: &Asked) -> Script {
    if is_for(asked, "draft") { good(asked).pieces(9).silent_after(3) } else { good(asked) }
}

fn refuses(_: &Asked) -> Script {
    Script::refusal(401, "authentication_error", "invalid x-api-key")
}

#[tokio::test]
async fn an_agent_writes_a_version_step_by_step_and_says_what_it_cost() {
    let writing = Writing::start(good).await;
    let north = writing.world.org("north").await;
    let desk = Desk::of(&north).await;
    let piece = create(&mut desk.pieces(), on(&desk.site)).await;
    let mut told = Told::begin(&mut generations(&desk.writer), of(&piece)).await.unwrap();
    told.started().await;

    let (mut percents, mut steps) = (Vec::new(), Vec::new());
    let drafted = loop {
        match told.next().await.unwrap().unwrap() {
            Event::Progress(progress) => {
                percents.push(progress.percent);
                steps.push(progress.step());
            }
            Event::Draft(drafted) => break drafted,
            Event::Started(_) => unreachable!("begun twice"),
        }
    };

    assert!(percents.is_sorted(), "{percents:?}");
    assert!(steps.contains(&GenerationStep::Draft), "{steps:?}");
    let version = drafted.content_version.unwrap();
    assert_eq!((version.number, version.origin()), (1, pb::ContentOrigin::Agent));
    assert_eq!(version.content.unwrap().title, "Accessible web design");
    let found = version.checks.unwrap().findings;
    assert!(found.iter().any(|finding| finding.rule == "unsupported_claim"), "{found:?}");
    let tried = drafted.generation.unwrap();
    assert_eq!((tried.state(), tried.outline.len()), (pb::GenerationState::Succeeded, 1));
    // Three questions: outline, text and second reader, 100 tokens read and 20 written each.
    assert_eq!((tried.tokens, tried.cost_micros), (360, 3 * (100 * 3 + 20 * 15)));
    assert_eq!((&*tried.model, &*tried.currency_code), ("model-1", "USD"));
    assert_eq!(drafted.content_piece.unwrap().state(), pb::ContentPieceState::Draft);
}

#[tokio::test]
async fn a_provider_that_refuses_leaves_a_brief_and_the_reason() {
    let writing = Writing::start(refuses).await;
    let north = writing.world.org("north").await;
    let desk = Desk::of(&north).await;
    let piece = create(&mut desk.pieces(), on(&desk.site)).await;
    let mut own = generations(&desk.writer);

    let (started, refused) = failed(&mut own, of(&piece)).await;

    assert_eq!((&*refused.reason(), &*refused.cause()), ("AI_FAILED", "provider_unauthorized"));
    let after = piece_of(&desk, &piece).await;
    assert_eq!((after.state(), after.version_number), (pb::ContentPieceState::Brief, 0));
    assert_eq!(after.generation_failure, refused.message());
    let tried = generation(&mut own, &started).await;
    assert_eq!(
        (tried.state(), &*tried.failure),
        (pb::GenerationState::Failed, "provider_unauthorized")
    );
}

#[tokio::test]
async fn without_a_provider_nothing_pretends() {
    let world = Writing::mesh(None).await;
    let north = world.org("north").await;
    let desk = Desk::of(&north).await;
    let piece = create(&mut desk.pieces(), on(&desk.site)).await;

    let (_, refused) = failed(&mut generations(&desk.writer), of(&piece)).await;

    assert_eq!((refused.code(), &*refused.cause()), (Code::Internal, "no_provider"));
    assert_eq!(piece_of(&desk, &piece).await.state(), pb::ContentPieceState::Brief);
}

#[tokio::test]
async fn an_older_text_is_kept_when_the_next_try_fails() {
    let writing = Writing::start(refuses).await;
    let north = writing.world.org("north").await;
    let desk = Desk::of(&north).await;
    let piece = desk.draft().await;

    failed(&mut generations(&desk.writer), of(&piece)).await;

    let after = piece_of(&desk, &piece).await;
    assert_eq!((after.state(), after.version_number), (pb::ContentPieceState::Draft, 1));
}

#[tokio::test]
async fn whoever_hangs_up_stops_the_provider_and_goes_on_from_the_outline_later() {
    let writing = Writing::start(falls_silent).await;
    let north = writing.world.org("north").await;
    let desk = Desk::of(&north).await;
    let piece = create(&mut desk.pieces(), on(&desk.site)).await;
    let mut own = generations(&desk.writer);
    let mut told = Told::begin(&mut own, of(&piece)).await.unwrap();
    let started = told.started().await;
    eventually("the text", async || (writing.asked_for("draft") == 1).then_some(())).await;

    drop(told);
    let cancelled = eventually("the end", async || {
        let found = generation(&mut generations(&desk.writer), &started).await;
        (found.state() == pb::GenerationState::Cancelled).then_some(found)
    })
    .await;
    eventually("the provider", async || (writing.provider.open() == 0).then_some(())).await;

    assert_eq!(piece_of(&desk, &piece).await.state(), pb::ContentPieceState::Brief);
    assert_eq!(cancelled.outline[0].text, "Where to begin");
    let resume_generation_id = cancelled.generation_id;
    let resumed = pb::GenerateDraftRequest { resume_generation_id, ..of(&piece) };
    let mut told = Told::begin(&mut own, resumed).await.unwrap();
    assert_eq!(told.started().await.generation.unwrap().outline, cancelled.outline);
    eventually("the text", async || (writing.asked_for("draft") == 2).then_some(())).await;
    assert_eq!(writing.asked_for("outline"), 1, "it is not asked for again");
}
