//! Something in the agent's place that says what a test wants, as no agent of ours would: a service
//! believes no peer's word.

use devsphere_boot::{Config, Endpoint, Limits};
use devsphere_proto::{
    agent::v1::{
        ComposeDraftRequest, Draft, DraftTask, GenerateDraftRequest, GenerateDraftResponse,
        generate_draft_response::Event,
        generation_service_server::{GenerationService, GenerationServiceServer},
    },
    r#type::v1::{AiUsage, Content, Finding, GenerationProgress, GenerationStep, Heading},
};
use devsphere_testkit::World;
use tokio::{
    net::UnixListener,
    sync::{
        Mutex,
        mpsc::{self, UnboundedReceiver, UnboundedSender},
    },
};
use tokio_stream::wrappers::{UnboundedReceiverStream, UnixListenerStream};
use tonic::{Request, Response, Status, async_trait, transport::Server};

type Said = Result<GenerateDraftResponse, Status>;

/// A world with a stranger where its services look for an agent.
pub(super) struct Beside {
    pub(super) world: World,
    calls: Mutex<UnboundedReceiver<Call>>,
}

/// A call that the stranger answers.
pub(super) struct Call {
    pub(super) task: DraftTask,
    answers: UnboundedSender<Said>,
}

struct Stranger(UnboundedSender<Call>);

impl Beside {
    pub(super) async fn start() -> Self {
        let place = std::env::temp_dir().join(format!("stranger-{}.sock", crate::request_id()));
        let at = place.clone();
        let tune = move |config: &mut Config| {
            config.limits = Limits { ..devsphere_testkit::patient() };
            config.peers.insert("agent", Endpoint::Unix(at.clone()));
        };
        let world = World::tuned(&crate::MODULES, tune).await;
        let (sender, calls) = mpsc::unbounded_channel();
        let listener = UnixListenerStream::new(UnixListener::bind(place).unwrap());
        let server = Server::builder().add_service(GenerationServiceServer::new(Stranger(sender)));
        world.tasks().spawn("stranger", async move {
            server.serve_with_incoming(listener).await.unwrap();
        });
        Self { world, calls: Mutex::new(calls) }
    }

    /// The next call.
    pub(super) async fn called(&self) -> Call {
        self.calls.lock().await.recv().await.unwrap()
    }

    /// Whether there is a call that nobody has looked at.
    pub(super) async fn was_called(&self) -> bool {
        self.calls.lock().await.try_recv().is_ok()
    }
}

impl Call {
    fn say(&self, event: Event) {
        // Whoever hung up hears nothing.
        let _ = self.answers.send(Ok(GenerateDraftResponse { event: Some(event) }));
    }

    pub(super) fn progress(&self, step: GenerationStep, percent: i32) {
        let progress = GenerationProgress { step: step.into(), percent, ..Default::default() };
        self.say(Event::Progress(progress));
    }

    pub(super) fn outline(&self, level: i32, text: &str) {
        let heading = Heading { level, text: text.into() };
        self.say(Event::Progress(GenerationProgress {
            step: GenerationStep::Outline.into(),
            outline: vec![heading],
            ..Default::default()
        }));
    }

    pub(super) fn draft(&self, draft: Draft) {
        self.say(Event::Draft(draft));
    }

    /// As an agent does.
    pub(super) fn ends_well(self) {
        self.progress(GenerationStep::Waiting, 0);
        self.outline(2, "Prices");
        self.progress(GenerationStep::Draft, 60);
        self.draft(draft());
    }

    /// No more is said, and that is all.
    pub(super) fn end(self) {}

    pub(super) fn fail(self, status: Status) {
        let _ = self.answers.send(Err(status));
    }

    /// Waits until whoever asked hangs up.
    pub(super) async fn hung_up(&self) {
        self.answers.closed().await;
    }
}

/// A draft that keeps the rules, with what it cost.
pub(super) fn draft() -> Draft {
    let usage = |tokens, cost_micros| AiUsage {
        input_tokens: tokens,
        output_tokens: 1,
        cost_micros,
        currency_code: "USD".into(),
        model: "model-7".into(),
        ..Default::default()
    };
    let finding = Finding { rule: "unsupported_claim".into(), ..Default::default() };
    Draft {
        content: Some(Content {
            title: "Accessible web design".into(),
            slug: "accessible-web-design".into(),
            body: "Accessible web design begins with a keyboard.".into(),
            ..Default::default()
        }),
        findings: vec![finding],
        usages: vec![usage(100, 7), usage(200, 8)],
    }
}

#[async_trait]
impl GenerationService for Stranger {
    type GenerateDraftStream = UnboundedReceiverStream<Said>;

    async fn generate_draft(
        &self,
        request: Request<GenerateDraftRequest>,
    ) -> Result<Response<Self::GenerateDraftStream>, Status> {
        let (answers, said) = mpsc::unbounded_channel();
        let task = request.into_inner().task.unwrap();
        self.0.send(Call { task, answers }).unwrap();
        Ok(Response::new(UnboundedReceiverStream::new(said)))
    }

    async fn compose_draft(
        &self,
        _: Request<ComposeDraftRequest>,
    ) -> Result<Response<Draft>, Status> {
        Err(Status::unimplemented("nobody composes"))
    }
}
