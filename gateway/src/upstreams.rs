//! The way to each module: one channel for calls and another for streams, which would fill it.

use std::collections::BTreeMap;

use devsphere_boot::{Channel, Endpoint, channel};
use devsphere_error::{Error, Result, Source};
use devsphere_proto::Method;

/// The channels, by module.
pub(crate) struct Upstreams(BTreeMap<&'static str, Upstream>);

struct Upstream {
    unary: Channel,
    streams: Channel,
}

impl Upstreams {
    pub(crate) fn new(peers: &BTreeMap<&'static str, Endpoint>) -> Self {
        let open = |endpoint| Upstream { unary: channel(endpoint), streams: channel(endpoint) };
        Self(peers.iter().map(|(module, endpoint)| (*module, open(endpoint))).collect())
    }

    /// The channel that a call of this method takes.
    pub(crate) fn of(&self, method: &Method) -> Result<Channel> {
        let upstream = self.upstream(method.module)?;
        Ok(if method.streams { upstream.streams.clone() } else { upstream.unary.clone() })
    }

    /// The channel for single answers of a module.
    pub(crate) fn unary(&self, module: &str) -> Result<Channel> {
        Ok(self.upstream(module)?.unary.clone())
    }

    fn upstream(&self, module: &str) -> Result<&Upstream> {
        self.0.get(module).ok_or(Error::Unavailable {
            cause: "no_peer",
            message: "a service that is needed is not configured",
            source: None,
        })
    }
}

/// A module that cannot be reached, or went away in the middle.
pub(crate) fn away(source: impl Into<Source>) -> Error {
    Error::Unavailable {
        cause: "peer",
        message: "a service that is needed is away, try again",
        source: Some(source.into()),
    }
}
