//! Tokens: opaque ones, known to the database by their hash alone, and access tokens.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::{digest, hmac, rand};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use devsphere_auth::mint::SigningKey;
use devsphere_error::{Error, Result};
use devsphere_ids::{OrganizationId, PersonId, SessionId};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::{Deserialize, Serialize};

use crate::keys::Keys;

/// An access token lives this long.
pub(crate) const ACCESS_LIFETIME: Duration = Duration::from_secs(600);

/// RFC 9068: an access token's header type, so that it never passes for another token of ours.
const ACCESS_TYPE: &str = "at+jwt";
const ISSUER: &str = "devsphere-identity";
const AUDIENCE: &str = "devsphere-gateway";

/// 256 random bits as text, with a prefix that secret scanners can look for.
pub(crate) struct Opaque(String);

impl Opaque {
    /// A fresh one, as in `dvs_rt_…`.
    pub(crate) fn generate(prefix: &str) -> Result<Self> {
        let mut bytes = [0; 32];
        rand::fill(&mut bytes).map_err(|_| Error::internal("no randomness"))?;
        Ok(Self(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes))))
    }

    /// The one successor of a refresh token: computed, so that a retry gets the same one and the
    /// database never holds it.
    pub(crate) fn successor(key: &SigningKey, parent: &str) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, key.pkcs8());
        let tag = hmac::sign(&key, format!("refresh-token successor of {parent}").as_bytes());
        Self(format!("{REFRESH}{}", URL_SAFE_NO_PAD.encode(tag)))
    }

    pub(crate) fn hash(&self) -> Vec<u8> {
        sha256(&self.0)
    }

    pub(crate) fn into_text(self) -> String {
        self.0
    }
}

/// Prefix of refresh tokens.
pub(crate) const REFRESH: &str = "dvs_rt_";
/// Prefix of activation tokens.
pub(crate) const ACTIVATION: &str = "dvs_at_";
/// Prefix of invitations to join an organisation.
pub(crate) const JOIN: &str = "dvs_jt_";
/// Prefix of invitations to sign up.
pub(crate) const INVITATION: &str = "dvs_it_";

/// What the database knows a token by. The tokens are random, so a fast hash is right.
pub(crate) fn sha256(text: &str) -> Vec<u8> {
    digest::digest(&digest::SHA256, text.as_bytes()).as_ref().to_vec()
}

/// What an access token says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Access {
    iss: String,
    aud: String,
    iat: i64,
    nbf: i64,
    pub(crate) exp: i64,
    pub(crate) sub: PersonId,
    pub(crate) sid: SessionId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) org: Option<OrganizationId>,
    /// The membership's epoch; a higher one in the database ends the token.
    pub(crate) epoch: i64,
}

impl Access {
    pub(crate) fn new(sub: PersonId, sid: SessionId, place: Option<(OrganizationId, i64)>) -> Self {
        let now = now();
        Self {
            iss: ISSUER.into(),
            aud: AUDIENCE.into(),
            iat: now,
            nbf: now,
            exp: now + ACCESS_LIFETIME.as_secs().cast_signed(),
            sub,
            sid,
            org: place.map(|(org, _)| org),
            epoch: place.map_or(0, |(_, epoch)| epoch),
        }
    }

    pub(crate) fn sign(&self, key: &SigningKey) -> Result<String> {
        key.sign(ACCESS_TYPE, self)
    }

    /// The token's claims, if it holds: our algorithm, our key, our type, our audience, in time.
    pub(crate) fn verify(token: &str, keys: &Keys) -> Result<Self> {
        let refused = |_| Error::Unauthenticated;
        let header = jsonwebtoken::decode_header(token).map_err(refused)?;
        if header.alg != Algorithm::EdDSA || header.typ.as_deref() != Some(ACCESS_TYPE) {
            return Err(Error::Unauthenticated);
        }
        let mut keys = keys.all_access().into_iter().map(SigningKey::public);
        let named = keys.find(|key| header.kid.as_deref() == Some(&key.kid));
        let public = named.ok_or(Error::Unauthenticated)?;
        let mut rules = Validation::new(Algorithm::EdDSA);
        rules.set_issuer(&[ISSUER]);
        rules.set_audience(&[AUDIENCE]);
        rules.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
        rules.validate_nbf = true;
        rules.leeway = 5;
        let key = DecodingKey::from_ed_der(&public.bytes);
        let claims = jsonwebtoken::decode::<Self>(token, &key, &rules).map_err(refused)?.claims;
        if claims.exp - claims.iat > ACCESS_LIFETIME.as_secs().cast_signed() {
            return Err(Error::Unauthenticated);
        }
        Ok(claims)
    }
}

/// Seconds since 1970, by this machine's clock.
pub(crate) fn now() -> i64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    elapsed.as_secs().cast_signed()
}
