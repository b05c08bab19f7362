//! What was revoked in the last two minutes: longer than anything lives that it could end.

mod cut;
mod feed;
mod list;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use devsphere_auth::Caller;
use devsphere_error::{Error, Result};
use devsphere_proto::identity::v1::Revocation;
use tokio::{sync::watch, time::Instant};
use uuid::Uuid;

pub use cut::Cut;

use list::{List, Verdict};

/// Identity tells of this long, and whoever listens remembers it. An assertion lives half of it.
pub const WINDOW: Duration = Duration::from_secs(120);

/// A feed that says nothing for so long is silent: it speaks four times in this time.
const SILENCE: Duration = Duration::from_secs(2);

/// After a silence of so long a revocation may have come and gone.
const LONG_SILENCE: Duration = Duration::from_secs(60);

/// Whose assertion it is, as far as a revocation can name them.
#[derive(Debug, Clone)]
pub struct Holder {
    /// The person, key, link or job.
    pub principal: Uuid,
    /// The session, where there is one.
    pub session: Option<Uuid>,
    /// The organisation, and the epoch of the membership in it.
    pub place: Option<(Uuid, i64)>,
    /// When identity made the assertion, in seconds since 1970.
    pub begun: i64,
}

impl From<&Caller> for Holder {
    fn from(caller: &Caller) -> Self {
        Self {
            principal: caller.id(),
            session: caller.session(),
            place: caller.organization().map(|found| (found.id, found.epoch)),
            begun: caller.begun(),
        }
    }
}

/// What this process knows of revocations, and whether it would know of one.
#[derive(Clone, Default)]
pub struct Revocations(Arc<Shared>);

#[derive(Default)]
struct Shared {
    list: Mutex<List>,
    /// When everything that was revoked was last known.
    heard: Mutex<Option<Instant>>,
    /// Wakes the running streams when the list has changed.
    changed: watch::Sender<()>,
}

impl Revocations {
    /// True while a revocation would be known here within a second.
    pub fn live(&self) -> bool {
        self.heard().is_some_and(|heard| heard.elapsed() < SILENCE)
    }

    /// Refuses what has ended.
    ///
    /// # Errors
    /// `Unauthenticated` where a revocation names the holder; `Unavailable` where what is known
    /// does not reach back to the assertion.
    pub fn check(&self, holder: &Holder) -> Result<()> {
        match self.list().judge(holder) {
            Verdict::Good => Ok(()),
            Verdict::Ended => Err(Error::Unauthenticated),
            Verdict::Unknown => Err(Error::Unavailable {
                cause: "revocations",
                message: "what was revoked is not known, try again",
                source: None,
            }),
        }
    }

    /// Waits until the holder is refused.
    pub fn ended(&self, holder: Holder) -> impl Future<Output = Error> + Send + 'static {
        // Before the first look: what comes in between wakes it.
        let mut changed = self.0.changed.subscribe();
        let known = self.clone();
        async move {
            loop {
                if let Err(error) = known.check(&holder) {
                    return error;
                }
                if changed.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
        }
    }

    /// Takes in what identity said; with `more` to come, nothing is known for sure yet.
    fn take_in(&self, told: &[Revocation], more: bool) {
        let now = Instant::now();
        let mut list = self.list();
        list.note(told, now);
        let mut changed = !told.is_empty();
        if !more {
            let before = self.heard().replace(now);
            // Streams outlive the window: of those from before a long silence nothing is known.
            if before.is_none_or(|before| now - before >= LONG_SILENCE) {
                list.forget_before(WINDOW);
                changed = true;
            }
        }
        drop(list);
        if changed {
            self.0.changed.send_replace(());
        }
    }

    fn heard(&self) -> MutexGuard<'_, Option<Instant>> {
        self.0.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn list(&self) -> MutexGuard<'_, List> {
        self.0.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
