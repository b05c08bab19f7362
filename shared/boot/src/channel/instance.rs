//! One instance of a service: kept connected, asked whether it serves, replaced in time.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{sync::watch, time::timeout};
use tokio_util::sync::CancellationToken;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus as Said, health_client::HealthClient,
};

use super::line::Line;
use crate::Remote;

/// How often an instance is asked, and how long it may take to say so.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// So many questions in a row without an answer: another connection may have more luck.
const SILENT: u32 = 5;

/// Between two tries to connect: at first, and at most, so that its return is soon noticed.
const PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// What is known of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nothing yet.
    Untried,
    /// No connection.
    Away,
    /// Connected; says that it does not serve, or says nothing.
    Out,
    /// Serves.
    In,
}

/// An instance.
pub(super) struct Instance {
    pub(super) address: SocketAddr,
    now: Mutex<Now>,
    busy: AtomicUsize,
    /// Wakes those who wait for an instance.
    changed: watch::Sender<()>,
}

struct Now {
    line: Option<Arc<Line>>,
    standing: Standing,
    why: String,
}

/// A call that waits for this instance's answer.
pub(super) struct Busy(Arc<Instance>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.busy.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Instance {
    pub(super) fn new(address: SocketAddr, changed: watch::Sender<()>) -> Self {
        let now = Now { line: None, standing: Standing::Untried, why: "not tried yet".into() };
        Self { address, now: Mutex::new(now), busy: AtomicUsize::new(0), changed }
    }

    pub(super) fn standing(&self) -> Standing {
        let now = self.now();
        match &now.line {
            // A connection that is gone is noticed here first.
            Some(line) if !line.is_open() => Standing::Away,
            _ => now.standing,
        }
    }

    /// Why it takes no calls.
    pub(super) fn why(&self) -> String {
        self.now().why.clone()
    }

    /// How many calls wait for it.
    pub(super) fn load(&self) -> usize {
        self.busy.load(Ordering::Relaxed)
    }

    /// Its connection, for one call.
    pub(super) fn take(self: &Arc<Self>) -> Option<(Arc<Line>, Busy)> {
        let line = self.now().line.clone()?;
        self.busy.fetch_add(1, Ordering::Relaxed);
        Some((line, Busy(self.clone())))
    }

    /// Keeps it connected, for as long as it is one of the service's.
    pub(super) async fn tend(self: Arc<Self>, remote: Remote) {
        let mut pause = PAUSE;
        loop {
            match Line::to_instance(&remote, self.address).await {
                Ok(line) => {
                    pause = PAUSE;
                    self.attend(&remote, line).await;
                    self.note(Standing::Away, "the connection ended");
                }
                Err(failed) => self.note(Standing::Away, &failed.to_string()),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Asks on a connection until it ends.
    async fn attend(&self, remote: &Remote, mut line: Line) {
        self.now().line = Some(Arc::new(line.clone()));
        let mut silent = 0;
        let mut old = deadline(&line);
        loop {
            match ask(&line).await {
                Ok(Said::Serving) => {
                    silent = 0;
                    self.note(Standing::In, "");
                }
                Ok(_) => {
                    silent = 0;
                    self.note(Standing::Out, "says that it does not serve");
                }
                Err(why) => {
                    silent += 1;
                    // A single slow answer takes nobody out.
                    if silent > 1 || self.standing() != Standing::In {
                        self.note(Standing::Out, &why);
                    }
                }
            }
            if silent >= SILENT || !line.is_open() {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(ASK_EVERY) => {}
                () = line.ended.cancelled() => return,
                () = tokio::time::sleep_until(old) => {
                    // Calls go on over the old one until they are done; none begins on it any more.
                    // Without a fresh one it is used to its end, which the other side sees to.
                    if let Ok(fresh) = Line::to_instance(remote, self.address).await {
                        self.now().line = Some(Arc::new(fresh.clone()));
                        line = fresh;
                        old = deadline(&line);
                    } else {
                        old = tokio::time::Instant::now() + ASK_EVERY;
                    }
                }
            }
        }
    }

    fn note(&self, standing: Standing, why: &str) {
        let mut now = self.now();
        if standing == Standing::Away {
            now.line = None;
        }
        let before = std::mem::replace(&mut now.standing, standing);
        why.clone_into(&mut now.why);
        drop(now);
        if before != standing {
            tracing::debug!(address = %self.address, ?standing, why, "instance");
            self.changed.send_replace(());
        }
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn deadline(line: &Line) -> tokio::time::Instant {
    // What is about to end is not asked for again and again.
    let good_for = line.good_for.unwrap_or(Duration::MAX / 4).max(ASK_EVERY);
    let now = tokio::time::Instant::now();
    now.checked_add(good_for).unwrap_or(now + Duration::from_secs(86_400))
}

async fn ask(line: &Line) -> Result<Said, String> {
    let mut health = HealthClient::new(line.clone());
    match timeout(ASK_EVERY, health.check(HealthCheckRequest::default())).await {
        Ok(Ok(said)) => Ok(said.into_inner().status()),
        Ok(Err(status)) => Err(format!("does not say whether it serves: {status}")),
        Err(_) => Err("says nothing".into()),
    }
}

/// Where an instance is tended, until it is one no more.
pub(super) struct Tended {
    pub(super) instance: Arc<Instance>,
    stop: CancellationToken,
}

impl Tended {
    pub(super) fn begin(instance: Instance, remote: Remote) -> Self {
        let (instance, stop) = (Arc::new(instance), CancellationToken::new());
        let (tended, end) = (Box::pin(instance.clone().tend(remote)), stop.clone());
        tokio_util::task::TaskTracker::new()
            .spawn(async move { end.run_until_cancelled(tended).await });
        Self { instance, stop }
    }
}

impl Drop for Tended {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
