//! The database ticket: which organisation and person a transaction stands for, under an HMAC that PostgreSQL checks.

use std::{fmt, str::FromStr};

use aws_lc_rs::{hmac, rand};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use devsphere_error::{Error, Result};
use uuid::Uuid;

/// What kind of principal acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A signed-in person.
    User,
    /// An API key.
    Key,
    /// A signed link to one record.
    Link,
    /// An incoming webhook.
    Hook,
    /// A registered job.
    Job,
    /// A member through whose eyes somebody else looks; reads only.
    View,
}

impl Kind {
    /// As it stands in tickets and audit records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Key => "key",
            Self::Link => "link",
            Self::Hook => "hook",
            Self::Job => "job",
            Self::View => "view",
        }
    }
}

/// What a ticket says.
#[derive(Debug, Clone, Copy)]
pub struct TicketFields {
    /// Seconds since 1970 after which PostgreSQL refuses it.
    pub expires: i64,
    /// Kind of principal.
    pub kind: Kind,
    /// The organisation; none before there is one.
    pub org: Option<Uuid>,
    /// The person, key, link or job.
    pub sub: Uuid,
    /// The session, where there is one.
    pub session: Option<Uuid>,
    /// The client whose portal this is, for customers' people.
    pub client: Option<Uuid>,
    /// Bit set of the modules in which the caller sees every record.
    pub all: u64,
}

/// A ticket as text. It holds only base64url characters and dots, so it may stand as a literal in SQL.
#[derive(Clone, PartialEq, Eq)]
pub struct Ticket(String);

impl Ticket {
    /// The text, for the opening statement.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Ticket {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if text.is_empty() || text.len() > 400 || !text.bytes().all(plain) {
            return Err(Error::Unauthenticated);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ticket(…)")
    }
}

/// The key that makes tickets: held by identity and, as HMAC pads, by the database.
#[derive(Clone)]
pub struct TicketKey {
    kid: String,
    secret: [u8; 32],
}

impl TicketKey {
    /// A fresh random key.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn generate() -> Result<Self> {
        let mut secret = [0; 32];
        rand::fill(&mut secret).map_err(|_| Error::internal("no randomness"))?;
        Ok(Self::new(Uuid::now_v7().simple().to_string(), secret))
    }

    /// A key from its parts; `kid` must be base64url.
    pub const fn new(kid: String, secret: [u8; 32]) -> Self {
        Self { kid, secret }
    }

    /// The key's name.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The 32 secret bytes, for the key file.
    pub const fn secret(&self) -> &[u8; 32] {
        &self.secret
    }

    /// The inner and outer pad of HMAC-SHA256 (RFC 2104), which let SQL check with two `sha256()`.
    pub fn pads(&self) -> (Vec<u8>, Vec<u8>) {
        let block = |pad: u8| {
            let padded = self.secret.iter().copied().chain(std::iter::repeat_n(0, 32));
            padded.map(|byte| byte ^ pad).collect()
        };
        (block(0x36), block(0x5c))
    }

    /// Signs a ticket.
    pub fn ticket(&self, fields: &TicketFields) -> Ticket {
        let id = |id: Option<Uuid>| id.map(|id| id.simple().to_string()).unwrap_or_default();
        let body = format!(
            "1.{kid}.{expires}.{kind}.{org}.{sub}.{session}.{client}.{all}",
            kid = self.kid,
            expires = fields.expires,
            kind = fields.kind.as_str(),
            org = id(fields.org),
            sub = fields.sub.simple(),
            session = id(fields.session),
            client = id(fields.client),
            all = fields.all,
        );
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.secret);
        let tag = hmac::sign(&key, body.as_bytes());
        Ticket(format!("{body}.{}", URL_SAFE_NO_PAD.encode(tag)))
    }
}

impl fmt::Debug for TicketKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TicketKey({})", self.kid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_takes_no_quote() {
        assert!("1.a.b'".parse::<Ticket>().is_err());
        assert!("".parse::<Ticket>().is_err());
        assert!("1.k.9.user.-_".parse::<Ticket>().is_ok());
    }
}
