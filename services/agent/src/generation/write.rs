//! The steps of a draft, each asked within the budget: outline, text, once more where that is broken, a
//! second reader.

use devsphere_auth::Permit;
use devsphere_error::{Error, Result};
use devsphere_proto::{
    administration::v1::Agent,
    agent::v1::{Draft, DraftTask},
    r#type::v1::{
        AiUsage, Content, Finding, GenerationProgress, GenerationStep, Heading, Severity,
    },
};
use tokio::sync::mpsc::Sender;
use uuid::Uuid;

use super::{CHECK_AT, DRAFT_AT, Event, OUTLINE_AT, drafted, finding, form, progress, prompt};
use crate::{
    connection::{Connection, Connections},
    ledger::{Answered, Ledger, Wait, given_up},
    provider::{Question, Reply},
    turns::Turns,
    usage::{Asked, Step},
};

/// Writes drafts, as many at a time as there are turns.
#[derive(Clone)]
pub(crate) struct Writer {
    connections: Connections,
    ledger: Ledger,
    turns: Turns,
}

/// Tells whoever listens how far a draft is.
pub(super) struct Teller(pub(super) Sender<Result<Event>>);

/// One draft in the making.
struct Work<'a> {
    ledger: &'a Ledger,
    permit: &'a Permit,
    connection: Connection,
    agent: Agent,
    model: String,
    task: &'a DraftTask,
    generation_id: Uuid,
    wait: &'a Wait<'a>,
    tell: &'a Teller,
    usages: Vec<AiUsage>,
}

impl Teller {
    /// Leaves it out where nobody has read the last one yet.
    fn progress(&self, progress: GenerationProgress) {
        let _ = self.0.try_send(Ok(Event::Progress(progress)));
    }

    async fn outline(&self, outline: &[Heading]) {
        let outline = outline.to_vec();
        let there = progress(GenerationStep::Draft, DRAFT_AT);
        let event = Event::Outline(GenerationProgress { outline, ..there });
        // Whoever hung up is noticed elsewhere.
        let _ = self.0.send(Ok(event)).await;
    }
}

impl Writer {
    pub(crate) const fn new(connections: Connections, ledger: Ledger, turns: Turns) -> Self {
        Self { connections, ledger, turns }
    }

    /// Writes a draft, when its turn has come.
    pub(super) async fn write(
        &self,
        permit: &Permit,
        task: &DraftTask,
        wait: &Wait<'_>,
        tell: &Teller,
    ) -> Result<Draft> {
        // Before the queue: what cannot be asked need not wait.
        let (connection, agent) = tokio::try_join!(
            self.connections.of(permit),
            self.connections.agent(permit, &task.agent_key),
        )?;
        let organization = permit.caller().organization().map(|organization| organization.id);
        let mut turn = self.turns.take(organization.unwrap_or_default())?;
        let mut told = |ahead: usize| {
            let ahead = i32::try_from(ahead).unwrap_or(i32::MAX);
            let waiting = progress(GenerationStep::Waiting, 0);
            tell.progress(GenerationProgress { ahead, ..waiting });
        };
        wait.given_up.run_until_cancelled(turn.come(&mut told)).await.ok_or_else(given_up)?;

        let model = if agent.model.is_empty() { &connection.model } else { &agent.model };
        let mut work = Work {
            ledger: &self.ledger,
            permit,
            model: model.clone(),
            connection,
            agent,
            task,
            generation_id: task.generation_id.parse().map_err(Error::internal)?,
            wait,
            tell,
            usages: Vec::new(),
        };
        work.run().await
    }
}

impl Work<'_> {
    async fn run(&mut self) -> Result<Draft> {
        let outline = self.outline().await?;
        self.tell.outline(&outline).await;
        let (content, mut findings) = self.text(&outline).await?;
        self.tell.progress(progress(GenerationStep::Check, CHECK_AT));
        findings.extend(self.flags(&content).await?);
        let usages = std::mem::take(&mut self.usages);
        Ok(Draft { content: Some(content), findings, usages })
    }

    async fn outline(&mut self) -> Result<Vec<Heading>> {
        if !self.task.outline.is_empty() {
            return Ok(self.task.outline.clone());
        }
        self.tell.progress(progress(GenerationStep::Outline, OUTLINE_AT));
        let question = prompt::outline(&self.agent, self.task, &self.model);
        let reply = self.ask(Step::Outline, &question).await?;
        Ok(form::outline(&structured(&reply)))
    }

    /// The text; a broken one is asked for once more, and then is none.
    async fn text(&mut self, outline: &[Heading]) -> Result<(Content, Vec<Finding>)> {
        let question = prompt::draft(&self.agent, self.task, outline, &self.model);
        let reply = self.ask(Step::Draft, &question).await?;
        let answer = structured(&reply);
        let wrong = match self.read(&answer, outline) {
            Ok(read) => return Ok(read),
            Err(wrong) => wrong,
        };
        let question = prompt::repair(&question, &answer, &wrong);
        let reply = self.ask(Step::Repair, &question).await?;
        self.read(&structured(&reply), outline).map_err(|wrong| Error::AiFailed {
            cause: "answer_malformed",
            message: format!("the model's text breaks the rules of the form twice: {wrong}"),
            retry_after: None,
        })
    }

    fn read(
        &self,
        answer: &serde_json::Value,
        outline: &[Heading],
    ) -> Result<(Content, Vec<Finding>), String> {
        let read = form::content(answer, self.task, outline)?;
        form::check(&read.0)?;
        Ok(read)
    }

    /// What a second reader flags. A draft that is paid for is not lost because nobody could read it.
    async fn flags(&mut self, content: &Content) -> Result<Vec<Finding>> {
        let question = prompt::check(&self.agent, self.task, content, &self.model);
        match self.ask(Step::Check, &question).await {
            Ok(reply) => Ok(prompt::flags(&structured(&reply), content)),
            Err(error) if self.wait.given_up.is_cancelled() => Err(error),
            Err(error @ (Error::AiFailed { .. } | Error::PlanLimit { .. })) => {
                let message =
                    format!("no second reader has looked for unsupported claims: {error}");
                Ok(vec![finding("not_checked", Severity::Error, message, "")])
            }
            Err(error) => Err(error),
        }
    }

    async fn ask(&mut self, step: Step, question: &Question) -> Result<Reply> {
        let asked = Asked {
            generation_id: self.generation_id,
            agent_key: &self.task.agent_key,
            step,
            provider_host: &self.connection.host,
        };
        let (task, tell) = (self.task, self.tell);
        let mut told = |characters| match step {
            Step::Draft | Step::Repair => tell.progress(drafted(task, characters)),
            _ => {}
        };
        let asked = (asked, question);
        let answered = self.ledger.ask(self.permit, &self.connection, asked, self.wait, &mut told);
        let Answered { reply, usage } = answered.await?;
        self.usages.push(usage);
        Ok(reply)
    }
}

/// The filled-in form; a question with one is answered by nothing else.
fn structured(reply: &Reply) -> serde_json::Value {
    reply.structured.clone().unwrap_or_default()
}
