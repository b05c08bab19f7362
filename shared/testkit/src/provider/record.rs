//! What happened: who asked, what is open, and who left.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use super::Asked;

/// A client that left before its answer was over.
#[derive(Debug, Clone, Copy)]
pub struct HungUp {
    /// Which call, counted from 0.
    pub call: usize,
    /// When the server noticed.
    pub at: Instant,
}

#[derive(Default)]
pub(super) struct Record {
    notes: Mutex<Notes>,
}

#[derive(Default)]
struct Notes {
    calls: Vec<Asked>,
    open: usize,
    hung_up: Vec<HungUp>,
}

impl Record {
    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn calls(&self) -> Vec<Asked> {
        self.notes().calls.clone()
    }

    pub(super) fn open(&self) -> usize {
        self.notes().open
    }

    pub(super) fn hung_up(&self) -> Vec<HungUp> {
        self.notes().hung_up.clone()
    }

    /// Notes a call; it is open until the guard is dropped.
    pub(super) fn begin(self: &Arc<Self>, mut asked: Asked) -> (Asked, Open) {
        let mut notes = self.notes();
        asked.number = notes.calls.len();
        notes.calls.push(asked.clone());
        notes.open += 1;
        let open = Open { record: self.clone(), call: asked.number, is_over: false };
        drop(notes);
        (asked, open)
    }
}

/// A call that is being answered.
pub(super) struct Open {
    record: Arc<Record>,
    call: usize,
    is_over: bool,
}

impl Open {
    /// The answer is over: whoever leaves now missed nothing.
    pub(super) const fn over(&mut self) {
        self.is_over = true;
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let mut notes = self.record.notes();
        notes.open -= 1;
        if !self.is_over {
            notes.hung_up.push(HungUp { call: self.call, at: Instant::now() });
        }
    }
}
