//! The agent loses its power while it writes: each piece is back or has its draft, and each question
//! is paid for once.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use devsphere_boot::Tasks;
use devsphere_proto::{
    administration::v1::{
        AiPrices, AiProvider, AiProviderKind, GetAiSpendingRequest, UpdateAiProviderRequest,
        ai_provider_service_client::AiProviderServiceClient,
    },
    identity::v1::Grant,
    seo::v1::{
        ContentPiece, ContentPieceState, CreateContentPieceRequest, CreateSiteRequest,
        GenerateDraftRequest, GetContentPieceRequest, Site,
        content_piece_service_client::ContentPieceServiceClient, generate_draft_response::Event,
        generation_service_client::GenerationServiceClient, site_service_client::SiteServiceClient,
    },
    r#type::v1::Brief,
};
use devsphere_testkit::{
    StatusExt as _, eventually,
    provider::{Asked, Script, ScriptedProvider, Wire, author::author},
};
use futures_util::future::join_all;
use prost_types::FieldMask;
use sqlx::{ConnectOptions as _, Row as _};
use tonic::{Code, Status};

use super::{
    front::Front,
    set::{GATEWAY, SERVICES, Set},
};
use crate::counts::full_or;

const ORGANIZATIONS: usize = 10;
const PIECES: usize = 5;

/// Whoever asks once more is no faster than a person.
const AT_WORK: usize = 20;

/// A model that takes its time over a text.
fn slow(asked: &Asked) -> Script {
    match asked.tool.as_ref().unwrap().name.as_str() {
        "draft" => author(asked).pieces(40).pause(Duration::from_millis(50)),
        _ => author(asked),
    }
}

/// An organisation that asks the model, and its pieces with a brief each.
struct Desk {
    grant: Grant,
    pieces: Vec<String>,
}

impl Desk {
    async fn arrange(front: &Front, model: &ScriptedProvider, number: usize) -> Self {
        let grant = front.sign_up(&format!("ada{number}@example.com")).await;
        let provider = AiProvider {
            kind: AiProviderKind::Anthropic.into(),
            base_url: model.url(Wire::Anthropic),
            model: "slow".into(),
            prices: Some(AiPrices {
                currency_code: "USD".into(),
                input_micros: 3_000_000,
                output_micros: 15_000_000,
                ..AiPrices::default()
            }),
            ..AiProvider::default()
        };
        let update = UpdateAiProviderRequest {
            ai_provider: Some(provider),
            update_mask: Some(FieldMask { paths: vec!["*".into()] }),
            ..UpdateAiProviderRequest::default()
        };
        let mut providers = AiProviderServiceClient::new(front.signed(&grant));
        providers.update_ai_provider(update).await.unwrap();
        let site = Site {
            display_name: "Lindqvist".into(),
            base_url: "https://lindqvist.example".into(),
            language: "en".into(),
            ..Site::default()
        };
        let create = CreateSiteRequest { site: Some(site), ..CreateSiteRequest::default() };
        let site = SiteServiceClient::new(front.signed(&grant)).create_site(create).await;
        let site_id = site.unwrap().into_inner().site_id;
        let mut pieces = Vec::new();
        for number in 0..PIECES {
            let topic = format!("What shop number {number} costs");
            let piece = ContentPiece {
                site_id: site_id.clone(),
                title: format!("Shop {number}"),
                brief: Some(Brief { topic, ..Brief::default() }),
                ..ContentPiece::default()
            };
            let create = CreateContentPieceRequest {
                content_piece: Some(piece),
                ..CreateContentPieceRequest::default()
            };
            let mut stub = ContentPieceServiceClient::new(front.signed(&grant));
            let created = stub.create_content_piece(create).await.unwrap().into_inner();
            pieces.push(created.content_piece_id);
        }
        Self { grant, pieces }
    }

    /// Waits until an agent is there again.
    async fn is_answered(&self, front: &Front) {
        eventually("the agent's return", async || {
            let mut stub = AiProviderServiceClient::new(front.signed(&self.grant));
            stub.get_ai_spending(GetAiSpendingRequest {}).await.ok()
        })
        .await;
    }

    /// Has an agent write a piece, to its end.
    async fn generate(&self, front: &Front, piece: &str) -> Result<(), Status> {
        let mut stub = GenerationServiceClient::new(front.signed(&self.grant));
        let request = GenerateDraftRequest {
            content_piece_id: piece.into(),
            ..GenerateDraftRequest::default()
        };
        let mut told = stub.generate_draft(request).await?.into_inner();
        while let Some(message) = told.message().await? {
            if let Some(Event::Draft(_)) = message.event {
                return Ok(());
            }
        }
        unreachable!("a stream that ends without an end")
    }

    async fn state(&self, front: &Front, piece: &str) -> (ContentPieceState, i32) {
        let mut stub = ContentPieceServiceClient::new(front.signed(&self.grant));
        let request = GetContentPieceRequest { content_piece_id: piece.into() };
        let piece = stub.get_content_piece(request).await.unwrap().into_inner();
        (piece.state(), piece.version_number)
    }
}

/// Every piece is where it may be, without anybody's help.
async fn all_are_somewhere(front: &Front, desks: &[Desk]) -> usize {
    let mut drafts = 0;
    for desk in desks {
        for piece in &desk.pieces {
            let (state, versions) = eventually("a piece that nobody writes", async || {
                let found = desk.state(front, piece).await;
                (found.0 != ContentPieceState::Generating).then_some(found)
            })
            .await;
            match (state, versions) {
                (ContentPieceState::Brief, 0) => {}
                (ContentPieceState::Draft, 1..) => drafts += 1,
                other => unreachable!("a piece in {other:?}"),
            }
        }
    }
    drafts
}

/// The ledger against what the provider saw: a line for each call, each step of a try once, and the
/// months their sum.
#[expect(clippy::print_stdout, reason = "shown when the test fails, and in a soak")]
async fn paid_once(set: &Set, model: &ScriptedProvider, kills: usize) {
    let mut owner = set.backend.admin().connect().await.unwrap();
    let lines = sqlx::query(
        "select generation_id::text || ' ' || step, state, input_tokens, output_tokens from agent.usage",
    );
    let lines = lines.fetch_all(&mut owner).await.unwrap();
    let mut states: BTreeMap<String, usize> = BTreeMap::new();
    let mut steps = BTreeSet::new();
    for line in &lines {
        assert!(steps.insert(line.get::<String, _>(0)), "{} twice", line.get::<String, _>(0));
        let state: String = line.get(1);
        if state == "succeeded" {
            assert_eq!((line.get::<i64, _>(2), line.get::<i64, _>(3)), (100, 20));
        }
        *states.entry(state).or_default() += 1;
    }
    let calls = model.calls().len();
    println!("{calls} calls, {} lines: {states:?}", lines.len());
    // Whoever dies between the line and the call leaves a line without one, and never the other way.
    let running = states.get("running").copied().unwrap_or_default();
    assert!(lines.len() >= calls && lines.len() - calls <= running, "{calls} and {states:?}");
    assert!(running > 0 && running <= 32 * kills, "{states:?}");
    let sums = sqlx::query(
        "select (select sum(tokens)::bigint from agent.month), (select sum(cost_micros)::bigint from agent.month),
                sum(input_tokens + output_tokens + cache_read_tokens + cache_write_tokens)::bigint,
                sum(cost_micros)::bigint from agent.usage",
    );
    let sums = sums.fetch_one(&mut owner).await.unwrap();
    let of = |place: usize| sums.get::<i64, _>(place);
    assert_eq!((of(0), of(1)), (of(2), of(3)), "the months are the sum of the lines");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_that_dies_during_fifty_generations_leaves_each_piece_whole_and_each_question_paid_once()
 {
    let tasks = Tasks::default();
    let model = ScriptedProvider::start(&tasks, slow).await;
    let set = Set::arrange_of(&[1], "1h").await.patient().open();
    // Everybody may found an organisation here.
    let open = "update identity.instance set sign_up = 'open', sign_up_chosen = true";
    let mut owner = set.backend.admin().connect().await.unwrap();
    sqlx::query(open).execute(&mut owner).await.unwrap();
    let mut running = Vec::new();
    for name in SERVICES.into_iter().filter(|name| *name != "agent").chain([GATEWAY]) {
        running.push(set.start(name, 1).await);
    }
    let mut agent = set.start("agent", 1).await;
    let front = Front::of(&set);
    let mut desks = Vec::new();
    for number in 0..ORGANIZATIONS {
        desks.push(Desk::arrange(&front, &model, number).await);
    }
    let all = || desks.iter().flat_map(|desk| desk.pieces.iter().map(move |piece| (desk, piece)));

    let kills = full_or(10, 1);
    for _ in 0..kills {
        let open = async {
            let busy = async || (model.open() >= AT_WORK).then_some(());
            eventually("agents at work", busy).await;
            agent.kill().await;
        };
        let asked = all().map(|(desk, piece)| desk.generate(&front, piece));
        let (ended, ()) = tokio::join!(join_all(asked), open);
        let refused: Vec<_> = ended.into_iter().filter_map(Result::err).collect();
        assert!(refused.len() >= AT_WORK, "{}", refused.len());
        for status in refused {
            let told = (status.code(), status.reason());
            let clear = ["AI_FAILED", "UNAVAILABLE", "OVERLOADED", "BAD_TRANSITION"];
            assert!(clear.contains(&&*told.1), "{told:?}: {}", status.message());
            assert!(matches!(told.0, Code::Unavailable | Code::FailedPrecondition), "{told:?}");
        }
        all_are_somewhere(&front, &desks).await;
        agent = set.start("agent", 1).await;
        desks[0].is_answered(&front).await;
    }

    paid_once(&set, &model, kills).await;
    let again = all().map(|(desk, piece)| desk.generate(&front, piece));
    for ended in join_all(again).await {
        ended.unwrap();
    }
    assert_eq!(all_are_somewhere(&front, &desks).await, ORGANIZATIONS * PIECES);
    drop((running, agent));
}
