//! Whose address a request stands for: the peer's own, unless the peer is a proxy that we trust.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, HeaderName, HeaderValue, header::FORWARDED};
use ipnet::IpNet;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The proxies in front of the gateway.
#[derive(Debug, Clone, Default)]
pub(crate) struct Proxies(Vec<IpNet>);

impl Proxies {
    pub(crate) fn new(networks: Vec<IpNet>) -> Self {
        Self(networks)
    }

    /// Whether the word of that address is taken.
    pub(crate) fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }

    /// The address of the client behind a peer.
    pub(crate) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        if !self.trusts(peer) {
            return peer;
        }
        let [standard, usual] = [FORWARDED, X_FORWARDED_FOR].map(|name| {
            let is_standard = name == FORWARDED;
            let mut values = headers.get_all(name).iter().peekable();
            values.peek()?;
            let hops: Vec<_> = values.flat_map(elements).collect();
            let addresses =
                hops.iter().rev().map(|hop| if is_standard { node(pair(hop)?) } else { node(hop) });
            Some(self.rightmost_untrusted(peer, addresses))
        });
        match (standard, usual) {
            // A proxy writes one of them and lets the other through as the client sent it.
            (Some(standard), Some(usual)) if standard != usual => peer,
            (Some(address), _) | (None, Some(address)) => address,
            (None, None) => peer,
        }
    }

    /// Goes back from proxy to proxy; whatever stands left of a stranger, the stranger wrote.
    fn rightmost_untrusted(
        &self,
        peer: IpAddr,
        hops: impl Iterator<Item = Option<IpAddr>>,
    ) -> IpAddr {
        let mut last = peer;
        for hop in hops {
            let Some(address) = hop else { return last };
            last = address;
            if !self.trusts(address) {
                return last;
            }
        }
        last
    }
}

/// The parts of a list in a header.
fn elements(value: &HeaderValue) -> Vec<&str> {
    // What is no text ends the way back, as an element that names no address.
    value.to_str().map_or_else(|_| vec![""], |text| text.split(',').map(str::trim).collect())
}

/// The value of `for` in an element of `Forwarded` (RFC 7239).
fn pair(element: &str) -> Option<&str> {
    element.split(';').find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.trim().eq_ignore_ascii_case("for").then(|| value.trim().trim_matches('"'))
    })
}

/// An address, with or without a port.
fn node(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse::<IpAddr>().ok();
    let address = address.or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip()));
    address.map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENT: &str = "203.0.113.5";
    const PROXY: &str = "10.0.0.1";

    fn client(peer: &str, sent: &[(&'static str, &str)]) -> String {
        let proxies =
            Proxies::new(vec!["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()]);
        let mut headers = HeaderMap::new();
        for (name, value) in sent {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        proxies.client(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn a_stranger_is_who_it_is_whatever_it_says() {
        for name in ["forwarded", "x-forwarded-for", "x-real-ip", "true-client-ip"] {
            for value in [CLIENT, "for=203.0.113.5", "127.0.0.1", PROXY] {
                assert_eq!(client("198.51.100.7", &[(name, value)]), "198.51.100.7");
            }
        }
    }

    #[test]
    fn a_trusted_proxy_names_its_client() {
        let said: [(&'static str, &str); 9] = [
            ("x-forwarded-for", "203.0.113.5"),
            ("x-forwarded-for", "203.0.113.5:4711"),
            ("x-forwarded-for", "1.2.3.4, 203.0.113.5"),
            ("x-forwarded-for", "unknown, 203.0.113.5, 10.9.9.9"),
            ("x-forwarded-for", "::ffff:203.0.113.5"),
            ("forwarded", "for=203.0.113.5"),
            ("forwarded", "For=\"203.0.113.5:80\";proto=https;by=10.0.0.1"),
            ("forwarded", "for=1.2.3.4, for=203.0.113.5"),
            ("forwarded", "for=203.0.113.5, for=\"[fd00::7]:443\""),
        ];
        for one in said {
            assert_eq!(client(PROXY, &[one]), CLIENT, "{one:?}");
        }
        let twice = [("x-forwarded-for", "1.2.3.4"), ("x-forwarded-for", CLIENT)];
        assert_eq!(client(PROXY, &twice), CLIENT);
        let both = [("forwarded", "for=203.0.113.5"), ("x-forwarded-for", CLIENT)];
        assert_eq!(client(PROXY, &both), CLIENT);
    }

    #[test]
    fn what_cannot_be_read_or_disagrees_leaves_the_proxy_itself() {
        let said: [&[(&'static str, &str)]; 6] = [
            &[],
            &[("x-forwarded-for", "unknown")],
            &[("forwarded", "for=_hidden")],
            &[("forwarded", "by=203.0.113.5")],
            &[("x-forwarded-for", "203.0.113.5,")],
            &[("forwarded", "for=1.2.3.4"), ("x-forwarded-for", CLIENT)],
        ];
        for one in said {
            assert_eq!(client(PROXY, one), PROXY, "{one:?}");
        }
    }

    #[test]
    fn a_chain_of_ours_alone_is_its_first() {
        assert_eq!(client(PROXY, &[("x-forwarded-for", "10.1.1.1, 10.2.2.2")]), "10.1.1.1");
    }
}
