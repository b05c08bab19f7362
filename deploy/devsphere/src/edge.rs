//! Flags of the gateway's edge: TLS, proxies, web pages, and how many may come how fast.

use std::{net::SocketAddr, path::PathBuf};

use anyhow::Result;
use clap::Args;
use devsphere_gateway::{Connections, Edge, Limits, Rates, TlsFiles};
use ipnet::IpNet;

use crate::{cli::BadConfig, out};

/// What the gateway is told of the network around it.
#[derive(Args)]
pub(crate) struct Flags {
    /// The certificate chain in PEM, the server's own first: clients speak TLS then.
    #[arg(long, env = "DEVSPHERE_TLS_CERT", value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The certificate's private key in PEM.
    #[arg(long, env = "DEVSPHERE_TLS_KEY", value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// A proxy whose `Forwarded` or `X-Forwarded-For` is believed, as in `10.0.0.0/8`; may be given
    /// several times.
    #[arg(
        long = "trusted-proxy",
        env = "DEVSPHERE_TRUSTED_PROXY",
        value_name = "CIDR",
        value_delimiter = ','
    )]
    trusted_proxies: Vec<IpNet>,
    /// Another origin whose web pages may call, as in `https://app.example.com`; may be given
    /// several times.
    #[arg(
        long = "allowed-origin",
        env = "DEVSPHERE_ALLOWED_ORIGIN",
        value_name = "ORIGIN",
        value_delimiter = ','
    )]
    allowed_origins: Vec<String>,
    /// Connections open at the same time.
    #[arg(long, env = "DEVSPHERE_MAX_CONNECTIONS", value_name = "N", default_value_t = Connections::default().in_all)]
    max_connections: usize,
    /// Of them, connections of one address; trusted proxies may have all.
    #[arg(long, env = "DEVSPHERE_MAX_CONNECTIONS_PER_ADDRESS", value_name = "N", default_value_t = Connections::default().per_address)]
    max_connections_per_address: usize,
    /// The same for each loopback address.
    #[arg(long, env = "DEVSPHERE_MAX_CONNECTIONS_PER_LOOPBACK_ADDRESS", value_name = "N", default_value_t = Connections::default().per_loopback_address)]
    max_connections_per_loopback_address: usize,
    /// Calls a minute of an organisation that has no rate of its own; 0 is without end, here and
    /// below.
    #[arg(long, env = "DEVSPHERE_RATE_PER_ORGANIZATION", value_name = "N", default_value_t = Rates::default().organization)]
    rate_per_organization: u32,
    /// Calls a minute of a person or an API key.
    #[arg(long, env = "DEVSPHERE_RATE_PER_PRINCIPAL", value_name = "N", default_value_t = Rates::default().principal)]
    rate_per_principal: u32,
    /// Calls a minute of an address without a credential, and credentials that do not hold.
    #[arg(long, env = "DEVSPHERE_RATE_PER_ADDRESS", value_name = "N", default_value_t = Rates::default().address)]
    rate_per_address: u32,
    /// The same for each loopback address.
    #[arg(long, env = "DEVSPHERE_RATE_PER_LOOPBACK_ADDRESS", value_name = "N", default_value_t = Rates::default().loopback_address)]
    rate_per_loopback_address: u32,
}

impl Flags {
    /// What the gateway is told, where people reach it by that address.
    pub(crate) fn edge(&self, public_url: String) -> Edge {
        let files = self.tls_cert.clone().zip(self.tls_key.clone());
        Edge {
            tls: files.map(|(certificates, key)| TlsFiles { certificates, key }),
            trusted_proxies: self.trusted_proxies.clone(),
            public_url,
            allowed_origins: self.allowed_origins.clone(),
            socket: None,
        }
    }

    /// The numbers.
    pub(crate) fn limits(&self) -> Limits {
        let connections = Connections {
            in_all: self.max_connections,
            per_address: self.max_connections_per_address,
            per_loopback_address: self.max_connections_per_loopback_address,
            ..Connections::default()
        };
        let rates = Rates {
            organization: self.rate_per_organization,
            principal: self.rate_per_principal,
            address: self.rate_per_address,
            loopback_address: self.rate_per_loopback_address,
            ..Rates::default()
        };
        Limits { connections, rates, ..Limits::default() }
    }

    /// Whether clients speak TLS.
    pub(crate) const fn has_tls(&self) -> bool {
        self.tls_cert.is_some()
    }
}

/// Refuses what would only be noticed late.
pub(crate) fn check(edge: &Edge) -> Result<()> {
    let checked = edge.check().map_err(out::in_full);
    Ok(checked.map_err(|error| BadConfig(out::whole(&error)))?)
}

/// The address people reach the gateway by.
pub(crate) fn public_url(given: Option<&str>, has_tls: bool, listen: SocketAddr) -> String {
    let scheme = if has_tls { "https" } else { "http" };
    let given = given.map(|url| url.trim_end_matches('/').to_owned());
    given.unwrap_or_else(|| format!("{scheme}://{listen}"))
}

/// Refuses addresses of flags that are none.
pub(crate) fn check_urls(public: Option<&str>, otlp_endpoint: Option<&str>) -> Result<()> {
    let web = |url: &str| url.starts_with("http://") || url.starts_with("https://");
    for (flag, url) in [("--public-url", public), ("--otlp-endpoint", otlp_endpoint)] {
        if let Some(url) = url.filter(|url| !web(url)) {
            return Err(BadConfig(format!("{flag}: {url} is no http address")).into());
        }
    }
    Ok(())
}
