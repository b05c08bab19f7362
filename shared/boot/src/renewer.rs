//! Work that outlives an assertion: the permit is renewed while its session lives.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use devsphere_auth::{Permit, Verifier};
use devsphere_error::{Error, Result};

use crate::RenewHandle;

/// A transaction is not begun with less than this left.
const SECONDS_LEFT: i64 = 20;

/// Keeps permits good.
#[derive(Clone)]
pub struct Renewer {
    verifier: Arc<Verifier>,
    renewal: RenewHandle,
}

impl Renewer {
    /// A renewer over that way of verifying and renewing assertions.
    pub const fn new(verifier: Arc<Verifier>, renewal: RenewHandle) -> Self {
        Self { verifier, renewal }
    }

    /// The permit, good for another while: which is where revocation stops long work.
    ///
    /// # Errors
    /// `Unauthenticated` when the session has ended, `Forbidden` when the permission is gone.
    pub async fn fresh(&self, permit: &Permit) -> Result<Permit> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(Error::internal)?;
        let caller = permit.caller();
        if caller.expires() - now.as_secs().cast_signed() >= SECONDS_LEFT {
            return Ok(permit.clone());
        }
        let assertion = self.renewal.renew(caller.assertion()).await?;
        permit.renewed(self.verifier.caller(&assertion).await?)
    }
}
