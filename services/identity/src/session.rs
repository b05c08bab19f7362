//! What a sign-up and a sign-in need, and how guesses are counted.

pub(crate) mod rpc;
pub(crate) mod store;

use std::net::IpAddr;

use devsphere_error::{Check, Error, Result};
use devsphere_ids::OrganizationId;
use devsphere_proto::identity::v1 as pb;

use crate::{
    organization::{check_currency, check_zone},
    password,
    secret::sha256,
};

/// A checked sign-up.
pub(crate) struct SignUp {
    pub(crate) email: String,
    pub(crate) password: String,
    pub(crate) display_name: String,
    pub(crate) organization: String,
    pub(crate) time_zone: String,
    pub(crate) currency: String,
    pub(crate) locale: String,
    pub(crate) invitation: Option<Vec<u8>>,
}

impl TryFrom<pb::SignUpRequest> for SignUp {
    type Error = Error;

    fn try_from(request: pb::SignUpRequest) -> Result<Self> {
        let or =
            |text: String, default: &str| if text.is_empty() { default.to_owned() } else { text };
        let mut check = Check::default();
        let email = address(&request.email);
        let known = [&*email, &*request.display_name, &*request.organization_display_name];
        password::check(&mut check, "password", &request.password, &known);
        let time_zone = or(request.time_zone, "UTC");
        check_zone(&mut check, "time_zone", &time_zone);
        let currency = or(request.currency_code, "EUR");
        check_currency(&mut check, "currency_code", &currency);
        for (field, text) in [
            ("display_name", &request.display_name),
            ("organization_display_name", &request.organization_display_name),
        ] {
            if text.trim().is_empty() {
                check.note(field, "must not be blank");
            }
        }
        check.done()?;
        Ok(Self {
            email,
            password: request.password,
            display_name: request.display_name.trim().to_owned(),
            organization: request.organization_display_name.trim().to_owned(),
            time_zone,
            currency,
            locale: or(request.locale, "en"),
            invitation: (!request.invitation_token.is_empty())
                .then(|| sha256(&request.invitation_token)),
        })
    }
}

/// A checked sign-in.
pub(crate) struct SignIn {
    pub(crate) email: String,
    pub(crate) password: String,
    pub(crate) organization: Option<OrganizationId>,
}

impl From<pb::SignInRequest> for SignIn {
    fn from(request: pb::SignInRequest) -> Self {
        Self {
            email: address(&request.email),
            password: request.password,
            organization: request.organization_id.parse().ok(),
        }
    }
}

/// An e-mail address as we compare it: without blanks around it, in lower case.
pub(crate) fn address(email: &str) -> String {
    email.trim().to_lowercase()
}

/// What a guess is counted under: the account, and the account from one network (a /24, or a /64
/// of IPv6), so that one network's guesses slow that network first.
pub(crate) struct GuessKeys {
    pub(crate) network: Vec<u8>,
    pub(crate) account: Vec<u8>,
}

impl GuessKeys {
    pub(crate) fn new(email: &str, from: Option<IpAddr>) -> Self {
        let network = match from {
            Some(IpAddr::V4(v4)) => format!("{:?}", &v4.octets()[..3]),
            Some(IpAddr::V6(v6)) => format!("{:?}", &v6.octets()[..8]),
            None => "unknown".into(),
        };
        Self {
            network: sha256(&format!("network\0{network}\0{email}")),
            account: sha256(&format!("account\0{email}")),
        }
    }

    pub(crate) fn both(&self) -> [Vec<u8>; 2] {
        [self.network.clone(), self.account.clone()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guesses_from_one_network_share_a_key_and_others_do_not() {
        let key = |address: &str| GuessKeys::new("a@b.example", address.parse().ok()).network;

        assert_eq!(key("192.0.2.1"), key("192.0.2.200"));
        assert_ne!(key("192.0.2.1"), key("198.51.100.1"));
        assert_eq!(key("2001:db8::1"), key("2001:db8::2"));
    }
}
