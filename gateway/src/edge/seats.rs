//! The connections that are open: so many in all, so many for one address, and no more.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use opentelemetry::{KeyValue, metrics::Counter};

use super::{Connections, party};

/// Counts the connections.
pub(crate) struct Seats {
    limits: Connections,
    taken: Mutex<Taken>,
    refused: Counter<u64>,
}

#[derive(Default)]
struct Taken {
    in_all: usize,
    /// Never more entries than connections.
    by_party: HashMap<IpAddr, usize>,
}

/// One connection's place, until it is dropped.
pub(crate) struct Seat {
    seats: Arc<Seats>,
    party: IpAddr,
}

impl Seats {
    pub(crate) fn new(limits: Connections) -> Arc<Self> {
        let refused = opentelemetry::global::meter("devsphere")
            .u64_counter("gateway.connections.refused")
            .build();
        Arc::new(Self { limits, taken: Mutex::default(), refused })
    }

    /// A place for a connection from that address, if there is one left.
    pub(crate) fn take(self: &Arc<Self>, address: IpAddr, is_proxy: bool) -> Option<Seat> {
        let party = party(address);
        let most = match (is_proxy, party.is_loopback()) {
            (true, _) => self.limits.in_all,
            (false, true) => self.limits.per_loopback_address,
            (false, false) => self.limits.per_address,
        };
        let mut taken = self.lock();
        let theirs = taken.by_party.get(&party).copied().unwrap_or(0);
        let full = match (taken.in_all >= self.limits.in_all, theirs >= most) {
            (true, _) => Some("all"),
            (false, true) => Some("address"),
            (false, false) => None,
        };
        if let Some(full) = full {
            self.refused.add(1, &[KeyValue::new("limit", full)]);
            return None;
        }
        taken.in_all += 1;
        taken.by_party.insert(party, theirs + 1);
        Some(Seat { seats: self.clone(), party })
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.lock();
        taken.in_all -= 1;
        if let Some(theirs) = taken.by_party.get_mut(&self.party) {
            *theirs -= 1;
            if *theirs == 0 {
                taken.by_party.remove(&self.party);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seats() -> Arc<Seats> {
        Seats::new(Connections {
            in_all: 5,
            per_address: 2,
            per_loopback_address: 4,
            ..Connections::default()
        })
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_has_so_many_and_others_have_theirs() {
        let seats = seats();
        let (one, other) = (address("192.0.2.1"), address("192.0.2.2"));
        let mut kept: Vec<_> = (0..2).map(|_| seats.take(one, false).unwrap()).collect();
        assert!(seats.take(one, false).is_none());
        assert!(seats.take(address("::ffff:192.0.2.1"), false).is_none());
        assert!(seats.take(other, false).is_some());
        kept.pop();
        assert!(seats.take(one, false).is_some());
    }

    #[test]
    fn a_trusted_proxy_and_this_machine_have_more_and_all_together_have_an_end() {
        let seats = seats();
        let proxy = address("192.0.2.9");
        let kept: Vec<_> = (0..5).map_while(|_| seats.take(proxy, true)).collect();
        assert_eq!(kept.len(), 5);
        assert!(seats.take(address("192.0.2.1"), false).is_none());
        drop(kept);
        let local = address("127.0.0.1");
        let kept: Vec<_> = (0..5).map_while(|_| seats.take(local, false)).collect();
        assert_eq!(kept.len(), 4);
    }

    #[test]
    fn nothing_is_kept_of_who_has_gone() {
        let seats = seats();
        drop(seats.take(address("2001:db8::1"), false));
        let taken = seats.lock();
        assert!(taken.in_all == 0 && taken.by_party.is_empty());
    }
}
