//! Drafts by an agent: who may ask for one, and what becomes of a piece whose agent fails.

mod at_work;
mod broken;
mod list;
mod refused;
mod released;
mod stranger;
mod trace;
mod with_agent;

use std::time::Duration;

use devsphere_proto::seo::v1::{
    self as pb, generate_draft_response::Event, generation_service_client::GenerationServiceClient,
};
use devsphere_testkit::{Caller, CallerChannel, StatusExt as _, World};
use tokio::time::timeout;
use tonic::{Code, Status, Streaming};

use super::content_piece::{Desk, create, get, on};

type Generations = GenerationServiceClient<CallerChannel>;

fn generations(caller: &Caller<'_>) -> Generations {
    GenerationServiceClient::new(caller.channel("seo"))
}

fn of(piece: &pb::ContentPiece) -> pb::GenerateDraftRequest {
    let content_piece_id = piece.content_piece_id.clone();
    pb::GenerateDraftRequest { content_piece_id, ..Default::default() }
}

/// What is told of a try, message by message.
struct Told(Streaming<pb::GenerateDraftResponse>);

impl Told {
    async fn begin(
        generations: &mut Generations,
        request: pb::GenerateDraftRequest,
    ) -> Result<Self, Status> {
        Ok(Self(generations.generate_draft(request).await?.into_inner()))
    }

    async fn next(&mut self) -> Result<Option<Event>, Status> {
        let message = timeout(Duration::from_secs(20), self.0.message()).await;
        Ok(message.expect("the next message within 20 s")?.and_then(|message| message.event))
    }

    /// The first message.
    async fn started(&mut self) -> pb::GenerationStarted {
        let first = self.next().await.unwrap();
        let Some(Event::Started(started)) = first else { unreachable!("heard first: {first:?}") };
        started
    }

    /// All until the end, without progress, and how it ends.
    async fn ended(&mut self) -> Result<pb::GeneratedDraft, Status> {
        loop {
            if let Event::Draft(draft) = self.next().await?.expect("an end") {
                return Ok(draft);
            }
        }
    }
}

/// Asks for a draft, and waits until it has failed.
async fn failed(
    generations: &mut Generations,
    request: pb::GenerateDraftRequest,
) -> (pb::GenerationStarted, Status) {
    let mut told = Told::begin(generations, request).await.unwrap();
    let started = told.started().await;
    (started, told.ended().await.unwrap_err())
}

async fn generation(
    generations: &mut Generations,
    started: &pb::GenerationStarted,
) -> pb::Generation {
    let generation_id = started.generation.as_ref().unwrap().generation_id.clone();
    let request = pb::GetGenerationRequest { generation_id };
    generations.get_generation(request).await.unwrap().into_inner()
}

async fn piece_of(desk: &Desk<'_>, piece: &pb::ContentPiece) -> pb::ContentPiece {
    get(&mut desk.pieces(), &piece.content_piece_id).await.unwrap()
}

/// The events of a noun, the oldest first.
async fn names(world: &World, noun: &str) -> Vec<String> {
    crate::traces(world, noun).await.0
}

#[tokio::test]
async fn without_an_agent_the_try_fails_and_the_piece_is_a_brief_again() {
    let world = crate::world().await;
    let north = world.org("north").await;
    let desk = Desk::of(&north).await;
    let piece = create(&mut desk.pieces(), on(&desk.site)).await;
    let mut own = generations(&desk.writer);

    let (started, refused) = failed(&mut own, of(&piece)).await;

    let (begun, taken) = (started.generation.clone().unwrap(), started.content_piece.clone());
    assert_eq!(begun.state(), pb::GenerationState::Queued);
    assert_eq!(begun.asked_by, desk.writer.person_id().to_string());
    let taken = taken.unwrap();
    assert_eq!(taken.state(), pb::ContentPieceState::Generating);
    assert_eq!(taken.allowed_actions, Vec::<String>::new());
    assert_eq!((refused.code(), refused.cause().as_str()), (Code::Unavailable, "no_peer"));
    let after = piece_of(&desk, &piece).await;
    assert_eq!(after.state(), pb::ContentPieceState::Brief);
    assert_eq!(after.generation_failure, refused.message());
    assert_eq!(after.allowed_actions, ["update", "write", "generate", "delete"]);
    let ended = generation(&mut own, &started).await;
    assert_eq!(ended.state(), pb::GenerationState::Failed);
    assert_eq!(
        (ended.failure.as_str(), ended.failure_message.as_str()),
        ("no_peer", refused.message())
    );
    assert!(ended.start_time.is_none() && ended.end_time.is_some());
}
