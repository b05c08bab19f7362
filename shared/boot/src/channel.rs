//! The way to a service, wherever it listens: one socket, or several instances behind one name.

mod instance;
mod line;
mod set;

use std::{
    future::Future,
    path::PathBuf,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use http::{Request, Response};
use tonic::{TimeoutExpired, body::Body, codegen::Service};

use crate::{Endpoint, grpc_timeout};
use line::{Line, Unanswered};
use set::Set;

/// A call that finds no instance waits for one; a restart of the only one takes no longer.
const PATIENCE: Duration = Duration::from_secs(2);

/// A call that was never sent is handed on so often.
const HANDED_ON: usize = 4;

/// The way to a service. Cheap to copy; copies share their connections.
#[derive(Clone)]
pub struct Channel(Arc<Way>);

enum Way {
    Socket(Socket),
    Instances(Set),
}

/// Why a call has no answer.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// It never left.
    #[error("{place} cannot be reached: {cause}")]
    Unreached {
        /// Which service, and where.
        place: String,
        /// Why not.
        cause: String,
    },
    /// The connection broke, or the other end ended the call.
    #[error("connection to {place}")]
    Broken {
        /// Which service, and where.
        place: String,
        /// What the connection says.
        #[source]
        source: hyper::Error,
    },
    /// The caller waits no longer.
    #[error("no answer in time")]
    Late(#[source] TimeoutExpired),
}

/// A channel to an endpoint, which connects with its first call and again when cut. To several
/// instances it keeps connections, and asks each whether it serves, as long as a copy of it lives.
pub fn channel(endpoint: &Endpoint) -> Channel {
    Channel(Arc::new(match endpoint {
        Endpoint::Unix(path) => Way::Socket(Socket {
            path: path.clone(),
            line: Mutex::default(),
            opening: <_>::default(),
        }),
        Endpoint::Tcp(remote) => Way::Instances(Set::begin(remote.clone())),
    }))
}

impl Channel {
    async fn send(&self, request: Request<Body>) -> Result<Response<Body>, Failed> {
        let header = request.headers().get("grpc-timeout").and_then(|value| value.to_str().ok());
        let Some(left) = header.and_then(grpc_timeout) else { return self.pass(request).await };
        match tokio::time::timeout(left, self.pass(request)).await {
            Ok(answer) => answer,
            Err(_) => Err(Failed::Late(TimeoutExpired(()))),
        }
    }

    /// Sends a request; what was certainly not sent goes out again on another connection.
    async fn pass(&self, mut request: Request<Body>) -> Result<Response<Body>, Failed> {
        let mut left = HANDED_ON;
        loop {
            let sent = match &*self.0 {
                Way::Socket(socket) => socket.line().await?.send(request).await,
                Way::Instances(set) => {
                    let (line, _busy) = set.choose(PATIENCE).await?;
                    line.send(request).await
                }
            };
            match sent {
                Ok(response) => return Ok(response),
                Err(Unanswered { unsent: Some(unsent), .. }) if left > 0 => {
                    left -= 1;
                    request = *unsent;
                }
                Err(Unanswered { failed, .. }) => return Err(failed),
            }
        }
    }
}

impl Service<Request<Body>> for Channel {
    type Response = Response<Body>;
    type Error = Failed;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Failed>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Failed>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let channel = self.clone();
        Box::pin(async move { channel.send(request).await })
    }
}

/// A service on this machine, on one connection.
struct Socket {
    path: PathBuf,
    line: Mutex<Option<Line>>,
    /// One opens it, the others wait.
    opening: tokio::sync::Mutex<()>,
}

impl Socket {
    async fn line(&self) -> Result<Line, Failed> {
        if let Some(line) = self.open_line() {
            return Ok(line);
        }
        let _alone = self.opening.lock().await;
        if let Some(line) = self.open_line() {
            return Ok(line);
        }
        let line = Line::to_socket(&self.path).await?;
        *self.line.lock().unwrap_or_else(PoisonError::into_inner) = Some(line.clone());
        Ok(line)
    }

    fn open_line(&self) -> Option<Line> {
        let line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        line.as_ref().filter(|line| line.is_open()).cloned()
    }
}
