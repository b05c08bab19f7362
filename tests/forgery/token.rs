//! Tokens put together by hand, so that each part can be wrong by itself.

use aws_lc_rs::{hmac, signature::Ed25519KeyPair};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use devsphere_auth::mint::SigningKey;
use serde_json::{Value, json};

/// The three parts of a token, read.
#[derive(Debug, Clone)]
pub struct Token {
    pub header: Value,
    pub claims: Value,
    pub signature: Vec<u8>,
}

impl Token {
    /// Takes a token apart.
    pub fn read(text: &str) -> Self {
        let parts = text.split('.').map(|part| URL_SAFE_NO_PAD.decode(part).unwrap());
        let [header, claims, signature]: [Vec<u8>; 3] =
            parts.collect::<Vec<_>>().try_into().unwrap();
        Self {
            header: serde_json::from_slice(&header).unwrap(),
            claims: serde_json::from_slice(&claims).unwrap(),
            signature,
        }
    }

    /// The same with a header entry set, or left out with `null`.
    pub fn header(mut self, name: &str, value: Value) -> Self {
        set(&mut self.header, name, value);
        self
    }

    /// The same with a claim set, or left out with `null`.
    pub fn claim(mut self, name: &str, value: Value) -> Self {
        set(&mut self.claims, name, value);
        self
    }

    /// The same with a claim about the organisation set.
    pub fn of_organization(mut self, name: &str, value: Value) -> Self {
        set(&mut self.claims["org"], name, value);
        self
    }

    /// The same at other times.
    pub fn times(self, begins: i64, ends: i64) -> Self {
        self.claim("iat", json!(begins)).claim("nbf", json!(begins)).claim("exp", json!(ends))
    }

    /// As it stands, under the signature that it has.
    pub fn kept(&self) -> String {
        format!("{}.{}", self.signed_part(), URL_SAFE_NO_PAD.encode(&self.signature))
    }

    /// Under the signature of that key, with the header as it stands.
    pub fn signed(&self, key: &SigningKey) -> String {
        let pair = Ed25519KeyPair::from_pkcs8(key.pkcs8()).unwrap();
        let signature = pair.sign(self.signed_part().as_bytes());
        format!("{}.{}", self.signed_part(), URL_SAFE_NO_PAD.encode(signature))
    }

    /// Under an HMAC with that secret.
    pub fn tagged(&self, secret: &[u8]) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let tag = hmac::sign(&key, self.signed_part().as_bytes());
        format!("{}.{}", self.signed_part(), URL_SAFE_NO_PAD.encode(tag))
    }

    /// Under that signature.
    pub fn with(&self, signature: &[u8]) -> String {
        Self { signature: signature.to_vec(), ..self.clone() }.kept()
    }

    fn signed_part(&self) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}", part(&self.header), part(&self.claims))
    }
}

fn set(object: &mut Value, name: &str, value: Value) {
    let Some(entries) = object.as_object_mut() else { return };
    if value.is_null() {
        entries.remove(name);
    } else {
        entries.insert(name.to_owned(), value);
    }
}

/// The same signature with S + L for S: equal in arithmetic, and not the one that was made.
pub fn raised(signature: &[u8]) -> Vec<u8> {
    const L: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut raised = signature.to_vec();
    let mut carry = 0;
    for (byte, more) in raised[32..].iter_mut().zip(L) {
        let sum = u16::from(*byte) + u16::from(more) + carry;
        *byte = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
    raised
}
