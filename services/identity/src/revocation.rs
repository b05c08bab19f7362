//! What was revoked, in the order in which this replica came to know of it.

mod feed;
pub(crate) mod rpc;
mod store;

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use devsphere_boot::WINDOW;
use devsphere_proto::identity::v1::{
    MembershipEpoch, Revocation as Wire, revocation::Subject as WireSubject,
};
use tokio::time::Instant;
use uuid::Uuid;

pub(crate) use feed::Feed;

/// A row that the database still shows must not seem new.
const REMEMBERED: Duration = Duration::from_secs(180);

/// A row of the last two minutes.
pub(crate) struct Row {
    revocation_id: Uuid,
    session_id: Option<Uuid>,
    person_id: Option<Uuid>,
    organization_id: Option<Uuid>,
    epoch: Option<i64>,
}

impl Row {
    fn to_wire(&self) -> Option<Wire> {
        let subject = if let Some(session) = self.session_id {
            WireSubject::SessionId(session.to_string())
        } else {
            WireSubject::Membership(MembershipEpoch {
                person_id: self.person_id?.to_string(),
                organization_id: self.organization_id?.to_string(),
                epoch: self.epoch?,
            })
        };
        Some(Wire { subject: Some(subject) })
    }
}

/// The rows read so far, each with a place of its own: a row tells nothing of when its transaction
/// ended, but the place does, for it is given when the row is first seen.
#[derive(Default)]
pub(crate) struct Log {
    seen: HashMap<Uuid, Instant>,
    rows: VecDeque<(Instant, Wire)>,
    /// The place of the first of `rows`.
    first: u64,
}

impl Log {
    /// Takes in everything that the database shows of the last two minutes.
    pub(crate) fn take_in(&mut self, rows: &[Row], now: Instant) {
        self.seen.retain(|_, seen| now - *seen < REMEMBERED);
        while self.rows.front().is_some_and(|(seen, _)| now - *seen >= WINDOW) {
            self.rows.pop_front();
            self.first += 1;
        }
        for row in rows {
            if self.seen.insert(row.revocation_id, now).is_none()
                && let Some(wire) = row.to_wire()
            {
                self.rows.push_back((now, wire));
            }
        }
    }

    /// Up to `most` of those at that place and after it, the place after them, and whether there
    /// are more.
    pub(crate) fn after(&self, place: u64, most: usize) -> (Vec<Wire>, u64, bool) {
        let from = place.max(self.first);
        let skipped = usize::try_from(from - self.first).unwrap_or(usize::MAX);
        let found: Vec<_> =
            self.rows.iter().skip(skipped).take(most).map(|(_, wire)| wire.clone()).collect();
        let more = self.rows.len().saturating_sub(skipped) > found.len();
        (found.clone(), from + found.len() as u64, more)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: u128) -> Row {
        let id = Uuid::from_u128(id);
        let session_id = Some(id);
        Row { revocation_id: id, session_id, person_id: None, organization_id: None, epoch: None }
    }

    fn ids(log: &Log, place: u64, most: usize) -> (Vec<u128>, u64, bool) {
        let (found, next, more) = log.after(place, most);
        let id = |wire: Wire| match wire.subject {
            Some(WireSubject::SessionId(id)) => id.parse::<Uuid>().unwrap().as_u128(),
            _ => 0,
        };
        (found.into_iter().map(id).collect(), next, more)
    }

    #[test]
    fn a_row_that_was_begun_first_and_ended_last_is_not_skipped() {
        let (mut log, now) = (Log::default(), Instant::now());
        log.take_in(&[row(1), row(3)], now);
        let (first, place, more) = ids(&log, 0, 10);
        assert_eq!((first, more), (vec![1, 3], false));

        log.take_in(&[row(1), row(2), row(3), row(4)], now);
        assert_eq!(ids(&log, place, 10), (vec![2, 4], 4, false));
        assert_eq!(ids(&log, 4, 10), (vec![], 4, false));
    }

    #[test]
    fn who_comes_late_gets_two_minutes_in_pieces() {
        let (mut log, begun) = (Log::default(), Instant::now());
        log.take_in(&[row(1)], begun);
        log.take_in(&[row(1), row(2), row(3), row(4)], begun + Duration::from_secs(60));
        log.take_in(&[row(2), row(3), row(4)], begun + WINDOW);

        let (found, place, more) = ids(&log, 0, 2);
        assert_eq!((found, more), (vec![2, 3], true));
        assert_eq!(ids(&log, place, 2), (vec![4], 4, false));
    }
}
