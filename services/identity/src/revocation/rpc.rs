//! The feed: what was revoked, what is, and that there is nothing else.

use std::pin::Pin;

use devsphere_error::Result;
use devsphere_proto::identity::v1::{self as pb, revocation_service_server::RevocationService};
use devsphere_rpc::admit_anonymous;
use futures_util::{Stream, StreamExt as _, stream};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, async_trait};

use super::feed::Watcher;
use crate::Identity;

pub(crate) struct Revocations(pub(crate) Identity);

/// What one message holds at most, some 100 kB.
const MOST: usize = 1_000;

/// Every so many reads there is a word of it, whether they found anything or not.
const SILENT_READS: u64 = 2;

type Messages = Pin<Box<dyn Stream<Item = Result<pb::WatchRevocationsResponse, Status>> + Send>>;

/// One who watches, and how far they have been told.
struct Watching {
    identity: Identity,
    watcher: Watcher,
    place: u64,
    has_read: bool,
    /// The read that was last told of.
    told: Option<u64>,
    key_ids: Vec<String>,
    end: Instant,
    stop: CancellationToken,
}

#[async_trait]
impl RevocationService for Revocations {
    type WatchRevocationsStream = Messages;

    async fn watch_revocations(
        &self,
        request: Request<pb::WatchRevocationsRequest>,
    ) -> Result<Response<Messages>, Status> {
        let (proof, _) = admit_anonymous::<_, pb::WatchRevocationsRequest>(request)?;

        let watching = Watching {
            identity: self.0.clone(),
            watcher: self.0.feed.watch(&proof),
            place: 0,
            has_read: false,
            told: None,
            key_ids: Vec::new(),
            end: Instant::now() + self.0.longest_stream,
            stop: self.0.stopping.clone(),
        };
        let messages = stream::unfold(watching, |mut watching| async move {
            let message = watching.next().await?;
            Some((Ok(message), watching))
        });
        Ok(Response::new(messages.boxed()))
    }
}

impl Watching {
    /// The next message; none at the end.
    async fn next(&mut self) -> Option<pb::WatchRevocationsResponse> {
        loop {
            // A read of before it began would not show what came since.
            if self.has_read
                && let Some(message) = self.message()
            {
                return Some(message);
            }
            tokio::select! {
                () = self.stop.cancelled() => return None,
                () = sleep_until(self.end) => return None,
                changed = self.watcher.reads.changed() => changed.ok()?,
            }
            self.has_read = true;
        }
    }

    /// What is new, or due.
    fn message(&mut self) -> Option<pb::WatchRevocationsResponse> {
        // The log comes second: it must hold what the read that is told of has found.
        let read = *self.watcher.reads.borrow();
        let (revocations, place, more) = self.watcher.feed.log().after(self.place, MOST);
        let key_ids = self.identity.key_ids();
        let is_due = self.told.is_none_or(|told| read >= told + SILENT_READS);
        if revocations.is_empty() && key_ids == self.key_ids && !is_due {
            return None;
        }
        (self.place, self.told) = (place, Some(read));
        self.key_ids.clone_from(&key_ids);
        Some(pb::WatchRevocationsResponse { revocations, more, key_ids })
    }
}
