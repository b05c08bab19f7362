//! A service from listener to handler: configuration, the one stack, health, reflection, telemetry, drain.

mod channel;
mod ctx;
pub mod export;
mod health;
mod late;
mod listen;
mod notes;
mod peers;
pub mod probe;
pub mod reflection;
mod refusal;
mod renewer;
mod revocation;
mod serve;
mod service;
mod stack;
pub mod telemetry;
pub mod tls;

pub use channel::{Channel, Failed, channel};
pub use ctx::{Config, Ctx, Endpoint, Limits, Module, Remote};
pub use late::Late;
pub use listen::Listen;
pub use notes::{DENIED, Notes};
pub use peers::{Forward, Renew, RenewHandle, Stub, peer_error};
pub use refusal::refusal;
pub use renewer::Renewer;
pub use revocation::{Cut, Holder, Revocations, WINDOW};
pub use serve::{Running, serve};
pub use service::{BadService, Service};
pub use stack::grpc_timeout;
pub use tls::Certificates;

/// The largest message, both ways.
pub const MESSAGE_LIMIT: usize = 4 * 1024 * 1024;

/// Starts a background task; the one way to do so, so that none is forgotten at the end.
#[derive(Clone, Default)]
pub struct Tasks {
    tracker: tokio_util::task::TaskTracker,
    stop: tokio_util::sync::CancellationToken,
}

impl Tasks {
    /// Runs `work` until it ends or the process drains.
    pub fn spawn(&self, name: &'static str, work: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        self.tracker.spawn(async move {
            if stop.run_until_cancelled(work).await.is_none() {
                tracing::debug!(task = name, "stopped");
            }
        });
    }

    /// A token that is cancelled when the process drains.
    pub fn stopping(&self) -> tokio_util::sync::CancellationToken {
        self.stop.clone()
    }

    /// Asks every task to end, and waits.
    pub async fn stop(&self) {
        self.stop.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }
}
