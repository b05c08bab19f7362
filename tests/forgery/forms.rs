//! The ways to forge an assertion (`security.md` 2.4, T28), each beside a genuine one.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use devsphere_auth::{
    ASSERTION,
    mint::{KeyFiles, SigningKey},
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::token::{Token, raised};
use crate::matrix::{stage::now, wire::Door};

/// What the forger has: an assertion of their own, and every public key.
pub struct Genuine {
    pub assertion: String,
    pub access_token: String,
    pub keys: KeyFiles,
    /// A key of the forger's own.
    pub other: SigningKey,
}

/// A way to forge, and what then stands at the door.
pub type Form = (String, Door);

impl Genuine {
    fn token(&self) -> Token {
        Token::read(&self.assertion)
    }

    /// Every form. Those that are signed with the true key stand for what the signer must not make,
    /// or what was made for another place or time.
    pub fn forms(&self) -> Vec<Form> {
        let texts = [
            self.of_other_keys(),
            self.of_other_algorithms(),
            self.out_of_time(),
            self.of_other_purposes(),
            self.of_other_versions(),
            self.changed(),
            self.damaged(),
        ];
        let one =
            |(name, text): (&str, String)| (name.to_owned(), Door::default().assertion(&text));
        let mut forms: Vec<Form> = texts.into_iter().flatten().map(one).collect();
        forms.extend(self.not_one());
        forms
    }

    fn of_other_keys(&self) -> Vec<(&'static str, String)> {
        let (token, other) = (self.token(), &self.other);
        let jwk = json!({
            "kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode(other.public().bytes),
        });
        let access = &self.keys.access;
        vec![
            ("another key under the kid", token.signed(other)),
            (
                "an unknown kid",
                token.clone().header("kid", json!(other.public().kid)).signed(other),
            ),
            ("an empty kid", token.clone().header("kid", json!("")).signed(&self.keys.assertion)),
            ("no kid", token.clone().header("kid", Value::Null).signed(&self.keys.assertion)),
            ("a path for a kid", token.clone().header("kid", json!("../assertion")).signed(other)),
            (
                "the access key",
                token.clone().header("kid", json!(access.public().kid)).signed(access),
            ),
            ("the access key under the kid", token.signed(access)),
            ("a key in the header", token.clone().header("jwk", jwk).signed(other)),
            (
                "a key by address",
                token.header("jku", json!("https://forger.example/keys")).signed(other),
            ),
        ]
    }

    fn of_other_algorithms(&self) -> Vec<(&'static str, String)> {
        let token = self.token();
        let public = self.keys.assertion.public().bytes;
        let with = |algorithm: &str| token.clone().header("alg", json!(algorithm));
        let spki =
            [&[0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0], &public[..]].concat();
        let pem = format!(
            "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
            STANDARD.encode(&spki)
        );
        vec![
            ("none, without a signature", with("none").with(&[])),
            ("none, with the signature", with("none").kept()),
            ("None", with("None").with(&[])),
            ("no algorithm", token.clone().header("alg", Value::Null).kept()),
            ("HS256 with the public key", with("HS256").tagged(&public)),
            (
                "HS256 with its base64",
                with("HS256").tagged(URL_SAFE_NO_PAD.encode(&public).as_bytes()),
            ),
            ("HS256 with its PEM", with("HS256").tagged(pem.as_bytes())),
            ("HS256 with nothing", with("HS256").tagged(&[])),
            ("HS256 under EdDSA's name", token.tagged(&public)),
            ("ES256 with the signature", with("ES256").kept()),
            ("RS256 with the signature", with("RS256").kept()),
        ]
    }

    fn out_of_time(&self) -> Vec<(&'static str, String)> {
        let (token, now, key) = (self.token(), now(), &self.keys.assertion);
        let times = |begins, ends| token.clone().times(begins, ends).signed(key);
        let without = |claim: &str| token.clone().claim(claim, Value::Null).signed(key);
        vec![
            ("expired", times(now - 70, now - 10)),
            ("expired yesterday", times(now - 86_460, now - 86_400)),
            ("not yet valid", times(now + 30, now + 90)),
            ("a second too long", times(now, now + 61)),
            ("a day long", times(now, now + 86_400)),
            (
                "long, begun in the future",
                token
                    .clone()
                    .times(now, now + 86_460)
                    .claim("iat", json!(now + 86_400))
                    .signed(key),
            ),
            ("ages long", times(now, i64::MAX)),
            ("begun before all time", token.clone().claim("iat", json!(i64::MIN)).signed(key)),
            ("without an end", without("exp")),
            ("without a beginning", without("nbf")),
            ("without an hour of making", without("iat")),
        ]
    }

    fn of_other_purposes(&self) -> Vec<(&'static str, String)> {
        let (token, key) = (self.token(), &self.keys.assertion);
        let claim = |name: &str, value: Value| token.clone().claim(name, value).signed(key);
        let header = |name: &str, value: Value| token.clone().header(name, value).signed(key);
        vec![
            ("another audience", claim("aud", json!("devsphere-gateway"))),
            ("several audiences", claim("aud", json!(["devsphere", "other"]))),
            ("no audience", claim("aud", Value::Null)),
            ("another issuer", claim("iss", json!("devsphere-gateway"))),
            ("no issuer", claim("iss", Value::Null)),
            ("no subject", claim("sub", Value::Null)),
            ("a subject that is no id", claim("sub", json!("root"))),
            ("an access token", self.access_token.clone()),
            ("an access token's type", header("typ", json!("at+jwt"))),
            ("a plain type", header("typ", json!("JWT"))),
            ("no type", header("typ", Value::Null)),
            ("an access token with our type", {
                let access = Token::read(&self.access_token);
                access.header("typ", json!(devsphere_auth::HEADER_TYPE)).signed(&self.keys.access)
            }),
        ]
    }

    fn of_other_versions(&self) -> Vec<(&'static str, String)> {
        let (token, key) = (self.token(), &self.keys.assertion);
        let version = |value: Value| token.clone().claim("v", value).signed(key);
        vec![
            ("version 2", version(json!(2))),
            ("the last version", version(json!(u32::MAX))),
            ("a negative version", version(json!(-1))),
            ("a version in words", version(json!("1"))),
            ("no version", version(Value::Null)),
        ]
    }

    /// Other claims under the signature of the true ones.
    fn changed(&self) -> Vec<(&'static str, String)> {
        let token = self.token();
        let claim = |name: &str, value: Value| token.clone().claim(name, value).kept();
        let org = |name: &str, value: Value| token.clone().of_organization(name, value).kept();
        let ticket = with_all_modules(token.claims["ticket"].as_str().unwrap());
        let wide = token.clone().claim("ticket", json!(ticket));
        vec![
            ("another kind", claim("kind", json!("job"))),
            ("another subject", claim("sub", json!(Uuid::now_v7()))),
            ("another organisation", org("id", json!(Uuid::now_v7()))),
            ("another role", org("role", json!("admin"))),
            ("another standing", org("standing", json!("deleting"))),
            ("a later epoch", org("epoch", json!(i64::MAX))),
            ("no organisation", claim("org", Value::Null)),
            ("more permissions", claim("perms", json!("____"))),
            ("a later end", claim("exp", json!(now() + 3_600))),
            ("every module in the ticket", wide.kept()),
            ("every module in the ticket, another key", wide.signed(&self.other)),
            ("the claims in another order", self.reordered()),
        ]
    }

    /// The same JSON with a blank in it: the same claims, other bytes.
    fn reordered(&self) -> String {
        let mut parts: Vec<String> = self.assertion.split('.').map(str::to_owned).collect();
        let claims = URL_SAFE_NO_PAD.decode(&parts[1]).unwrap();
        parts[1] = URL_SAFE_NO_PAD.encode([b" ", &claims[..]].concat());
        parts.join(".")
    }

    fn damaged(&self) -> Vec<(&'static str, String)> {
        let (genuine, token, key) = (&self.assertion, self.token(), &self.keys.assertion);
        let parts: Vec<_> = genuine.split('.').collect();
        let signature = &token.signature;
        let claim = |name: &str, value: Value| token.clone().claim(name, value).signed(key);
        let last = genuine.chars().last().unwrap();
        let next = char::from(last as u8 + 1);
        vec![
            ("nothing", String::new()),
            ("one dot", ".".into()),
            ("two dots", "..".into()),
            ("the header alone", parts[0].into()),
            ("no signature", parts[..2].join(".")),
            ("an empty signature", format!("{}.", parts[..2].join("."))),
            ("no claims", format!("{}..{}", parts[0], parts[2])),
            ("no header", format!(".{}.{}", parts[1], parts[2])),
            ("a fourth part", format!("{genuine}.{}", parts[2])),
            ("padding", format!("{genuine}=")),
            ("the other alphabet", in_standard_alphabet(genuine)),
            ("other bits after the end", format!("{}{next}", &genuine[..genuine.len() - 1])),
            ("a blank before", format!(" {genuine}")),
            ("a blank after", format!("{genuine} ")),
            ("a scheme before", format!("Bearer {genuine}")),
            ("quotes around", format!("\"{genuine}\"")),
            ("twice with a comma", format!("{genuine},{genuine}")),
            ("base64 of it", URL_SAFE_NO_PAD.encode(genuine)),
            ("it inside another", token_of(json!(genuine), &token, &self.other)),
            ("a signature of zeros", token.with(&[0; 64])),
            ("a signature cut short", token.with(&signature[..63])),
            ("a signature too long", token.with(&[&signature[..], &[0]].concat())),
            ("a signature raised by L", token.with(&raised(signature))),
            ("damaged permissions", claim("perms", json!("é"))),
            ("SQL in the ticket", claim("ticket", json!("1.a', true); drop schema crm; --"))),
            ("an empty ticket", claim("ticket", json!(""))),
            ("a kind that is none", claim("kind", json!("root"))),
            ("five thousand bytes", claim("more", json!("x".repeat(5_000)))),
        ]
    }

    /// None, several, or under another name.
    fn not_one(&self) -> Vec<Form> {
        let genuine = self.assertion.as_bytes();
        let forged = self.token().signed(&self.other);
        let named = |name: &'static str, value: &[u8]| {
            (format!("under the name {name}"), Door::default().header(name, value))
        };
        let bearer = [b"Bearer ", genuine].concat();
        vec![
            ("none".into(), Door::default()),
            (
                "the same twice".into(),
                Door::default().assertion(&self.assertion).assertion(&self.assertion),
            ),
            (
                "a forged one before it".into(),
                Door::default().assertion(&forged).assertion(&self.assertion),
            ),
            (
                "a forged one after it".into(),
                Door::default().assertion(&self.assertion).assertion(&forged),
            ),
            (
                "a byte that is no letter".into(),
                Door::default().header(ASSERTION, &[genuine, &[0xff]].concat()),
            ),
            named("authorization", &bearer),
            named("devsphere_assertion", genuine),
            named("devsphere-assertion-bin", URL_SAFE_NO_PAD.encode(genuine).as_bytes()),
            named("x-devsphere-assertion", genuine),
            named("cookie", &[b"devsphere-assertion=", genuine].concat()),
        ]
    }
}

/// With `+` and `/`, at least one of them.
fn in_standard_alphabet(token: &str) -> String {
    let standard = token.replace('-', "+").replace('_', "/");
    if standard == token { standard + "+" } else { standard }
}

/// A token whose claims are that value.
fn token_of(claims: Value, like: &Token, key: &SigningKey) -> String {
    Token { claims, ..like.clone() }.signed(key)
}

/// The ticket with every module's bit set, under the tag that it had.
pub fn with_all_modules(ticket: &str) -> String {
    let mut parts: Vec<String> = ticket.split('.').map(str::to_owned).collect();
    parts[8] = u64::MAX.to_string();
    parts.join(".")
}
