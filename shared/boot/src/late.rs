//! What is written after the answer: a bounded queue, emptied in batches at a bounded rate.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use devsphere_error::Result;
use opentelemetry::{KeyValue, metrics::Counter};
use tokio::sync::Notify;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// So many entries wait at most; more are dropped, and counted.
const LONGEST: usize = 1024;
/// So many are written at once, and a pause lies between two batches: 200 a second.
const BATCH: usize = 100;
const PAUSE: Duration = Duration::from_millis(500);

/// A queue of entries by key. One that comes again while the first waits is counted there.
pub struct Late<K, T>(Arc<Waiting<K, T>>);

impl<K, T> Clone for Late<K, T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

struct Waiting<K, T> {
    entries: Mutex<HashMap<K, (T, u32)>>,
    came: Notify,
    went: Notify,
    name: &'static str,
    dropped: AtomicU64,
    counter: Counter<u64>,
}

/// The writers of a service, so that none is cut off at its end.
#[derive(Clone, Default)]
pub(crate) struct Writers {
    tracker: TaskTracker,
    end: CancellationToken,
}

impl Writers {
    /// Begins a queue; `write` gets each entry and how often it came.
    pub(crate) fn begin<K, T, W, F>(&self, name: &'static str, write: W) -> Late<K, T>
    where
        K: Eq + Hash + Clone + Send + 'static,
        T: Send + 'static,
        W: Fn(Vec<(T, u32)>) -> F + Send + 'static,
        F: Future<Output = Result<()>> + Send + 'static,
    {
        let meter = opentelemetry::global::meter("devsphere");
        let late = Late(Arc::new(Waiting {
            entries: Mutex::default(),
            came: Notify::new(),
            went: Notify::new(),
            name,
            dropped: AtomicU64::new(0),
            counter: meter.u64_counter("late.dropped").build(),
        }));
        self.tracker.spawn(work(late.clone(), self.end.clone(), write));
        late
    }

    /// Writes what waits, and ends.
    pub(crate) async fn finish(&self) {
        self.end.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }
}

impl<K: Eq + Hash + Clone, T> Late<K, T> {
    /// Leaves an entry, unless the queue is full; then it is counted as dropped.
    pub fn offer(&self, key: K, entry: T) {
        if self.take_in(key, entry).is_err() {
            self.lose(1);
        }
    }

    /// Leaves an entry, and waits for room where there is none.
    pub async fn put(&self, key: K, mut entry: T) {
        loop {
            let went = self.0.went.notified();
            match self.take_in(key.clone(), entry) {
                Ok(()) => return,
                Err(back) => entry = back,
            }
            went.await;
        }
    }

    /// How many entries were lost so far, because the queue was full or could not be written.
    pub fn dropped(&self) -> u64 {
        self.0.dropped.load(Ordering::Relaxed)
    }

    fn take_in(&self, key: K, entry: T) -> Result<(), T> {
        let mut entries = self.0.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, times)) = entries.get_mut(&key) {
            *times = times.saturating_add(1);
            return Ok(());
        }
        if entries.len() >= LONGEST {
            return Err(entry);
        }
        entries.insert(key, (entry, 1));
        self.0.came.notify_one();
        Ok(())
    }

    fn batch(&self) -> Vec<(T, u32)> {
        let mut entries = self.0.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let keys: Vec<K> = entries.keys().take(BATCH).cloned().collect();
        let batch = keys.iter().filter_map(|key| entries.remove(key)).collect();
        self.0.went.notify_waiters();
        batch
    }

    fn lose(&self, entries: usize) {
        let lost = u64::try_from(entries).unwrap_or(u64::MAX);
        self.0.dropped.fetch_add(lost, Ordering::Relaxed);
        self.0.counter.add(lost, &[KeyValue::new("queue", self.0.name)]);
    }
}

async fn work<K, T, W, F>(late: Late<K, T>, end: CancellationToken, write: W)
where
    K: Eq + Hash + Clone,
    W: Fn(Vec<(T, u32)>) -> F,
    F: Future<Output = Result<()>>,
{
    let mut told = 0;
    loop {
        let ending = end.run_until_cancelled(late.0.came.notified()).await.is_none();
        loop {
            let batch = late.batch();
            if batch.is_empty() {
                break;
            }
            let entries = batch.len();
            if let Err(error) = write(batch).await {
                late.lose(entries);
                tracing::warn!(queue = late.0.name, entries, %error, "not written");
            }
            // At the end there is nobody left to be slowed down by it.
            end.run_until_cancelled(tokio::time::sleep(PAUSE)).await;
        }
        let dropped = late.dropped();
        if dropped > told {
            tracing::warn!(queue = late.0.name, dropped, "entries were lost");
            told = dropped;
        }
        if ending {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;

    type Batches = mpsc::UnboundedReceiver<Vec<(usize, u32)>>;

    fn begin(writers: &Writers) -> (Late<usize, usize>, Batches) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let write = move |batch| {
            let sent = sender.send(batch);
            async move { sent.map_err(|_| devsphere_error::Error::internal("nobody listens")) }
        };
        (writers.begin("test", write), receiver)
    }

    #[tokio::test]
    async fn an_entry_that_comes_again_is_counted_and_not_queued() {
        let writers = Writers::default();
        let (late, mut batches) = begin(&writers);

        (0..3).for_each(|_| late.offer(7, 7));
        writers.finish().await;

        assert_eq!(batches.recv().await, Some(vec![(7, 3)]));
        assert_eq!(late.dropped(), 0);
    }

    #[tokio::test]
    async fn what_finds_no_room_is_dropped_and_counted() {
        let writers = Writers::default();
        let (late, mut batches) = begin(&writers);

        (0..LONGEST + 5).for_each(|key| late.offer(key, key));
        writers.finish().await;

        let mut written = 0;
        while let Ok(batch) = batches.try_recv() {
            assert!(batch.len() <= BATCH);
            written += batch.len();
        }
        assert_eq!((written, late.dropped()), (LONGEST, 5));
    }

    #[tokio::test]
    async fn what_may_not_be_lost_waits_for_room() {
        let writers = Writers::default();
        let (late, _batches) = begin(&writers);
        (0..LONGEST).for_each(|key| late.offer(key, key));

        late.put(LONGEST, LONGEST).await;

        assert_eq!(late.dropped(), 0);
    }

    #[tokio::test]
    async fn what_cannot_be_written_counts_as_lost() {
        let writers = Writers::default();
        let (late, batches) = begin(&writers);
        drop(batches);

        late.offer(1, 1);
        writers.finish().await;

        assert_eq!(late.dropped(), 1);
    }
}
