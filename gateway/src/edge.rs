//! The edge of the network: whose connection is taken, for how long it may be silent, and whose it is.

mod opening;
mod proxies;
mod seats;
mod timed;
mod tls;

use std::{
    fs, io,
    net::IpAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use devsphere_error::{Error, Result};
use ipnet::IpNet;
use tokio::net::UnixListener;

use crate::browser::Origins;

pub(crate) use proxies::Proxies;
pub(crate) use seats::{Seat, Seats};
pub(crate) use timed::Timed;
pub(crate) use tls::acceptor;

/// What the gateway is told of the network around it; nothing of it is ever taken from a header.
#[derive(Debug, Clone, Default)]
pub struct Edge {
    /// Certificate and key; without them clients speak plain HTTP.
    pub tls: Option<TlsFiles>,
    /// The proxies whose word on a client's address is taken.
    pub trusted_proxies: Vec<IpNet>,
    /// The address people reach the gateway by; empty means http:// and where it listens.
    pub public_url: String,
    /// Web pages of other origins that may call, each written as a browser writes it.
    pub allowed_origins: Vec<String>,
    /// Where commands of this machine find the gateway, in plain HTTP whatever `tls` says; the
    /// folder guards it.
    pub socket: Option<PathBuf>,
}

impl Edge {
    /// Finds out before any work whether it can be used.
    ///
    /// # Errors
    /// When a certificate or key cannot be read, or an address is none.
    pub fn check(&self) -> Result<()> {
        self.tls.as_ref().map(acceptor).transpose()?;
        let public_url =
            if self.public_url.is_empty() { "http://localhost" } else { &self.public_url };
        let public_url = public_url.parse().map_err(Error::internal)?;
        Origins::new(&public_url, &self.allowed_origins).map(|_| ())
    }
}

/// Where the certificate chain and its key lie, in PEM.
#[derive(Debug, Clone)]
pub struct TlsFiles {
    /// The chain, the server's own certificate first.
    pub certificates: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// How many connections there may be, and how long each may keep us waiting.
#[derive(Debug, Clone)]
pub struct Connections {
    /// Open at the same time, in all.
    pub in_all: usize,
    /// Of one address; trusted proxies stand for many and are held to `in_all` alone.
    pub per_address: usize,
    /// Of one loopback address: proxies and tools of this machine.
    pub per_loopback_address: usize,
    /// Until the handshake of TLS is done.
    pub handshake: Duration,
    /// Until the first request's head, or the preface of HTTP/2 with its settings, is there.
    pub opening: Duration,
    /// Without a request (HTTP/1.1), without an answer to pings (HTTP/2), or with a client that
    /// takes nothing of what it asked for.
    pub idle: Duration,
}

impl Default for Connections {
    fn default() -> Self {
        Self {
            in_all: 1024,
            per_address: 64,
            per_loopback_address: 1024,
            handshake: Duration::from_secs(5),
            opening: Duration::from_secs(5),
            idle: Duration::from_secs(30),
        }
    }
}

/// Listens on a socket of its own, where one was left behind too.
pub(crate) fn socket(path: &Path) -> Result<UnixListener> {
    let failed =
        |error: io::Error| Error::internal(format!("cannot listen on {}: {error}", path.display()));
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    UnixListener::bind(path).map_err(failed)
}

/// The party behind an address: whoever has one address of IPv6 has all of its /64.
pub(crate) fn party(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            let network = u128::from(address) & (u128::MAX << 64);
            // One address of it would otherwise stand for two parties: ::1 is this machine.
            if address.is_loopback() { address.into() } else { IpAddr::V6(network.into()) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_party_is_an_address_of_ipv4_or_a_network_of_ipv6() {
        let of = |address: &str| party(address.parse().unwrap()).to_string();
        assert_eq!(of("192.0.2.7"), "192.0.2.7");
        assert_eq!(of("::ffff:192.0.2.7"), "192.0.2.7");
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(of("::1"), "::1");
    }
}
