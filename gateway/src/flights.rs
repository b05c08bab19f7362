//! Single flight: who asks for what is under way joins it instead of asking again.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use futures_util::{
    FutureExt as _,
    future::{BoxFuture, Shared, WeakShared},
};

/// What a flight is known by.
pub(crate) type Key = [u8; 32];

/// The flights under way: no more than there are calls that wait for one.
pub(crate) struct Flights<T: Clone>(Mutex<Listed<T>>);

type Flight<T> = Shared<BoxFuture<'static, T>>;
type Listed<T> = HashMap<Key, WeakShared<BoxFuture<'static, T>>>;

impl<T: Clone> Flights<T> {
    pub(crate) fn new() -> Self {
        Self(Mutex::default())
    }

    /// Waits for the flight of that key, which begins now unless it is under way; it goes on while
    /// anybody waits, whoever began it.
    pub(crate) async fn join(&self, key: Key, begin: impl FnOnce() -> BoxFuture<'static, T>) -> T {
        // Outlives the seat below, landed or not: the last to go finds the flight empty.
        let _tidy = Tidy { flights: self, key };
        self.board(&key, begin).await
    }

    fn board(&self, key: &Key, begin: impl FnOnce() -> BoxFuture<'static, T>) -> Flight<T> {
        let mut listed = self.lock();
        if let Some(flight) = listed.get(key).and_then(under_way) {
            return flight;
        }
        let flight = begin().shared();
        if let Some(weak) = flight.downgrade() {
            listed.insert(*key, weak);
        }
        flight
    }

    fn lock(&self) -> MutexGuard<'_, Listed<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes a flight off the list when nobody is left in it.
struct Tidy<'a, T: Clone> {
    flights: &'a Flights<T>,
    key: Key,
}

impl<T: Clone> Drop for Tidy<'_, T> {
    fn drop(&mut self) {
        let mut listed = self.flights.lock();
        if listed.get(&self.key).is_some_and(|flight| under_way(flight).is_none()) {
            listed.remove(&self.key);
        }
    }
}

/// A flight that one can still join: what has landed may be out of date.
fn under_way<T: Clone>(listed: &WeakShared<BoxFuture<'static, T>>) -> Option<Flight<T>> {
    listed.upgrade().filter(|flight| flight.peek().is_none())
}

#[cfg(test)]
mod tests {
    use std::{
        cell::{Cell, RefCell},
        pin::Pin,
        task::{Context, Poll, Waker},
    };

    use tokio::sync::oneshot;

    use super::*;

    const KEY: Key = [7; 32];

    /// Flights that land when the test says so.
    struct Field {
        flights: Flights<u32>,
        begun: Cell<usize>,
        landings: RefCell<Vec<oneshot::Sender<u32>>>,
    }

    impl Field {
        fn new() -> Self {
            let (begun, landings) = (Cell::new(0), RefCell::default());
            Self { flights: Flights::new(), begun, landings }
        }

        fn join(&self, key: Key) -> Pin<Box<dyn Future<Output = u32> + '_>> {
            Box::pin(self.flights.join(key, || {
                let (landing, landed) = oneshot::channel();
                self.begun.set(self.begun.get() + 1);
                self.landings.borrow_mut().push(landing);
                landed.map(|answer| answer.unwrap_or(0)).boxed()
            }))
        }

        fn land(&self, answer: u32) {
            self.landings.borrow_mut().remove(0).send(answer).unwrap();
        }
    }

    fn poll<T>(waiting: &mut Pin<Box<dyn Future<Output = T> + '_>>) -> Option<T> {
        match waiting.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(answer) => Some(answer),
            Poll::Pending => None,
        }
    }

    #[test]
    fn a_hundred_who_ask_at_once_are_one_flight_and_nothing_is_kept() {
        let field = Field::new();
        let mut waiting: Vec<_> = (0..100).map(|_| field.join(KEY)).collect();
        assert!(waiting.iter_mut().all(|one| poll(one).is_none()));
        assert_eq!((field.begun.get(), field.flights.lock().len()), (1, 1));

        field.land(5);
        assert!(waiting.iter_mut().all(|one| poll(one) == Some(5)));
        assert!(field.flights.lock().is_empty());
    }

    #[test]
    fn the_flight_goes_on_without_the_one_who_began_it() {
        let field = Field::new();
        let (mut leader, mut follower) = (field.join(KEY), field.join(KEY));
        assert!(poll(&mut leader).is_none() && poll(&mut follower).is_none());
        drop(leader);

        field.land(5);
        assert_eq!(poll(&mut follower), Some(5));
        assert_eq!(field.begun.get(), 1);
    }

    #[test]
    fn a_flight_that_everybody_left_is_over() {
        let field = Field::new();
        let (mut leader, mut follower) = (field.join(KEY), field.join(KEY));
        assert!(poll(&mut leader).is_none() && poll(&mut follower).is_none());
        drop((leader, follower));

        assert!(field.landings.borrow()[0].is_closed());
        assert!(field.flights.lock().is_empty());
    }

    #[test]
    fn who_comes_after_the_landing_asks_anew() {
        let field = Field::new();
        let (mut early, mut slow) = (field.join(KEY), field.join(KEY));
        assert!(poll(&mut early).is_none() && poll(&mut slow).is_none());
        field.land(5);
        assert_eq!(poll(&mut early), Some(5));

        let mut late = field.join(KEY);
        assert!(poll(&mut late).is_none());
        assert_eq!(poll(&mut slow), Some(5));
        field.land(6);
        assert_eq!(poll(&mut late), Some(6));
        assert_eq!((field.begun.get(), field.flights.lock().len()), (2, 0));
    }

    #[test]
    fn another_key_is_another_flight() {
        let field = Field::new();
        let (mut one, mut other) = (field.join(KEY), field.join([8; 32]));
        assert!(poll(&mut one).is_none() && poll(&mut other).is_none());
        assert_eq!(field.begun.get(), 2);
    }
}
