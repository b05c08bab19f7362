//! The model that agents ask here: it answers whatever it is asked.

use devsphere_boot::{Config, Tasks};
use devsphere_proto::administration::v1::{AiConnection, AiProviderKind};
use devsphere_testkit::provider::{ScriptedProvider, Wire, author::author};

pub struct Model {
    provider: ScriptedProvider,
    _tasks: Tasks,
}

impl Model {
    pub async fn start() -> Self {
        let tasks = Tasks::default();
        Self { provider: ScriptedProvider::start(&tasks, author).await, _tasks: tasks }
    }

    pub fn url(&self) -> String {
        self.provider.url(Wire::OpenAi)
    }

    /// Offers it to every organisation.
    pub fn offer(&self) -> impl Fn(&mut Config) + Send + Sync + 'static {
        let offered = AiConnection {
            kind: AiProviderKind::Openai.into(),
            base_url: self.url(),
            model: "author".into(),
            ..AiConnection::default()
        };
        move |config| {
            config.outside.allow_private = vec!["127.0.0.1".parse().unwrap()];
            config.offered_ai = Some(offered.clone());
        }
    }
}
