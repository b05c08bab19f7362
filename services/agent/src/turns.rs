//! Turns: organisations are served one after the other, however much one of them asks for.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use devsphere_error::{Error, Result};
use tokio::sync::watch;
use uuid::Uuid;

/// How many are at work, and how many may wait.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    /// At work together.
    pub(crate) all: usize,
    /// Of one organisation.
    pub(crate) each: usize,
    /// Of one organisation, waiting.
    pub(crate) waiting: usize,
}

/// The queue, shared by whoever holds it.
#[derive(Clone)]
pub(crate) struct Turns(Arc<Mutex<Queue>>);

/// A place in the queue, then a turn; it ends when it is dropped.
pub(crate) struct Turn {
    turns: Turns,
    organization: Uuid,
    number: u64,
    place: watch::Receiver<Place>,
}

/// Where somebody stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// So many of the same organisation come first.
    Behind(usize),
    AtWork,
}

struct Queue {
    room: Room,
    at_work: usize,
    number: u64,
    lanes: HashMap<Uuid, Lane>,
    /// Organisations with somebody waiting; the first is served next.
    ring: VecDeque<Uuid>,
}

#[derive(Default)]
struct Lane {
    at_work: usize,
    waiting: VecDeque<(u64, watch::Sender<Place>)>,
}

impl Turns {
    pub(crate) fn new(room: Room) -> Self {
        let (lanes, ring) = (HashMap::new(), VecDeque::new());
        Self(Arc::new(Mutex::new(Queue { room, at_work: 0, number: 0, lanes, ring })))
    }

    /// Queues for that organisation.
    ///
    /// # Errors
    /// `Overloaded` when as many wait already as may.
    pub(crate) fn take(&self, organization: Uuid) -> Result<Turn> {
        let mut queue = self.lock();
        let most = queue.room.waiting;
        queue.number += 1;
        let number = queue.number;
        let lane = queue.lanes.entry(organization).or_default();
        if lane.waiting.len() >= most {
            return Err(Error::Overloaded);
        }
        let (sender, place) = watch::channel(Place::Behind(lane.waiting.len()));
        lane.waiting.push_back((number, sender));
        if lane.waiting.len() == 1 {
            queue.ring.push_back(organization);
        }
        queue.call();
        Ok(Turn { turns: self.clone(), organization, number, place })
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        // Nothing in here panics; if it did, the queue would still be one.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn {
    /// Waits for the turn; `told` hears how many of the same organisation are before it.
    pub(crate) async fn come(&mut self, told: &mut (dyn FnMut(usize) + Send)) {
        loop {
            match *self.place.borrow_and_update() {
                Place::AtWork => return,
                Place::Behind(ahead) => told(ahead),
            }
            // The sender lives in the queue until the turn has come.
            if self.place.changed().await.is_err() {
                return;
            }
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut queue = self.turns.lock();
        let at_work = *self.place.borrow() == Place::AtWork;
        queue.leave(self.organization, self.number, at_work);
        queue.call();
    }
}

impl Queue {
    /// Calls whoever has a turn now: the organisations of the ring in their order, each of them once.
    fn call(&mut self) {
        let mut passed = 0;
        while self.at_work < self.room.all && passed < self.ring.len() {
            let Some(organization) = self.ring.pop_front() else { return };
            let Some(lane) = self.lanes.get_mut(&organization) else { continue };
            if lane.at_work >= self.room.each {
                self.ring.push_back(organization);
                passed += 1;
                continue;
            }
            let Some((_, called)) = lane.waiting.pop_front() else { continue };
            lane.at_work += 1;
            self.at_work += 1;
            called.send_replace(Place::AtWork);
            lane.tell();
            if !lane.waiting.is_empty() {
                self.ring.push_back(organization);
            }
            passed = 0;
        }
    }

    fn leave(&mut self, organization: Uuid, number: u64, at_work: bool) {
        let Some(lane) = self.lanes.get_mut(&organization) else { return };
        if at_work {
            lane.at_work -= 1;
            self.at_work -= 1;
        } else {
            lane.waiting.retain(|(waiting, _)| *waiting != number);
            lane.tell();
        }
        if lane.waiting.is_empty() {
            self.ring.retain(|waiting| *waiting != organization);
            if lane.at_work == 0 {
                self.lanes.remove(&organization);
            }
        }
    }
}

impl Lane {
    fn tell(&self) {
        for (ahead, (_, waiting)) in self.waiting.iter().enumerate() {
            waiting.send_replace(Place::Behind(ahead));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: Room = Room { all: 3, each: 2, waiting: 4 };

    fn at_work(turns: &[Turn]) -> Vec<bool> {
        turns.iter().map(|turn| *turn.place.borrow() == Place::AtWork).collect()
    }

    #[test]
    fn one_organisation_has_its_share_and_the_next_one_comes_first() {
        let turns = Turns::new(ROOM);
        let [north, south] = [Uuid::from_u128(1), Uuid::from_u128(2)];
        let mut busy: Vec<_> = (0..5).map(|_| turns.take(north).unwrap()).collect();
        assert_eq!(at_work(&busy), [true, true, false, false, false]);

        let late: Vec<_> = (0..2).map(|_| turns.take(south).unwrap()).collect();
        assert_eq!(at_work(&late), [true, false]);

        // North waited longer, and has had its share: the room that it leaves is each in turn's.
        drop(busy.remove(0));
        assert_eq!(at_work(&busy), [true, true, false, false]);
        drop(busy.remove(0));
        assert_eq!(at_work(&late), [true, true]);
        assert_eq!(at_work(&busy), [true, false, false]);
    }

    #[test]
    fn whoever_waits_is_told_how_many_come_first_and_may_leave() {
        let turns = Turns::new(Room { all: 1, each: 1, waiting: 4 });
        let north = Uuid::from_u128(1);
        let mut all: Vec<_> = (0..4).map(|_| turns.take(north).unwrap()).collect();
        let places = |all: &[Turn]| all.iter().map(|turn| *turn.place.borrow()).collect::<Vec<_>>();
        let behind = Place::Behind;
        assert_eq!(places(&all), [Place::AtWork, behind(0), behind(1), behind(2)]);

        drop(all.remove(2));
        assert_eq!(places(&all), [Place::AtWork, behind(0), behind(1)]);
        drop(all.remove(0));
        assert_eq!(places(&all), [Place::AtWork, behind(0)]);
        drop(all);
        let queue = turns.lock();
        assert!(queue.lanes.is_empty());
        assert_eq!((queue.at_work, queue.ring.len()), (0, 0));
    }

    #[test]
    fn no_more_wait_than_may_and_others_are_not_refused_for_it() {
        let turns = Turns::new(ROOM);
        let [north, south] = [Uuid::from_u128(1), Uuid::from_u128(2)];
        let held: Vec<_> = (0..6).map(|_| turns.take(north).unwrap()).collect();

        assert!(matches!(turns.take(north), Err(Error::Overloaded)));
        assert_eq!(at_work(&[turns.take(south).unwrap()]), [true]);
        drop(held);
    }

    #[test]
    fn a_hundred_organisations_in_any_order_end_with_an_empty_queue() {
        let turns = Turns::new(Room { all: 8, each: 2, waiting: 100 });
        let mut all: Vec<_> =
            (0..1000u128).map(|one| turns.take(Uuid::from_u128(one * 7 % 100)).unwrap()).collect();
        let mut served = 0;
        while let Some(place) = at_work(&all).iter().position(|at_work| *at_work) {
            assert!(at_work(&all).iter().filter(|at_work| **at_work).count() <= 8);
            drop(all.remove(place));
            served += 1;
        }

        assert_eq!((served, all.len()), (1000, 0));
        assert!(turns.lock().lanes.is_empty());
    }
}
