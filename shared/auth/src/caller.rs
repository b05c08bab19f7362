//! The authenticate step: an assertion that holds becomes a [`Caller`], and nothing else does.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use devsphere_error::{Error, Result};
use jsonwebtoken::{Algorithm, Validation};
use uuid::Uuid;

use crate::{
    Claims, HEADER_TYPE, KeySource, Kind, LIFETIME, Organization, PermissionSet, Ticket,
    assertion::{AUDIENCE, ISSUER, VERSION},
    keys::KeyRing,
    verified::Verified,
};

/// Clocks of two machines may differ by this many seconds.
const SKEW_SECONDS: u64 = 5;

/// Longer than any assertion with every permission set.
const MAX_BYTES: usize = 4096;

/// Who calls: proof that an assertion was verified. Cheap to copy.
#[derive(Debug, Clone)]
pub struct Caller(Arc<Known>);

#[derive(Debug)]
struct Known {
    claims: Claims,
    permissions: PermissionSet,
    ticket: Ticket,
    assertion: Arc<str>,
}

impl Caller {
    /// What kind of principal acts.
    pub fn kind(&self) -> Kind {
        self.0.claims.kind
    }

    /// The person, key, link or job.
    pub fn id(&self) -> Uuid {
        self.0.claims.sub
    }

    /// The session, where there is one.
    pub fn session(&self) -> Option<Uuid> {
        self.0.claims.sid
    }

    /// The organisation the caller stands in, where there is one.
    pub fn organization(&self) -> Option<&Organization> {
        self.0.claims.org.as_ref()
    }

    /// Everything the caller may do.
    pub fn permissions(&self) -> &PermissionSet {
        &self.0.permissions
    }

    /// The assertion itself, to be forwarded unchanged.
    pub fn assertion(&self) -> &str {
        &self.0.assertion
    }

    /// When identity made the assertion, in seconds since 1970.
    pub fn begun(&self) -> i64 {
        self.0.claims.iat
    }

    /// When the assertion ends, in seconds since 1970.
    pub fn expires(&self) -> i64 {
        self.0.claims.exp
    }

    /// The database ticket.
    pub fn ticket(&self) -> &Ticket {
        &self.0.ticket
    }

    pub(crate) fn shared_assertion(&self) -> Arc<str> {
        self.0.assertion.clone()
    }

    /// Whether the assertion's time has begun, give or take the skew, and is not over.
    pub(crate) fn is_good_at(&self, now: i64) -> bool {
        let Claims { nbf, exp, .. } = self.0.claims;
        nbf.saturating_sub(SKEW_SECONDS.cast_signed()) <= now && now < exp
    }
}

/// Verifies assertions with identity's public keys.
pub struct Verifier {
    keys: KeyRing,
    verified: Verified,
}

impl Verifier {
    /// A verifier over a source of public keys.
    pub fn new(source: impl KeySource + 'static) -> Self {
        Self { keys: KeyRing::new(Box::new(source)), verified: Verified::new() }
    }

    /// Fetches the keys anew unless exactly these are known: how a rotation reaches a verifier
    /// before the first assertion of the new key does.
    ///
    /// # Errors
    /// When the keys cannot be had.
    pub async fn learn(&self, published: &[String]) -> Result<()> {
        self.keys.learn(published).await
    }

    /// The caller that the assertion speaks of.
    ///
    /// # Errors
    /// `Unauthenticated` for whatever does not hold; `Unavailable` when the keys cannot be had.
    pub async fn caller(&self, assertion: &str) -> Result<Caller> {
        // Before the keys are looked at: what is remembered must not seem younger than it is.
        let keys = self.keys.generation();
        if let Some(caller) = self.verified.get(assertion, keys, now()) {
            return Ok(caller);
        }
        let caller = self.check(assertion, false).await?;
        self.verified.put(&caller, keys);
        Ok(caller)
    }

    /// As [`Verifier::caller`], but an end in the last ten minutes is forgiven: for renewal,
    /// where the session is looked up anew.
    ///
    /// # Errors
    /// As [`Verifier::caller`].
    pub async fn lapsed_caller(&self, assertion: &str) -> Result<Caller> {
        self.check(assertion, true).await
    }

    async fn check(&self, assertion: &str, lapsed: bool) -> Result<Caller> {
        if assertion.len() > MAX_BYTES {
            return Err(Error::Unauthenticated);
        }
        let refused = |_| Error::Unauthenticated;
        let header = jsonwebtoken::decode_header(assertion).map_err(refused)?;
        if header.alg != Algorithm::EdDSA || header.typ.as_deref() != Some(HEADER_TYPE) {
            return Err(Error::Unauthenticated);
        }
        let key = self.keys.get(header.kid.as_deref().ok_or(Error::Unauthenticated)?).await?;

        // The algorithm is ours, never the header's (RFC 8725, 3.1).
        let mut rules = Validation::new(Algorithm::EdDSA);
        rules.set_issuer(&[ISSUER]);
        rules.set_audience(&[AUDIENCE]);
        rules.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
        rules.validate_nbf = true;
        rules.leeway = if lapsed { 600 } else { SKEW_SECONDS };
        let claims =
            jsonwebtoken::decode::<Claims>(assertion, &key, &rules).map_err(refused)?.claims;

        // From whichever it begins with first: neither may stretch it.
        let begun = claims.iat.min(claims.nbf);
        let too_long = claims.exp.saturating_sub(begun) > LIFETIME.as_secs().cast_signed();
        if claims.v.saturating_add(1) < VERSION || claims.v > VERSION || too_long {
            return Err(Error::Unauthenticated);
        }
        Ok(Caller(Arc::new(Known {
            permissions: PermissionSet::decode(&claims.perms).ok_or(Error::Unauthenticated)?,
            ticket: claims.ticket.parse()?,
            claims,
            assertion: assertion.into(),
        })))
    }
}

/// Seconds since 1970.
fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    now.as_secs().cast_signed()
}
