//! The making of assertions. Only identity and the test kit may name this module (a layering test checks).

mod files;
mod rotation;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use devsphere_error::{Error, Result};
use devsphere_proto::Contract;
use jsonwebtoken::{Algorithm, EncodingKey, Header};

use crate::{
    Claims, HEADER_TYPE, LIFETIME, PublicKey, Subject, TicketFields, TicketKey,
    assertion::{AUDIENCE, ISSUER, VERSION},
    module_bits,
};

pub use files::{KeyFile, KeyFiles, Other, key_files, write_missing};
pub use rotation::{KeyKind, KeyState, promote, publish_next, sweep};

/// An Ed25519 key pair that signs tokens.
#[derive(Clone)]
pub struct SigningKey {
    kid: String,
    pkcs8: Vec<u8>,
    public: Vec<u8>,
}

impl SigningKey {
    /// A fresh random key, as PKCS#8 for the key file.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn generate() -> Result<Self> {
        let pair = Ed25519KeyPair::generate().map_err(|_| Error::internal("no randomness"))?;
        let pkcs8 = pair.to_pkcs8().map_err(|_| Error::internal("no PKCS#8"))?;
        Self::from_pkcs8(pkcs8.as_ref())
    }

    /// The key of a PKCS#8 document; its name is the beginning of the public key.
    ///
    /// # Errors
    /// When it is no Ed25519 key.
    pub fn from_pkcs8(pkcs8: &[u8]) -> Result<Self> {
        let pair = Ed25519KeyPair::from_pkcs8(pkcs8)
            .map_err(|_| Error::internal("not an Ed25519 key in PKCS#8"))?;
        let public = pair.public_key().as_ref().to_vec();
        Ok(Self { kid: URL_SAFE_NO_PAD.encode(&public[..9]), pkcs8: pkcs8.to_vec(), public })
    }

    /// The PKCS#8 document, for the key file.
    pub fn pkcs8(&self) -> &[u8] {
        &self.pkcs8
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        PublicKey { kid: self.kid.clone(), bytes: self.public.clone() }
    }

    /// Signs claims as a JWT with the given header type.
    ///
    /// # Errors
    /// When the claims do not serialize.
    pub fn sign(&self, header_type: &str, claims: &impl serde::Serialize) -> Result<String> {
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(header_type.to_owned());
        header.kid = Some(self.kid.clone());
        let key = EncodingKey::from_ed_der(&self.pkcs8);
        jsonwebtoken::encode(&header, claims, &key).map_err(Error::internal)
    }
}

/// Makes assertions, each with its database ticket.
#[derive(Clone)]
pub struct Minter {
    contract: &'static Contract,
    key: SigningKey,
    ticket_key: TicketKey,
}

impl Minter {
    /// A minter over the two keys that make identity the root of trust.
    pub const fn new(contract: &'static Contract, key: SigningKey, ticket_key: TicketKey) -> Self {
        Self { contract, key, ticket_key }
    }

    /// Signs who calls, from `now` (seconds since 1970) for a minute; answers the end too.
    ///
    /// # Errors
    /// When signing fails, which it does not.
    pub fn assertion(&self, subject: &Subject, now: i64) -> Result<(String, i64)> {
        let expires = now + LIFETIME.as_secs().cast_signed();
        let ticket = self.ticket_key.ticket(&TicketFields {
            expires,
            kind: subject.kind,
            org: subject.organization.as_ref().map(|organization| organization.id),
            sub: subject.id,
            session: subject.session,
            client: subject.client,
            all: module_bits(self.contract, &subject.permissions),
        });
        let claims = Claims {
            v: VERSION,
            iss: ISSUER.into(),
            aud: AUDIENCE.into(),
            iat: now,
            nbf: now,
            exp: expires,
            kind: subject.kind,
            sub: subject.id,
            sid: subject.session,
            org: subject.organization.clone(),
            client: subject.client,
            perms: subject.permissions.encode(),
            ticket: ticket.as_str().to_owned(),
        };
        Ok((self.key.sign(HEADER_TYPE, &claims)?, expires))
    }
}
