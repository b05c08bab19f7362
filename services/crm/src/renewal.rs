//! Permits for work that outlives one assertion.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use devsphere_auth::{Permit, Verifier};
use devsphere_boot::RenewHandle;
use devsphere_error::{Error, Result};

/// A transaction is not begun with less than this left.
const SECONDS_LEFT: i64 = 20;

/// The way to fresh assertions, which is where revocation stops long work.
#[derive(Clone)]
pub(crate) struct Renewal {
    handle: RenewHandle,
    verifier: Arc<Verifier>,
}

impl Renewal {
    pub(crate) const fn new(handle: RenewHandle, verifier: Arc<Verifier>) -> Self {
        Self { handle, verifier }
    }

    /// The permit, good for another while.
    pub(crate) async fn fresh(&self, permit: Permit) -> Result<Permit> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(Error::internal)?;
        let caller = permit.caller();
        if caller.expires() - now.as_secs().cast_signed() >= SECONDS_LEFT {
            return Ok(permit);
        }
        let assertion = self.handle.renew(caller.assertion()).await?;
        permit.renewed(self.verifier.caller(&assertion).await?)
    }
}
