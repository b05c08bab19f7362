//! A provider of models for tests: both wire formats over loopback, each call scripted and noted.

mod anthropic;
mod asked;
pub mod author;
mod openai;
mod record;
mod script;
mod serve;

use std::sync::Arc;

use devsphere_boot::Tasks;
use tokio::net::TcpListener;

pub use asked::{Asked, AskedTool, Wire};
pub use record::HungUp;
pub use script::{Script, Tokens};

use record::Record;

/// Answers whoever asks as the test says, and remembers it.
pub struct ScriptedProvider {
    port: u16,
    record: Arc<Record>,
}

impl ScriptedProvider {
    /// Listens on a free port of 127.0.0.1; `script` says what each call meets.
    ///
    /// # Panics
    /// When nothing can listen there.
    pub async fn start(
        tasks: &Tasks,
        script: impl Fn(&Asked) -> Script + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let record = Arc::<Record>::default();
        serve::run(listener, tasks, record.clone(), Arc::new(script));
        Self { port, record }
    }

    /// The base address for a connection of that format.
    pub fn url(&self, wire: Wire) -> String {
        match wire {
            Wire::Anthropic => format!("http://127.0.0.1:{}", self.port),
            Wire::OpenAi => format!("http://127.0.0.1:{}/v1", self.port),
        }
    }

    /// Every call so far, in order.
    pub fn calls(&self) -> Vec<Asked> {
        self.record.calls()
    }

    /// How many calls are being answered.
    pub fn open(&self) -> usize {
        self.record.open()
    }

    /// Every call whose client left before the answer was over.
    pub fn hung_up(&self) -> Vec<HungUp> {
        self.record.hung_up()
    }
}
