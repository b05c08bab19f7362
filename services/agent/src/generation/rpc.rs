//! The wire: one function per method. Both methods write the same draft in a task of its own, which
//! stops when nobody listens to it any more.

use std::time::{Duration, Instant};

use devsphere_auth::Permit;
use devsphere_boot::{Ctx, Tasks, refusal};
use devsphere_error::{Error, Result};
use devsphere_proto::agent::v1::{
    self as pb, DraftTask, generate_draft_response, generation_service_server::GenerationService,
};
use devsphere_rpc::admit;
use tokio::sync::mpsc::{self, Receiver};
use tokio_stream::{StreamExt as _, wrappers::ReceiverStream};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};
use tracing::Instrument as _;

use super::{
    Event,
    write::{Teller, Writer},
};
use crate::ledger::Wait;

/// Before a stream is cut for its age, so much is left to say how it ended.
const LAST_WORDS: Duration = Duration::from_secs(15);

/// Messages that wait for a slow reader.
const UNREAD: usize = 4;

/// What a stream of a draft says.
type Messages =
    Box<dyn tokio_stream::Stream<Item = Result<pb::GenerateDraftResponse, Status>> + Send + Unpin>;

/// Drafts, over whoever writes them.
pub(crate) struct Generations {
    writer: Writer,
    tasks: Tasks,
    stopping: CancellationToken,
    longest: Duration,
}

impl Generations {
    /// The service of that context.
    pub(crate) fn new(ctx: &Ctx, writer: Writer) -> Self {
        let longest = ctx.config().limits.longest_stream.saturating_sub(LAST_WORDS);
        Self { writer, tasks: ctx.tasks().clone(), stopping: ctx.stopping(), longest }
    }

    /// Begins to write; dropping the receiver stops it.
    fn begin(&self, permit: Permit, task: DraftTask) -> Receiver<Result<Event>> {
        let (sender, receiver) = mpsc::channel(UNREAD);
        let (writer, given_up) = (self.writer.clone(), self.stopping.child_token());
        let deadline = permit.facts().deadline.unwrap_or_else(|| Instant::now() + self.longest);
        let work = async move {
            let hung_up = async {
                sender.closed().await;
                given_up.cancel();
                std::future::pending::<()>().await;
            };
            let (wait, tell) = (Wait { deadline, given_up: &given_up }, Teller(sender.clone()));
            let draft = tokio::select! {
                draft = writer.write(&permit, &task, &wait, &tell) => draft,
                () = hung_up => return,
            };
            let last = draft.map(|draft| Event::Draft(Box::new(draft)));
            let _ = sender.send(last).await;
        };
        self.tasks.spawn("draft", work.in_current_span());
        receiver
    }

    fn generate(&self, (permit, request): (Permit, pb::GenerateDraftRequest)) -> Result<Messages> {
        let events = ReceiverStream::new(self.begin(permit.clone(), task(request.task)?));
        Ok(Box::new(
            events
                .map(move |event| event.map(Into::into).map_err(|error| refusal(&permit, &error))),
        ))
    }

    async fn compose(
        &self,
        (permit, request): (Permit, pb::ComposeDraftRequest),
    ) -> Result<pb::Draft> {
        let mut events = self.begin(permit, task(request.task)?);
        while let Some(event) = events.recv().await {
            if let Event::Draft(draft) = event? {
                return Ok(*draft);
            }
        }
        Err(crate::ledger::given_up())
    }
}

/// The rules of the contract ask for one.
fn task(task: Option<DraftTask>) -> Result<DraftTask> {
    task.ok_or_else(|| Error::field("task", "is required"))
}

impl From<Event> for pb::GenerateDraftResponse {
    fn from(event: Event) -> Self {
        let event = match event {
            Event::Progress(progress) | Event::Outline(progress) => {
                generate_draft_response::Event::Progress(progress)
            }
            Event::Draft(draft) => generate_draft_response::Event::Draft(*draft),
        };
        Self { event: Some(event) }
    }
}

#[tonic::async_trait]
impl GenerationService for Generations {
    type GenerateDraftStream = Messages;

    async fn generate_draft(
        &self,
        request: Request<pb::GenerateDraftRequest>,
    ) -> Result<Response<Messages>, Status> {
        Ok(Response::new(self.generate(admit(request)?)?))
    }

    async fn compose_draft(
        &self,
        request: Request<pb::ComposeDraftRequest>,
    ) -> Result<Response<pb::Draft>, Status> {
        Ok(Response::new(self.compose(admit(request)?).await?))
    }
}
