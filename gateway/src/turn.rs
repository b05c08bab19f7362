//! Where a request's work is done: on a task of its own, or where it came in.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Waker},
};

use hyper::rt::Executor;

use crate::door::Door;

/// While calls are shed a request has its first turn on its connection's task: most of them are
/// refused in it, and a task of their own would cost more than the refusal.
#[derive(Clone)]
pub(crate) struct Turns(pub(crate) Arc<Door>);

impl<F> Executor<F> for Turns
where
    F: Future<Output: Send> + Send + 'static,
{
    #[expect(clippy::disallowed_methods, reason = "ends with its connection, which is tracked")]
    fn execute(&self, work: F) {
        if !self.0.is_shedding() {
            tokio::spawn(work);
            return;
        }
        let mut work: Pin<Box<F>> = Box::pin(work);
        // A task begins with a turn, so nothing that would have woken this one is missed.
        if work.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending() {
            tokio::spawn(work);
        }
    }
}
