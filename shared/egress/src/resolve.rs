//! From a name to addresses: one look, every address judged, and none used that was not.

use std::{
    io,
    net::{IpAddr, SocketAddr, ToSocketAddrs as _},
    pin::Pin,
    sync::Arc,
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::{sync::Semaphore, task::spawn_blocking};

use crate::{failure::Refusal, policy::Reach};

/// How many names are asked for at once: each holds a thread for as long as its servers please.
const AT_ONCE: usize = 32;

/// The addresses of a name, to come.
pub type Looking = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// Who knows the addresses of names. It need not be trusted: what it answers is judged.
pub trait Lookup: Send + Sync {
    /// All addresses of a name.
    fn look_up(&self, name: &str) -> Looking;
}

/// The system's own resolver, with its search list and its file of hosts.
#[derive(Debug, Clone)]
pub struct System(Arc<Semaphore>);

impl Default for System {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

impl Lookup for System {
    fn look_up(&self, name: &str) -> Looking {
        let (turns, name) = (self.0.clone(), name.to_owned());
        Box::pin(async move {
            let turn = turns.acquire_owned().await.map_err(io::Error::other)?;
            let ask = move || {
                // The turn ends with the question, even if nobody waits for the answer any more.
                let _turn = turn;
                let found = (name.as_str(), 0).to_socket_addrs()?;
                Ok(found.map(|address| address.ip()).collect())
            };
            spawn_blocking(ask).await.map_err(io::Error::other)?
        })
    }
}

/// The resolver that a connection asks: it knows how far the connection may go.
pub(crate) struct Gate {
    pub(crate) lookup: Arc<dyn Lookup>,
    pub(crate) reach: Reach,
}

impl Resolve for Gate {
    fn resolve(&self, name: Name) -> Resolving {
        let (looking, reach) = (self.lookup.look_up(name.as_str()), self.reach);
        Box::pin(async move {
            let addresses = looking.await?;
            if addresses.is_empty() {
                return Err(io::Error::from(io::ErrorKind::NotFound).into());
            }
            // One address inside beside others outside is how a name is turned around later.
            if !addresses.iter().all(|address| reach.takes(*address)) {
                return Err(Refusal::Leads.into());
            }
            // Port 0 is the target's own.
            let addresses = addresses.into_iter().map(|address| SocketAddr::new(address, 0));
            Ok(Box::new(addresses) as Addrs)
        })
    }
}
