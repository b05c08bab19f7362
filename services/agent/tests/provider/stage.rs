//! A scripted provider, and whoever asks it.

use std::{
    sync::LazyLock,
    time::{Duration, Instant},
};

use devsphere_agent::provider::{
    Connection, Failure, Kind, Message, Patience, Provider, Question, Reply, Role, Tool, Usage,
};
use devsphere_boot::Tasks;
use devsphere_egress::{Client, Policy};
use devsphere_testkit::provider::{Asked, Script, ScriptedProvider, Wire};
use serde_json::json;

use crate::log;

pub(crate) const KEY: &str = "the-secret-of-this-test";

pub(crate) struct Stage {
    pub(crate) wire: Wire,
    pub(crate) scripted: ScriptedProvider,
    pub(crate) patience: Patience,
    _tasks: Tasks,
}

impl Stage {
    pub(crate) async fn new(
        wire: Wire,
        script: impl Fn(&Asked) -> Script + Send + Sync + 'static,
    ) -> Self {
        log::listen();
        let tasks = Tasks::default();
        let scripted = ScriptedProvider::start(&tasks, script).await;
        let pause = Duration::from_millis(1);
        let patience = Patience { pause, ..Patience::default() };
        Self { wire, scripted, patience, _tasks: tasks }
    }

    /// Every call meets the same.
    pub(crate) async fn always(wire: Wire, script: Script) -> Self {
        Self::new(wire, move |_| script.clone()).await
    }

    /// The first call meets that, every other an answer.
    pub(crate) async fn first(wire: Wire, script: Script) -> Self {
        let then = Script::text("At last.");
        Self::new(wire, move |asked| if asked.number == 0 { &script } else { &then }.clone()).await
    }

    pub(crate) fn provider(&self) -> Provider {
        Provider::new(self.connection(), &client()).unwrap()
    }

    pub(crate) fn connection(&self) -> Connection {
        Connection {
            kind: kind(self.wire),
            base_url: self.scripted.url(self.wire),
            key: KEY.to_owned().into(),
            patience: self.patience,
        }
    }

    pub(crate) async fn ask(&self, question: &Question) -> Result<Reply, Failure> {
        self.heard(question).await.0
    }

    /// The outcome, and what was told on the way: the pieces and the latest usage.
    pub(crate) async fn heard(&self, question: &Question) -> (Result<Reply, Failure>, Told) {
        let mut told = Told::default();
        let outcome = self
            .provider()
            .ask(question, soon(), &mut |progress| {
                told.text.push_str(progress.delta);
                told.characters = progress.characters;
                told.usage = progress.usage;
            })
            .await;
        (outcome, told)
    }
}

#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) text: String,
    pub(crate) characters: usize,
    pub(crate) usage: Usage,
}

pub(crate) const fn kind(wire: Wire) -> Kind {
    match wire {
        Wire::Anthropic => Kind::Anthropic,
        Wire::OpenAi => Kind::OpenAi,
    }
}

/// A client that reaches this machine; one for all, as it reads the system's certificates.
pub(crate) fn client() -> Client {
    log::listen();
    static CLIENT: LazyLock<Client> = LazyLock::new(|| {
        let allow_private = vec!["127.0.0.1".parse().unwrap()];
        Client::new(Policy { allow_private, ..Policy::default() }).unwrap()
    });
    CLIENT.clone()
}

pub(crate) fn soon() -> Instant {
    Instant::now() + Duration::from_secs(20)
}

pub(crate) fn question() -> Question {
    Question {
        model: "model-1".into(),
        system: "You write for agencies.".into(),
        messages: vec![Message { role: Role::User, text: "About gardens, please.".into() }],
        tool: None,
        max_output_tokens: 500,
        temperature: None,
    }
}

pub(crate) fn form() -> Question {
    let schema = json!({"type": "object", "properties": {"title": {"type": "string"}}});
    let tool = Tool { name: "draft".into(), description: "The draft".into(), schema };
    Question { tool: Some(tool), ..question() }
}
