//! The list itself: two tables that forget after two minutes, and how far back they reach.

use std::{
    collections::HashMap,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use devsphere_proto::identity::v1::{Revocation, revocation::Subject};
use tokio::time::Instant;
use uuid::Uuid;

use super::{Holder, WINDOW};

/// More than these within two minutes are not told apart: everybody's assertion is asked for anew.
const LONGEST: usize = 100_000;

/// What is forgotten is looked for this often.
const TIDY_EVERY: Duration = Duration::from_secs(10);

/// Machines' clocks may differ by so much.
const SKEW_SECONDS: i64 = 5;

/// What the list says of a holder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Good,
    Ended,
    /// The list does not reach back to the assertion.
    Unknown,
}

/// What was revoked.
#[derive(Debug, Default)]
pub(super) struct List {
    sessions: HashMap<Uuid, Instant>,
    /// By person and organisation, the epoch that still holds.
    members: HashMap<(Uuid, Uuid), (i64, Instant)>,
    /// Seconds since 1970: of assertions made before, nothing is known.
    reaches_back_to: i64,
    tidied: Option<Instant>,
}

impl List {
    pub(super) fn judge(&self, holder: &Holder) -> Verdict {
        let session_ended = holder.session.is_some_and(|id| self.sessions.contains_key(&id));
        let epoch_passed = holder.place.is_some_and(|(org, epoch)| {
            let found = self.members.get(&(holder.principal, org));
            found.is_some_and(|(current, _)| epoch < *current)
        });
        if session_ended || epoch_passed {
            Verdict::Ended
        } else if holder.begun < self.reaches_back_to {
            Verdict::Unknown
        } else {
            Verdict::Good
        }
    }

    pub(super) fn note(&mut self, told: &[Revocation], now: Instant) {
        for subject in told.iter().filter_map(|revocation| revocation.subject.as_ref()) {
            self.note_one(subject, now);
        }
        if self.sessions.len() + self.members.len() > LONGEST {
            tracing::warn!("too many revocations to tell apart");
            self.sessions.clear();
            self.members.clear();
            self.forget_before(Duration::ZERO);
        }
        if self.tidied.is_none_or(|tidied| now - tidied >= TIDY_EVERY) {
            self.tidied = Some(now);
            self.sessions.retain(|_, noted| now - *noted < WINDOW);
            self.members.retain(|_, (_, noted)| now - *noted < WINDOW);
        }
    }

    fn note_one(&mut self, subject: &Subject, now: Instant) {
        match subject {
            Subject::SessionId(session) => {
                if let Ok(session) = session.parse() {
                    self.sessions.insert(session, now);
                }
            }
            Subject::Membership(told) => {
                let (person, org) = (told.person_id.parse(), told.organization_id.parse());
                if let (Ok(person), Ok(org)) = (person, org) {
                    let known = self.members.entry((person, org)).or_insert((told.epoch, now));
                    *known = (known.0.max(told.epoch), now);
                }
            }
        }
    }

    /// From now on nothing is known of what was revoked longer ago than that.
    pub(super) fn forget_before(&mut self, age: Duration) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let back = now.saturating_sub(age).as_secs().cast_signed();
        self.reaches_back_to = self.reaches_back_to.max(back + SKEW_SECONDS);
    }
}

#[cfg(test)]
mod tests {
    use devsphere_proto::identity::v1::MembershipEpoch;

    use super::*;

    fn now() -> i64 {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().cast_signed()
    }

    fn holder() -> Holder {
        let id = Uuid::now_v7;
        Holder { principal: id(), session: Some(id()), place: Some((id(), 3)), begun: now() }
    }

    fn session(id: Uuid) -> Revocation {
        Revocation { subject: Some(Subject::SessionId(id.to_string())) }
    }

    fn membership(holder: &Holder, epoch: i64) -> Revocation {
        let membership = MembershipEpoch {
            person_id: holder.principal.to_string(),
            organization_id: holder.place.unwrap().0.to_string(),
            epoch,
        };
        Revocation { subject: Some(Subject::Membership(membership)) }
    }

    #[test]
    fn a_session_that_ended_ends_its_holder_and_nobody_else() {
        let (mut list, gone, other) = (List::default(), holder(), holder());
        list.note(&[session(gone.session.unwrap())], Instant::now());
        assert_eq!((list.judge(&gone), list.judge(&other)), (Verdict::Ended, Verdict::Good));
    }

    #[test]
    fn an_epoch_ends_those_before_it_in_that_organisation_alone() {
        let (mut list, one) = (List::default(), holder());
        list.note(&[membership(&one, 4), membership(&one, 2)], Instant::now());
        assert_eq!(list.judge(&one), Verdict::Ended);

        let (org, _) = one.place.unwrap();
        for place in [(org, 4), (Uuid::now_v7(), 1)] {
            let other = Holder { place: Some(place), session: None, ..one };
            assert_eq!(list.judge(&other), Verdict::Good);
        }
    }

    #[test]
    fn what_is_two_minutes_old_is_forgotten() {
        let (mut list, gone, begun) = (List::default(), holder(), Instant::now());
        list.note(&[session(gone.session.unwrap()), membership(&gone, 9)], begun);
        list.note(&[], begun + WINDOW - Duration::from_secs(1));
        assert_eq!(list.judge(&gone), Verdict::Ended);
        list.note(&[], begun + WINDOW + TIDY_EVERY);
        assert_eq!(list.judge(&gone), Verdict::Good);
    }

    #[test]
    fn too_many_are_not_told_apart_and_nobody_slips_through() {
        let mut list = List::default();
        let many: Vec<_> = (0..=LONGEST).map(|_| session(Uuid::now_v7())).collect();
        let before = Holder { begun: now() - 1, ..holder() };
        list.note(&many, Instant::now());
        assert_eq!(list.judge(&before), Verdict::Unknown);
        assert!(list.sessions.is_empty());
        let after = Holder { begun: now() + SKEW_SECONDS + 1, ..holder() };
        assert_eq!(list.judge(&after), Verdict::Good);
    }
}
