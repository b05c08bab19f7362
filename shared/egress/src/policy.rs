//! What a client may reach: the public's addresses, and the private ones that the operator names.

use std::{net::IpAddr, str::FromStr};

use ipnet::IpNet;

use crate::{
    address::{self, Kind},
    failure::Refusal,
    target::{self, Host, Target},
};

/// Names that mean a host of one's own network, wherever they are asked for, with all below them.
const LOCAL_NAMES: [&str; 9] = [
    "alt",       // RFC 9476
    "home.arpa", // RFC 8375
    "internal",  // ICANN, 2024
    "invalid",   // RFC 6761
    "local",     // RFC 6762
    "localdomain",
    "localhost", // RFC 6761
    "onion",     // RFC 7686
    "test",      // RFC 6761
];

/// What the operator says of calls out. By default only public addresses are reached.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// Private places that are reached all the same, over plain `http` too.
    pub allow_private: Vec<Allowance>,
    /// Certificates in PEM that are believed beside the system's own.
    pub roots: Vec<u8>,
}

/// One private place that may be reached: an address, a network or a name, with or without a port.
///
/// Written `127.0.0.1:11434`, `[::1]:11434`, `10.0.0.0/8`, `[fd00::/8]:8000` or `models.lan:8000`;
/// no port is every port. A network opens the addresses in it to who writes them as such. A name
/// leads there only if it is itself allowed: else whoever has a domain could point it inside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowance {
    place: Place,
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Network(IpNet),
    Name(String),
}

/// What of a policy cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadPolicy(pub(crate) String);

/// Which addresses a name of a target may lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Public ones.
    Public,
    /// Private ones: in clear text, nothing leaves our network.
    Private,
    /// Both, since the operator vouches for the name, and TLS for who answers.
    Either,
}

impl Reach {
    pub(crate) fn takes(self, address: IpAddr) -> bool {
        match address::kind(address) {
            Kind::Public => self != Self::Private,
            Kind::Private => self != Self::Public,
            Kind::Never => false,
        }
    }
}

impl Policy {
    /// How far a target may go, and an address at once whether it may at all.
    pub(crate) fn admit(&self, target: &Target) -> Result<Reach, Refusal> {
        let allowed = self.allow_private.iter().any(|allowance| allowance.covers(target));
        let private = if target.is_secure() { Reach::Either } else { Reach::Private };
        match target.host() {
            Host::Address(address) => match address::kind(*address) {
                Kind::Private if allowed => return Ok(private),
                Kind::Private | Kind::Never => return Err(Refusal::Address),
                Kind::Public => {}
            },
            Host::Name(_) if allowed => return Ok(private),
            Host::Name(name) if is_local(name) => return Err(Refusal::LocalName),
            Host::Name(_) => {}
        }
        match (target.is_secure(), target.port()) {
            (false, _) => Err(Refusal::Plain),
            (true, 443) => Ok(Reach::Public),
            (true, _) => Err(Refusal::Port),
        }
    }
}

impl Allowance {
    fn covers(&self, target: &Target) -> bool {
        let here = match (&self.place, target.host()) {
            (Place::Network(network), Host::Address(address)) => network.contains(address),
            (Place::Name(allowed), Host::Name(name)) => allowed == name,
            _ => false,
        };
        here && self.port.is_none_or(|port| port == target.port())
    }
}

impl FromStr for Allowance {
    type Err = BadPolicy;

    fn from_str(text: &str) -> Result<Self, BadPolicy> {
        let bad = || BadPolicy(format!("{text:?} is no address, network or name to allow"));
        if let Some(network) = network(text) {
            return Ok(Self { place: Place::Network(network), port: None });
        }
        let (place, port) = target::split(text).map_err(|_| bad())?;
        let port = port.map(|port| target::read_port(port).ok_or_else(bad)).transpose()?;
        let inner = place.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let place = match (inner, network(inner.unwrap_or(place))) {
            (Some(_), Some(network @ IpNet::V6(_))) | (None, Some(network @ IpNet::V4(_))) => {
                Place::Network(network)
            }
            (None, None) => match Host::read(place) {
                Ok(Host::Name(name)) => Place::Name(name),
                _ => return Err(bad()),
            },
            _ => return Err(bad()),
        };
        Ok(Self { place, port })
    }
}

fn network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| Some(IpNet::from(text.parse::<IpAddr>().ok()?)))
}

/// One label is whatever the search list of this machine makes of it.
fn is_local(name: &str) -> bool {
    let below = |local: &str| {
        name.strip_suffix(local).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    !name.contains('.') || LOCAL_NAMES.iter().any(|local| below(local))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admit(allowances: &[&str], url: &str) -> Result<Reach, Refusal> {
        let allow_private = allowances.iter().map(|text| text.parse().unwrap()).collect();
        Policy { allow_private, ..Policy::default() }.admit(&Target::parse(url).unwrap())
    }

    #[test]
    fn without_a_word_of_the_operator_only_https_to_the_public_is_admitted() {
        assert_eq!(admit(&[], "https://api.example.com/v1"), Ok(Reach::Public));
        assert_eq!(admit(&[], "https://1.1.1.1"), Ok(Reach::Public));
        assert_eq!(admit(&[], "http://api.example.com"), Err(Refusal::Plain));
        assert_eq!(admit(&[], "https://api.example.com:8443"), Err(Refusal::Port));
        assert_eq!(admit(&[], "https://127.0.0.1"), Err(Refusal::Address));
        for name in
            ["localhost", "a.localhost", "db", "x.svc.cluster.local", "metadata.google.internal"]
        {
            assert_eq!(admit(&[], &format!("https://{name}")), Err(Refusal::LocalName), "{name}");
        }
        assert_eq!(admit(&[], "https://mylocalhost.example.com"), Ok(Reach::Public));
    }

    #[test]
    fn an_allowance_opens_its_own_place_and_port() {
        let one = ["127.0.0.1:11434"];
        assert_eq!(admit(&one, "http://127.0.0.1:11434/v1"), Ok(Reach::Private));
        assert_eq!(admit(&one, "https://127.0.0.1:11434/v1"), Ok(Reach::Either));
        assert_eq!(admit(&one, "http://127.0.0.1:11435"), Err(Refusal::Address));
        assert_eq!(admit(&one, "http://127.0.0.2:11434"), Err(Refusal::Address));
        assert_eq!(admit(&one, "http://localhost:11434"), Err(Refusal::LocalName));

        assert_eq!(admit(&["10.0.0.0/8"], "http://10.9.8.7:1"), Ok(Reach::Private));
        assert_eq!(admit(&["[fd00::/8]:8000"], "http://[fd01::2]:8000"), Ok(Reach::Private));
        assert_eq!(admit(&["Models.lan:8000"], "http://models.LAN:8000"), Ok(Reach::Private));
        assert_eq!(admit(&["models.lan:8000"], "http://models.lan"), Err(Refusal::Plain));
    }

    #[test]
    fn no_allowance_opens_what_is_nobodys_host_or_the_publics() {
        let all = ["0.0.0.0/0", "::/0"];
        for host in
            ["169.254.169.254", "[fd00:ec2::254]", "0.0.0.0", "[::ffff:127.0.0.1]", "224.0.0.1"]
        {
            assert_eq!(admit(&all, &format!("http://{host}")), Err(Refusal::Address), "{host}");
        }
        assert_eq!(admit(&all, "http://8.8.8.8"), Err(Refusal::Plain));
    }

    #[test]
    fn an_allowance_is_written_in_one_way() {
        for good in
            ["127.0.0.1", "::1", "[::1]", "[::1]:80", "10.0.0.0/8:80", "fd00::/8", "a_b:1", "a.b"]
        {
            assert!(good.parse::<Allowance>().is_ok(), "{good}");
        }
        for bad in
            ["", ":80", "a:", "a:0", "a:080", "a:65536", "a:b:1", "[a]:1", "[10.0.0.1]:1", "127.1"]
        {
            assert!(bad.parse::<Allowance>().is_err(), "{bad}");
        }
        for bad in ["10.0.0.0/33", "http://a", "*.a", "a b", "ä:1", "a.:1", "0x7f.1:1"] {
            assert!(bad.parse::<Allowance>().is_err(), "{bad}");
        }
    }
}
