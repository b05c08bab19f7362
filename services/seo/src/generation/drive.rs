//! An agent at work on a piece: what it tells is passed on, and what it writes becomes a version.

use std::{sync::Arc, time::Duration};

use devsphere_boot::{Ctx, MESSAGE_LIMIT, export::Chunks, peer_error, refusal};
use devsphere_error::{Error, Result};
use devsphere_ids::PersonId;
use devsphere_proto::{
    agent::v1::{
        Draft, DraftTask, GenerateDraftRequest, generate_draft_response::Event,
        generation_service_client::GenerationServiceClient,
    },
    seo::v1 as pb,
    r#type::v1::{GenerationProgress, GenerationStep},
};
use devsphere_rpc::validate;
use tokio::time::{sleep, timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use tracing::Instrument as _;

use super::{
    Ending, Generation, State, Step,
    hold::{Hold, Left, Unfinished, emit, passes},
    interrupted,
    listener::Listener,
    malformed, store,
};
use crate::content_piece::{self, Text};

/// A draft that is there is written although the database is busy: so often, with a pause between.
const MORE_WRITES: usize = 3;
const PAUSE: Duration = Duration::from_secs(1);

/// As many as a task takes when it is gone on with.
const MOST_HEADINGS: usize = 60;

/// What every driver needs.
#[derive(Clone)]
pub(super) struct Desk {
    pub(super) ctx: Ctx,
    pub(super) unfinished: Unfinished,
}

/// A try at work. Dropped before its end, because nobody listens or the process drains, it drops the
/// call to the agent and leaves the piece to whoever ends what is unfinished.
struct Driver {
    desk: Desk,
    hold: Arc<Hold>,
    generation: Generation,
    listener: Listener,
    /// How it ends when it is dropped.
    ending: Ending,
    has_ended: bool,
}

/// Lets an agent work in the background; whoever listens hears of it here.
pub(super) fn start(
    desk: Desk,
    hold: Arc<Hold>,
    generation: Generation,
    task: DraftTask,
    started: pb::GenerationStarted,
) -> Chunks<pb::GenerateDraftResponse> {
    let (listener, heard) = Listener::begin(started);
    let ending = Ending::failed(&interrupted());
    let tasks = desk.ctx.tasks().clone();
    let driver = Driver { desk, hold, generation, listener, ending, has_ended: false };
    tasks.spawn("generation", Box::pin(driver.run(task).in_current_span()));
    ReceiverStream::new(heard)
}

impl Driver {
    async fn run(mut self, task: DraftTask) {
        let (gone, stopping) = (self.listener.gone(), self.desk.ctx.stopping());
        let (hold, id) = (self.hold.clone(), self.generation.generation_id);
        let longest = self.desk.ctx.config().limits.longest_stream;
        let worked = tokio::select! {
            () = gone => {
                self.ending = Ending::cancelled();
                return;
            }
            () = stopping.cancelled() => return,
            lost = hold.keep(id) => Err(lost),
            worked = timeout(longest, self.work(task)) => worked.unwrap_or_else(|_| Err(interrupted())),
        };
        let settled = match worked {
            Ok(draft) => self.settle(&draft).await,
            Err(error) => Err(error),
        };
        match settled {
            Ok(drafted) => {
                self.has_ended = true;
                self.listener.end(Ok(drafted));
            }
            Err(error) => self.fail(&error).await,
        }
    }

    /// Asks the agent, and listens until it has a draft.
    async fn work(&mut self, task: DraftTask) -> Result<Draft> {
        let channel = self.desk.ctx.stub("agent")?.of(&self.hold.permit().await?);
        let mut agent =
            GenerationServiceClient::new(channel).max_decoding_message_size(MESSAGE_LIMIT);
        let request = GenerateDraftRequest { task: Some(task) };
        let mut told = agent.generate_draft(request).await.map_err(peer_error)?.into_inner();
        while let Some(message) = told.message().await.map_err(broken)? {
            match message.event {
                Some(Event::Progress(progress)) => self.note(progress).await?,
                Some(Event::Draft(draft)) => {
                    // Heard to its end, or the agent would take it for a caller who hangs up.
                    drop(told.message().await);
                    return Ok(draft);
                }
                None => {}
            }
        }
        Err(interrupted())
    }

    /// Writes what is worth it, and passes all of it on.
    async fn note(&mut self, progress: GenerationProgress) -> Result<()> {
        let sound = validate::checked(&progress).is_ok() && progress.outline.len() <= MOST_HEADINGS;
        if !sound {
            return Err(malformed("its outline breaks a rule"));
        }
        let has_outline = !progress.outline.is_empty();
        let waits =
            matches!(progress.step(), GenerationStep::Unspecified | GenerationStep::Waiting);
        if self.generation.state == State::Queued && (has_outline || !waits) {
            self.advance(Step::Start, Clone::clone).await?;
        }
        if self.generation.state == State::Running && has_outline {
            let outline = progress.outline.clone();
            self.advance(Step::Outline, |generation| generation.clone().outlined(outline)).await?;
        }
        self.listener.tell(progress);
        Ok(())
    }

    /// Takes a step on the way. What a busy database does not take down is no reason to stop.
    async fn advance(
        &mut self,
        step: Step,
        change: impl FnOnce(&Generation) -> Generation,
    ) -> Result<()> {
        let next = change(&self.generation.after(step)?);
        match self.hold.advance(step, &self.generation, &next).await {
            Ok(generation) => self.generation = generation,
            Err(error) if passes(&error) => {
                tracing::warn!(%error, event = step.event(), "not noted");
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Makes the draft a version, once it keeps the rules for texts.
    async fn settle(&mut self, draft: &Draft) -> Result<pb::GeneratedDraft> {
        check(draft)?;
        for _ in 0..MORE_WRITES {
            match self.write(draft).await {
                Err(error) if passes(&error) => {
                    tracing::warn!(%error, "a draft is not written yet");
                    sleep(PAUSE).await;
                }
                written => return written,
            }
        }
        self.write(draft).await
    }

    async fn write(&mut self, draft: &Draft) -> Result<pb::GeneratedDraft> {
        if self.generation.state == State::Queued {
            self.advance(Step::Start, Clone::clone).await?;
        }
        let ended = self.generation.after(Step::Succeed)?.having_cost(&draft.usages);
        let (content, findings) = (draft.content.clone().unwrap_or_default(), &draft.findings);
        let text = Text { content, findings: findings.clone() };

        let mut tx = self.hold.write().await?;
        let caller = tx.permit().caller().clone();
        let author_id = PersonId::from(caller.id());
        let id = ended.content_piece_id;
        let written = content_piece::write(&mut tx, id, text, author_id).await?;
        let (piece, version) = written.ok_or_else(interrupted)?;
        let ended = Generation { version_number: version.number, ..ended };
        let ended = store::finish(&mut tx, &ended).await?.ok_or_else(interrupted)?;
        emit(&mut tx, Step::Succeed.event(), Some(&self.generation), &ended)?;

        let drafted = pb::GeneratedDraft {
            generation: Some(ended.into()),
            content_piece: Some(content_piece::shown(piece, &caller)),
            content_version: Some(version),
        };
        tx.commit(drafted).await
    }

    /// Gives the piece back before anybody hears why.
    async fn fail(&mut self, error: &Error) {
        self.ending = Ending::failed(error);
        match self.hold.give_back(&self.generation, &self.ending).await {
            Ok(()) => self.has_ended = true,
            Err(problem) => tracing::warn!(%problem, "a piece is not given back yet"),
        }
        let refusal = refusal(&self.hold.last_permit(), error);
        self.listener.end(Err(refusal));
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        if self.has_ended {
            return;
        }
        let (hold, generation) = (self.hold.clone(), self.generation.clone());
        let left = Left { hold, generation, ending: self.ending.clone() };
        self.desk.unfinished.offer(self.generation.generation_id, left);
        let refusal = refusal(&self.hold.last_permit(), &interrupted());
        self.listener.end(Err(refusal));
    }
}

/// Refuses a draft that breaks a rule for texts, or is none: a peer's word is not enough.
fn check(draft: &Draft) -> Result<()> {
    match validate::checked(draft) {
        Ok(_) => {}
        Err(broken @ Error::Invalid(_)) => return Err(malformed(&broken.to_string())),
        Err(error) => return Err(error),
    }
    let content = draft.content.as_ref();
    let is_blank = |text: &str| text.trim().is_empty();
    if content.is_none_or(|content| is_blank(&content.title) || is_blank(&content.body)) {
        return Err(malformed("a title or a text is missing"));
    }
    Ok(())
}

/// A connection that broke says nothing of why; what the agent says itself passes on as it is.
fn broken(status: Status) -> Error {
    if status.details().is_empty() { interrupted() } else { Error::Peer(Box::new(status)) }
}
