//! What keeps a try ours while an agent works: a permit that is renewed, and a lease that is held. What
//! is left undone is given back from here, even when whoever drove it is gone.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use devsphere_auth::Permit;
use devsphere_boot::{Ctx, Late, Renewer};
use devsphere_db::{Change, TenantDb, TenantTx};
use devsphere_error::{Error, Result};
use devsphere_ids::GenerationId;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::{Ending, Generation, Step, interrupted, store};
use crate::content_piece;

/// A sixth of the lease: a database that is away for a while costs nobody their draft.
const HOLD_EVERY: Duration = Duration::from_secs(10);

/// What ends a try that nobody drives any more, in transactions of whoever asked for it.
pub(super) type Unfinished = Late<GenerationId, Left>;

/// A try that was left, and how it ends.
pub(super) struct Left {
    pub(super) hold: Arc<Hold>,
    pub(super) generation: Generation,
    pub(super) ending: Ending,
}

/// The permit of whoever asked, kept good for as long as their session lives.
pub(super) struct Hold {
    db: TenantDb,
    renewer: Renewer,
    permit: Mutex<Permit>,
}

/// A queue that is emptied before the service ends: a driver that is dropped cannot wait for a
/// transaction. What is lost here is the sweep's.
pub(super) fn unfinished(ctx: &Ctx) -> Unfinished {
    ctx.late("generations", |batch: Vec<(Left, u32)>| async move {
        let mut last = Ok(());
        for (left, _) in batch {
            // Each is somebody else's, and has a transaction of its own.
            if let Err(error) = left.hold.give_back(&left.generation, &left.ending).await {
                last = Err(error);
            }
        }
        last
    })
}

impl Hold {
    pub(super) const fn new(db: TenantDb, renewer: Renewer, permit: Permit) -> Self {
        Self { db, renewer, permit: Mutex::new(permit) }
    }

    /// The permit as it is, for what needs no database.
    pub(super) fn last_permit(&self) -> Permit {
        self.permit.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The permit, good for another while.
    pub(super) async fn permit(&self) -> Result<Permit> {
        let fresh = self.renewer.fresh(&self.last_permit()).await?;
        self.permit.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&fresh);
        Ok(fresh)
    }

    /// A transaction of whoever asked.
    pub(super) async fn write(&self) -> Result<TenantTx> {
        self.db.write(&self.permit().await?).await
    }

    /// Holds the lease until it is lost: the session has ended, or the sweep came first.
    pub(super) async fn keep(&self, id: GenerationId) -> Error {
        let mut ticks = interval_at(Instant::now() + HOLD_EVERY, HOLD_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            match self.keep_once(id).await {
                Ok(true) => {}
                Ok(false) => return interrupted(),
                Err(error) if passes(&error) => {
                    tracing::warn!(%error, "a generation's lease was not held");
                }
                Err(error) => return error,
            }
        }
    }

    async fn keep_once(&self, id: GenerationId) -> Result<bool> {
        let mut tx = self.write().await?;
        let held = store::hold(&mut tx, id).await?;
        tx.commit(()).await?;
        Ok(held)
    }

    /// Writes a step on the way; whatever has ended meanwhile is no longer ours.
    pub(super) async fn advance(
        &self,
        step: Step,
        before: &Generation,
        after: &Generation,
    ) -> Result<Generation> {
        let mut tx = self.write().await?;
        let after = store::update(&mut tx, after).await?.ok_or_else(interrupted)?;
        emit(&mut tx, step.event(), Some(before), &after)?;
        tx.commit(()).await?;
        Ok(after)
    }

    /// Ends the try and leaves its piece as it was; nothing where somebody else has.
    pub(super) async fn give_back(&self, generation: &Generation, ending: &Ending) -> Result<()> {
        let Ok(ended) = generation.after(ending.step) else { return Ok(()) };
        let (failure, failure_message) = (ending.failure.clone(), ending.message.clone());
        let ended = Generation { failure, failure_message, ..ended };

        let mut tx = self.write().await?;
        let (id, outcome) = (ended.content_piece_id, ending.outcome());
        let piece = content_piece::give_back(&mut tx, id, outcome, &ending.message).await?;
        let ended = store::finish(&mut tx, &ended).await?;
        let (Some(_), Some(ended)) = (piece, ended) else { return Ok(()) };
        emit(&mut tx, ending.step.event(), Some(generation), &ended)?;
        tx.commit(()).await
    }
}

/// Notes what became of a try: one event and one audit record.
pub(super) fn emit(
    tx: &mut TenantTx,
    event: &'static str,
    before: Option<&Generation>,
    after: &Generation,
) -> Result<()> {
    let record = (after.generation_id.uuid(), after.version);
    tx.emit(Change::of(event, "generation", record, before, after)?);
    Ok(())
}

/// Whether trying again may help.
pub(super) const fn passes(error: &Error) -> bool {
    matches!(
        error,
        Error::Overloaded
            | Error::Unavailable { .. }
            | Error::Serialization
            | Error::TicketExpired
            | Error::DeadlineExceeded
    )
}
