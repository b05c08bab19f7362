//! How fast one may call: an organisation, a person or key, and an address that has yet to prove one.

mod meters;
mod visible;

use std::{net::IpAddr, time::Duration};

use devsphere_error::{Error, Result};
use uuid::Uuid;

use crate::edge::party;
use meters::{Meters, Over, Reading};

pub(crate) use visible::Readings;

/// Calls a minute; as many may come at once, and 0 means as many as come.
#[derive(Debug, Clone)]
pub struct Rates {
    /// Of one organisation, unless it has a rate of its own.
    pub organization: u32,
    /// Of one person or API key.
    pub principal: u32,
    /// Of one address: public methods, and apart from them credentials that do not hold.
    pub address: u32,
    /// The same of a loopback address: proxies and tools of this machine.
    pub loopback_address: u32,
    /// Of each kind so many are remembered, those seen last; a forgotten one begins anew.
    pub remembered: usize,
}

impl Default for Rates {
    fn default() -> Self {
        Self {
            organization: 6_000,
            principal: 600,
            address: 60,
            loopback_address: 600,
            remembered: 65_536,
        }
    }
}

impl Rates {
    /// As many calls as come, of everybody.
    pub fn unlimited() -> Self {
        let none = Self::default();
        Self { organization: 0, principal: 0, address: 0, loopback_address: 0, ..none }
    }
}

/// Whose calls these are, as identity says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Payer {
    pub(crate) principal: Uuid,
    pub(crate) organization: Option<Uuid>,
    /// The organisation's own rate; 0 where it has none.
    pub(crate) requests_per_minute: u32,
}

/// The meters.
pub(crate) struct Rate {
    rates: Rates,
    organizations: Meters<Uuid>,
    principals: Meters<Uuid>,
    addresses: Meters<IpAddr>,
    failures: Meters<IpAddr>,
}

impl Rate {
    pub(crate) fn new(rates: Rates) -> Self {
        let most = rates.remembered;
        Self {
            organizations: Meters::new("organization", most),
            principals: Meters::new("principal", most),
            addresses: Meters::new("address", most),
            failures: Meters::new("credentials", most),
            rates,
        }
    }

    /// Counts a call of somebody known.
    ///
    /// # Errors
    /// `RateLimited` when the person or the organisation has called too often.
    pub(crate) fn call(&self, payer: Payer, readings: &mut Readings) -> Result<()> {
        readings.note(self.principals.take(payer.principal, self.rates.principal))?;
        let Some(organization) = payer.organization else { return Ok(()) };
        let own = payer.requests_per_minute;
        let rate = if own == 0 { self.rates.organization } else { own };
        readings.note(self.organizations.take(organization, rate))
    }

    /// Counts a call of a public method.
    ///
    /// # Errors
    /// `RateLimited` when the address has called too often.
    pub(crate) fn public(&self, address: IpAddr, readings: &mut Readings) -> Result<()> {
        readings.note(self.addresses.take(party(address), self.of_address(address)))
    }

    /// Lets an address show a credential, unless it has shown too many that did not hold.
    ///
    /// # Errors
    /// `RateLimited` until the next one may be shown.
    pub(crate) fn show(&self, address: IpAddr, readings: &mut Readings) -> Result<()> {
        readings.note(self.failures.peek(party(address)))
    }

    /// Counts a credential that did not hold.
    pub(crate) fn failed(&self, address: IpAddr, readings: &mut Readings) {
        // The refusal of this one is said already; the next is refused by `show`.
        let _ = readings.note(self.failures.take(party(address), self.of_address(address)));
    }

    fn of_address(&self, address: IpAddr) -> u32 {
        if address.is_loopback() { self.rates.loopback_address } else { self.rates.address }
    }
}

impl From<Over> for Error {
    fn from(over: Over) -> Self {
        Self::RateLimited { retry_after: over.wait }
    }
}

/// Whole seconds, and never too few.
fn seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(rates: Rates) -> Rate {
        Rate::new(rates)
    }

    fn payer(principal: u128, organization: u128, requests_per_minute: u32) -> Payer {
        Payer {
            principal: Uuid::from_u128(principal),
            organization: Some(Uuid::from_u128(organization)),
            requests_per_minute,
        }
    }

    fn admitted(rate: &Rate, payer: Payer) -> usize {
        (0..100).take_while(|_| rate.call(payer, &mut Readings::default()).is_ok()).count()
    }

    #[test]
    fn a_person_has_a_rate_and_another_has_another() {
        let rate = rate(Rates { principal: 5, ..Rates::default() });
        assert_eq!(admitted(&rate, payer(1, 9, 0)), 5);
        assert_eq!(admitted(&rate, payer(2, 9, 0)), 5);
        assert_eq!(admitted(&rate, payer(1, 8, 0)), 0);
    }

    #[test]
    fn an_organisation_is_held_to_the_default_or_to_its_own_rate() {
        let rate = rate(Rates { organization: 7, ..Rates::default() });
        assert_eq!(admitted(&rate, payer(1, 9, 0)), 7);
        assert_eq!(admitted(&rate, payer(2, 9, 0)), 0);
        assert_eq!(admitted(&rate, payer(2, 8, 12)), 12);
        assert_eq!(admitted(&rate, payer(3, 7, 3)), 3);
    }

    #[test]
    fn a_rate_that_an_administrator_changes_counts_at_once() {
        let rate = rate(Rates::default());
        assert_eq!(admitted(&rate, payer(1, 9, 3)), 3);
        assert_eq!(admitted(&rate, payer(1, 9, 20)), 20);
    }

    #[test]
    fn who_shows_bad_credentials_is_kept_from_showing_more_and_others_are_not() {
        let rate = rate(Rates { address: 3, ..Rates::default() });
        let [thief, other]: [IpAddr; 2] = ["192.0.2.1", "192.0.2.2"].map(|ip| ip.parse().unwrap());
        let mut readings = Readings::default();
        for _ in 0..4 {
            rate.show(thief, &mut readings).unwrap();
            rate.failed(thief, &mut readings);
        }
        let refused = rate.show(thief, &mut readings).unwrap_err();
        let Error::RateLimited { retry_after } = refused else { panic!("{refused}") };
        assert!(retry_after > Duration::from_secs(10), "{retry_after:?}");
        rate.show(other, &mut readings).unwrap();
    }

    #[test]
    fn nothing_is_counted_where_there_is_no_limit() {
        let rate = rate(Rates { principal: 0, organization: 0, address: 0, ..Rates::default() });
        let mut readings = Readings::default();
        for _ in 0..1000 {
            rate.call(payer(1, 1, 0), &mut readings).unwrap();
            rate.public([192, 0, 2, 1].into(), &mut readings).unwrap();
        }
    }
}
