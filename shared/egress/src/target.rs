//! Where a call goes: a URL that two readers cannot read in two ways.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
};

use url::Url;

use crate::failure::Refusal;

/// More than any address of an API or a web page has.
const LONGEST: usize = 2048;

/// The longest name, and the longest part of one (RFC 1035).
const LONGEST_NAME: usize = 253;
const LONGEST_LABEL: usize = 63;

/// A URL whose scheme, host and port are beyond doubt; whether it is reached is the client's policy.
///
/// Shown without path and query, which may hold secrets.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Target {
    url: Url,
    host: Host,
    port: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Host {
    Address(IpAddr),
    /// In lower case, with no dot at its end.
    Name(String),
}

impl Target {
    /// Reads a URL as strictly as it can be written.
    ///
    /// Readers of URLs differ in what they make of the rest of RFC 3986 and of what browsers take
    /// beyond it, and what one checks another connects to. So whatever has a plainer spelling is
    /// refused, not repaired.
    ///
    /// # Errors
    /// When it is no `http` or `https` URL in its plain spelling.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        if text.len() > LONGEST {
            return Err(Refusal::Length);
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\') {
            return Err(Refusal::Character);
        }
        if text.contains('#') {
            return Err(Refusal::Fragment);
        }
        let (scheme, rest) = text.split_once("://").ok_or(Refusal::Scheme)?;
        let default = match scheme.to_ascii_lowercase().as_str() {
            "https" => 443,
            "http" => 80,
            _ => return Err(Refusal::Scheme),
        };
        let authority = &rest[..rest.find(['/', '?']).unwrap_or(rest.len())];
        if authority.contains('@') {
            return Err(Refusal::Credentials);
        }
        let (host, port) = split(authority)?;
        let host = Host::read(host)?;
        let port = port.map_or(Ok(default), |port| read_port(port).ok_or(Refusal::Port))?;
        let url = Url::parse(text).map_err(|_| Refusal::Host)?;
        // What is connected to is what the URL's own reader sees: both must agree.
        let agreed = Host::of(&url).as_ref() == Some(&host)
            && url.port_or_known_default() == Some(port)
            && url.username().is_empty()
            && url.password().is_none();
        if agreed { Ok(Self { url, host, port }) } else { Err(Refusal::Host) }
    }

    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    pub(crate) fn host(&self) -> &Host {
        &self.host
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn is_secure(&self) -> bool {
        self.url.scheme() == "https"
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url.origin().ascii_serialization())
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({self})")
    }
}

impl Host {
    /// Reads a host in its plain spelling: four decimal numbers, an IPv6 address in brackets, or a name.
    pub(crate) fn read(text: &str) -> Result<Self, Refusal> {
        let lower = text.to_ascii_lowercase();
        if let Some(inner) = lower.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            let address: Ipv6Addr = inner.parse().map_err(|_| Refusal::Host)?;
            return Ok(Self::Address(address.into()));
        }
        // Octal, hexadecimal, short and percent-encoded spellings come out other than they went in.
        match url::Host::parse(&lower) {
            Ok(url::Host::Ipv4(address)) if address.to_string() == lower => {
                Ok(Self::Address(address.into()))
            }
            Ok(url::Host::Domain(name)) if name == lower && is_name(&name) => Ok(Self::Name(name)),
            _ => Err(Refusal::Host),
        }
    }

    fn of(url: &Url) -> Option<Self> {
        Some(match url.host()? {
            url::Host::Ipv4(address) => Self::Address(address.into()),
            url::Host::Ipv6(address) => Self::Address(address.into()),
            url::Host::Domain(name) => Self::Name(name.to_owned()),
        })
    }
}

/// A host, in brackets or not, and what stands after its colon.
pub(crate) fn split(authority: &str) -> Result<(&str, Option<&str>), Refusal> {
    let end = match authority.strip_prefix('[') {
        Some(_) => authority.find(']').ok_or(Refusal::Host)? + 1,
        None => authority.find(':').unwrap_or(authority.len()),
    };
    let (host, rest) = authority.split_at(end);
    match rest.strip_prefix(':') {
        Some(port) => Ok((host, Some(port))),
        None if rest.is_empty() => Ok((host, None)),
        None => Err(Refusal::Host),
    }
}

/// A port as it is written by who means one: no sign, no zero in front.
pub(crate) fn read_port(text: &str) -> Option<u16> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    text.parse().ok().filter(|_| plain)
}

fn is_name(name: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let label =
        |label: &str| (1..=LONGEST_LABEL).contains(&label.len()) && label.bytes().all(letter);
    name.len() <= LONGEST_NAME && name.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_url_keeps_its_path_and_query_and_shows_neither() {
        let target = Target::parse("HTTPS://API.Example.com/v1/m?key=secret").unwrap();

        assert_eq!(target.url().as_str(), "https://api.example.com/v1/m?key=secret");
        assert_eq!(target.to_string(), "https://api.example.com");
        assert_eq!(format!("{target:?}"), "Target(https://api.example.com)");
        assert_eq!((target.port(), target.is_secure()), (443, true));
    }

    #[test]
    fn hosts_are_read_as_what_they_are() {
        let host = |url: &str| Target::parse(url).map(|target| (target.host, target.port));
        let address = |text: &str| Host::Address(text.parse().unwrap());

        assert_eq!(host("http://127.0.0.1:11434"), Ok((address("127.0.0.1"), 11434)));
        assert_eq!(host("https://[2606:4700::1111]/"), Ok((address("2606:4700::1111"), 443)));
        assert_eq!(host("http://[0:0::1]:8080?q"), Ok((address("::1"), 8080)));
        assert_eq!(
            host("https://xn--bcher-kva.example"),
            Ok((Host::Name("xn--bcher-kva.example".into()), 443))
        );
    }
}
