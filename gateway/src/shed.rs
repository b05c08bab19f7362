//! Load shedding: as many calls at once as a module answers well, and a quick no to the rest.

mod limit;
#[cfg(test)]
mod tests;

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use devsphere_error::{Error, Result};
use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use limit::{Limit, Sample};

/// Calls that may wait for a slot while nothing is wrong: a page's burst drains, and callers who each
/// wait for their answer are never more. One more is a crowd: all who wait hear no at once, since
/// whoever comes next can still be answered in good time and they cannot.
const QUEUE: usize = 32;

/// While nobody is refused a module has at least so many slots: callers who each wait for their answer
/// gain nothing from taking turns, and the machine is busier with many turns than with one.
const EASY: usize = 16;

/// How long a call waits for a slot at most.
const PATIENCE: Duration = Duration::from_millis(200);

/// So long after the last refusal hardly anybody waits: a queue would only make all late.
const PENANCE: Duration = Duration::from_millis(500);

/// Even then one waits for so many slots: what becomes free is not left empty.
const SLOTS_PER_HEIR: usize = 4;

/// Who was let through to ask for a slot has done so by then, or does not count any more.
const APPROACH: Duration = Duration::from_millis(10);

/// The slots of one module.
pub(crate) struct Shed {
    slots: Arc<Semaphore>,
    /// Ends every wait, when shedding begins.
    begins: Notify,
    state: Mutex<State>,
}

struct State {
    limit: Limit,
    most: usize,
    /// The slots that there are, those to be taken away left out.
    slots: usize,
    at_work: usize,
    waiting: usize,
    /// Who was let through while calls are shed, and has not asked for a slot yet.
    coming: VecDeque<Instant>,
    /// Slots to take away as soon as they are free.
    surplus: usize,
    shed: Option<Instant>,
}

/// A call's slot, until it is dropped.
pub(crate) struct Slot {
    shed: Arc<Shed>,
    permit: Option<OwnedSemaphorePermit>,
    found: usize,
}

impl Shed {
    /// Begins with few slots; `most` are the most it ever has.
    pub(crate) fn new(most: usize) -> Arc<Self> {
        let limit = Limit::new(most);
        let slots = Arc::new(Semaphore::new(limit.slots()));
        let state = State {
            slots: limit.slots(),
            limit,
            most,
            at_work: 0,
            waiting: 0,
            coming: VecDeque::new(),
            surplus: 0,
            shed: None,
        };
        Arc::new(Self { slots, begins: Notify::new(), state: Mutex::new(state) })
    }

    /// Says no before any work is done, where it would be said anyway.
    ///
    /// # Errors
    /// `Overloaded` while calls are shed and those who come before will have all slots.
    pub(crate) fn check(&self) -> Result<()> {
        let may_come = self.lock().may_come();
        if may_come { Ok(()) } else { Err(self.refuse()) }
    }

    /// A slot, at once or after a short wait.
    ///
    /// # Errors
    /// `Overloaded` when there is none to be had in time.
    pub(crate) async fn enter(self: &Arc<Self>) -> Result<Slot> {
        self.lock().coming.pop_front();
        let permit = match self.slots.clone().try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => self.wait().await.ok_or_else(|| self.refuse())?,
        };
        let mut state = self.lock();
        state.at_work += 1;
        let found = state.at_work;
        drop(state);
        Ok(Slot { shed: self.clone(), permit: Some(permit), found })
    }

    /// A slot that became free in time.
    async fn wait(&self) -> Option<OwnedSemaphorePermit> {
        let begins = self.begins.notified();
        let _waiting = Waiting::begin(self)?;
        tokio::select! {
            permit = timeout(PATIENCE, self.slots.clone().acquire_owned()) => permit.ok()?.ok(),
            () = begins => None,
        }
    }

    /// Whether somebody was refused of late.
    pub(crate) fn is_penitent(&self) -> bool {
        self.lock().is_penitent()
    }

    fn refuse(&self) -> Error {
        let mut state = self.lock();
        if !state.is_penitent() {
            self.begins.notify_waiters();
        }
        state.shed = Some(Instant::now());
        state.limit.note_refusal();
        self.fit(&mut state);
        Error::Overloaded
    }

    fn learn(&self, sample: Sample) {
        let mut state = self.lock();
        state.limit.learn(sample);
        self.fit(&mut state);
    }

    /// Adds slots, or takes some away, until there are as many as there should be.
    fn fit(&self, state: &mut State) {
        let (before, after) = (state.slots, state.wanted());
        state.slots = after;
        if after > before {
            let more = after - before;
            let kept = more.min(state.surplus);
            state.surplus -= kept;
            self.slots.add_permits(more - kept);
        } else {
            let fewer = before - after;
            state.surplus += fewer - self.slots.forget_permits(fewer);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_penitent(&self) -> bool {
        self.shed.is_some_and(|shed| shed.elapsed() < PENANCE)
    }

    /// The slots that there should be now.
    fn wanted(&self) -> usize {
        let learned = self.limit.slots();
        if self.is_penitent() { learned } else { learned.max(EASY.min(self.most)) }
    }

    fn heirs(&self) -> usize {
        self.limit.slots() / SLOTS_PER_HEIR
    }

    fn may_wait(&self) -> bool {
        self.waiting < if self.is_penitent() { self.heirs() } else { QUEUE }
    }

    /// Without this, all who come at once would pass for one free slot, and be refused after work.
    fn may_come(&mut self) -> bool {
        if !self.is_penitent() {
            self.coming.clear();
            return true;
        }
        let now = Instant::now();
        while self.coming.front().is_some_and(|since| now.duration_since(*since) > APPROACH) {
            self.coming.pop_front();
        }
        let before = self.at_work + self.waiting + self.coming.len();
        let may_come = before < self.limit.slots() + self.heirs();
        if may_come {
            self.coming.push_back(now);
        }
        may_come
    }
}

/// One who waits for a slot.
struct Waiting<'a>(&'a Shed);

impl<'a> Waiting<'a> {
    fn begin(shed: &'a Shed) -> Option<Self> {
        let mut state = shed.lock();
        if !state.may_wait() {
            return None;
        }
        state.waiting += 1;
        Some(Self(shed))
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.lock().waiting -= 1;
    }
}

impl Slot {
    /// Learns from a call that went well and began then, and lets the slot go.
    pub(crate) fn end(self, method: &'static str, begun: Instant) {
        let took = begun.elapsed();
        self.shed.learn(Sample { method, begun, took, at_work: self.found });
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut state = self.shed.lock();
        state.at_work -= 1;
        if state.surplus > 0
            && let Some(permit) = self.permit.take()
        {
            state.surplus -= 1;
            permit.forget();
        }
    }
}
