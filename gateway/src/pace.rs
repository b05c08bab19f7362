//! How many and how fast: what every call passes before it reaches a service.

use std::{collections::BTreeMap, sync::Arc};

use devsphere_error::{Error, Result};
use devsphere_proto::{Access, Contract, Method};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{
    Limits,
    rate::Rate,
    retry::Retries,
    shed::{Shed, Slot},
};

/// Public calls at work at the same time. They have a lane of their own: whoever wants to sign in
/// is let in however busy a module is, and rates keep a single address from filling it.
const PUBLIC: usize = 256;

/// Memory for requests that are not there in full yet, in all.
const ROOM_KIB: usize = 256 * 1024;

/// What all calls share.
pub(crate) struct Pace {
    pub(crate) rate: Rate,
    pub(crate) retries: Retries,
    room: Arc<Semaphore>,
    modules: BTreeMap<&'static str, Arc<Shed>>,
    public: Arc<Semaphore>,
    streams: Arc<Semaphore>,
}

/// A call's place among those at work.
pub(crate) enum Place {
    /// Until the service has begun to answer.
    Slot(Slot),
    /// As long as it is held.
    Lane(OwnedSemaphorePermit),
}

impl Pace {
    pub(crate) fn new(contract: &Contract, limits: &Limits) -> Self {
        let modules = contract.modules().map(|module| (module.name, Shed::new(limits.calls)));
        Self {
            rate: Rate::new(limits.rates.clone()),
            retries: Retries::new(),
            room: Arc::new(Semaphore::new(ROOM_KIB)),
            modules: modules.collect(),
            public: Arc::new(Semaphore::new(PUBLIC)),
            streams: Arc::new(Semaphore::new(limits.streams)),
        }
    }

    /// Refuses a call for which there is certainly no place, while it has cost nothing yet.
    ///
    /// # Errors
    /// `Overloaded`.
    pub(crate) fn check(&self, method: &Method) -> Result<()> {
        if method.streams || method.access == Access::Public {
            return Ok(());
        }
        self.modules.get(method.module).map_or(Ok(()), |shed| shed.check())
    }

    /// Whether a module refuses calls at the moment.
    pub(crate) fn is_shedding(&self) -> bool {
        self.modules.values().any(|shed| shed.is_penitent())
    }

    /// A place for a call of that method.
    ///
    /// # Errors
    /// `Overloaded` when there is none: a quick no is better than a late answer.
    pub(crate) async fn enter(&self, method: &Method) -> Result<Place> {
        let lane = match method.access {
            _ if method.streams => &self.streams,
            Access::Public => &self.public,
            _ => {
                let shed = self.modules.get(method.module).ok_or(Error::UnknownMethod)?;
                return shed.enter().await.map(Place::Slot);
            }
        };
        lane.clone().try_acquire_owned().map(Place::Lane).map_err(|_| Error::Overloaded)
    }

    /// Room for so many more bytes of a request.
    ///
    /// # Errors
    /// `Overloaded` when too many requests are half there.
    pub(crate) fn room(&self, bytes: usize) -> Result<OwnedSemaphorePermit> {
        let kib = u32::try_from(bytes.div_ceil(1024)).map_err(Error::internal)?;
        self.room.clone().try_acquire_many_owned(kib).map_err(|_| Error::Overloaded)
    }
}
