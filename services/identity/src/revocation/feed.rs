//! One reader of the database for all who watch, at work only while anybody does.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use devsphere_auth::Anonymous;
use devsphere_boot::Tasks;
use devsphere_db::FunctionDb;
use tokio::{
    sync::{Notify, watch},
    time::{Instant, MissedTickBehavior, interval, timeout},
};

use super::{Log, store};

/// A read that takes longer tells nothing: who watches must notice the silence.
const PATIENCE: Duration = Duration::from_secs(1);

/// What this replica knows, and who wants to.
pub(crate) struct Feed {
    db: FunctionDb,
    every: Duration,
    tasks: Tasks,
    log: Mutex<Log>,
    /// How often the database was read; whoever watches waits for the next time.
    reads: watch::Sender<u64>,
    watchers: AtomicUsize,
    at_work: AtomicBool,
    wanted: Notify,
}

/// Keeps the reader at work.
pub(crate) struct Watcher {
    pub(crate) feed: Arc<Feed>,
    pub(crate) reads: watch::Receiver<u64>,
}

impl Feed {
    pub(crate) fn new(db: FunctionDb, every: Duration, tasks: &Tasks) -> Arc<Self> {
        Arc::new(Self {
            db,
            every,
            tasks: tasks.clone(),
            log: Mutex::default(),
            reads: watch::Sender::new(0),
            watchers: AtomicUsize::new(0),
            at_work: AtomicBool::new(false),
            wanted: Notify::new(),
        })
    }

    /// Watches from now on; the next read is at once.
    pub(crate) fn watch(self: &Arc<Self>, proof: &Anonymous) -> Watcher {
        self.watchers.fetch_add(1, Ordering::SeqCst);
        let watcher = Watcher { feed: self.clone(), reads: self.reads.subscribe() };
        self.wanted.notify_one();
        if !self.at_work.swap(true, Ordering::SeqCst) {
            let (feed, proof) = (self.clone(), proof.clone());
            self.tasks.spawn("revocations", async move { feed.read(&proof).await });
        }
        watcher
    }

    pub(crate) fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn read(&self, proof: &Anonymous) {
        let mut ticks = interval(self.every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = self.wanted.notified() => {}
            }
            if !self.goes_on() {
                return;
            }
            match timeout(PATIENCE, store::recent(&self.db, proof)).await {
                Ok(Ok(rows)) => {
                    self.log().take_in(&rows, Instant::now());
                    self.reads.send_modify(|reads| *reads += 1);
                }
                Ok(Err(error)) => tracing::warn!(%error, "revocations cannot be read"),
                Err(_) => tracing::warn!("revocations cannot be read in time"),
            }
        }
    }

    /// False once nobody watches; whoever comes at that moment begins anew.
    fn goes_on(&self) -> bool {
        if self.watchers.load(Ordering::SeqCst) > 0 {
            return true;
        }
        self.at_work.store(false, Ordering::SeqCst);
        self.watchers.load(Ordering::SeqCst) > 0 && !self.at_work.swap(true, Ordering::SeqCst)
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.feed.watchers.fetch_sub(1, Ordering::SeqCst);
        // The reader looks whether it is alone.
        self.feed.wanted.notify_one();
    }
}
