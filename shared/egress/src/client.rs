//! The client: a target that the policy admits, one request, one answer.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, Method,
    header::{
        CONNECTION, CONTENT_LENGTH, EXPECT, HOST, PROXY_AUTHORIZATION, TE, TRAILER,
        TRANSFER_ENCODING, UPGRADE,
    },
};
use reqwest::redirect;
use tokio::time::timeout_at;
use tokio_rustls::rustls::ClientConfig;

use crate::{
    answer::Answer,
    failure::{Failure, Refusal},
    policy::{BadPolicy, Policy, Reach},
    resolve::{Gate, Lookup, System},
    target::Target,
    tls,
};

/// How long a name, a connection and its TLS may take together.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a connection is kept that nobody uses, and how many of them for one host.
const IDLE: Duration = Duration::from_secs(30);
const IDLE_PER_HOST: usize = 16;

/// The most headers of an answer, and the most bytes of them over HTTP/2; HTTP/1.1 has hyper's own.
const HEADERS: usize = 100;
const HEADER_BYTES: u32 = 64 * 1024;

/// How much of answers over HTTP/2 lies here unread, for a stream and for a connection.
const STREAM_WINDOW: u32 = 256 * 1024;
const CONNECTION_WINDOW: u32 = 1024 * 1024;

/// Who we are to the world.
const USER_AGENT: &str = "devsphere";

/// Headers that say how a connection is used: with them a request could be made two.
const RESERVED: [HeaderName; 9] = [
    CONNECTION,
    CONTENT_LENGTH,
    EXPECT,
    HOST,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Calls out for one policy; a copy shares its connections.
#[derive(Clone)]
pub struct Client {
    policy: Arc<Policy>,
    // A resolver is told a name and no port, so how far it may go is told by which client asks it.
    // Their connections are apart too: one made for an allowed port serves no other.
    public: reqwest::Client,
    private: reqwest::Client,
    either: reqwest::Client,
}

/// How long the whole of a call may take, to the last byte of its answer, and how many those may be.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// When the caller stops waiting.
    pub deadline: Instant,
    /// The most bytes of an answer's body.
    pub answer_bytes: u64,
}

impl Client {
    /// A client for the process's life, with the system's resolver.
    ///
    /// # Errors
    /// When the policy's roots are no certificates.
    pub fn new(policy: Policy) -> Result<Self, BadPolicy> {
        Self::with_lookup(policy, System::default())
    }

    /// A client that asks somebody else for addresses, and judges them no less.
    ///
    /// # Errors
    /// When the policy's roots are no certificates.
    pub fn with_lookup(policy: Policy, lookup: impl Lookup + 'static) -> Result<Self, BadPolicy> {
        let tls = tls::config(&policy.roots)?;
        let lookup: Arc<dyn Lookup> = Arc::new(lookup);
        let client = |reach| inner(&tls, Gate { lookup: lookup.clone(), reach });
        let (public, private) = (client(Reach::Public)?, client(Reach::Private)?);
        Ok(Self { policy: Arc::new(policy), public, private, either: client(Reach::Either)? })
    }

    /// Whether the policy admits a target, as far as can be said without asking for its addresses.
    ///
    /// # Errors
    /// Why not.
    pub fn admits(&self, target: &Target) -> Result<(), Refusal> {
        self.policy.admit(target).map(|_| ())
    }

    /// Reads what is there.
    ///
    /// # Errors
    /// When there is no answer; one that says no is an answer.
    pub async fn get(
        &self,
        target: &Target,
        headers: HeaderMap,
        bounds: Bounds,
    ) -> Result<Answer, Failure> {
        self.send(Method::GET, target, headers, Bytes::new(), bounds).await
    }

    /// Sends something there. It is sent once: where that is uncertain, the call fails.
    ///
    /// # Errors
    /// When there is no answer; one that says no is an answer.
    pub async fn post(
        &self,
        target: &Target,
        headers: HeaderMap,
        body: Bytes,
        bounds: Bounds,
    ) -> Result<Answer, Failure> {
        self.send(Method::POST, target, headers, body, bounds).await
    }

    async fn send(
        &self,
        method: Method,
        target: &Target,
        mut headers: HeaderMap,
        body: Bytes,
        bounds: Bounds,
    ) -> Result<Answer, Failure> {
        let client = match self.policy.admit(target)? {
            Reach::Public => &self.public,
            Reach::Private => &self.private,
            Reach::Either => &self.either,
        };
        if RESERVED.iter().any(|reserved| headers.contains_key(reserved)) {
            return Err(Refusal::Header.into());
        }
        // Keys travel in them, under one name here and another there: none is shown or indexed.
        headers.values_mut().for_each(|value| value.set_sensitive(true));
        let mut request = client.request(method.clone(), target.url().clone()).headers(headers);
        if method != Method::GET {
            request = request.body(body);
        }
        let answer = timeout_at(bounds.deadline.into(), request.send()).await;
        Ok(Answer::new(answer.map_err(|_| Failure::TimedOut)??, bounds))
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("allow_private", &self.policy.allow_private).finish()
    }
}

fn inner(tls: &ClientConfig, gate: Gate) -> Result<reqwest::Client, BadPolicy> {
    reqwest::Client::builder()
        .https_only(gate.reach != Reach::Private)
        .dns_resolver(gate)
        .tls_backend_preconfigured(tls.clone())
        .redirect(redirect::Policy::none())
        .referer(false)
        .no_proxy()
        .user_agent(USER_AGENT)
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(IDLE_PER_HOST)
        .http1_max_headers(HEADERS)
        .http2_max_header_list_size(HEADER_BYTES)
        .http2_initial_stream_window_size(STREAM_WINDOW)
        .http2_initial_connection_window_size(CONNECTION_WINDOW)
        .build()
        .map_err(|error| BadPolicy(format!("no client: {error}")))
}
