//! Exchange: a credential becomes an assertion at identity, once for all who ask at the same time.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use aws_lc_rs::digest::{SHA256, digest};
use devsphere_boot::{Channel, Endpoint, Holder, Revocations, Tasks};
use devsphere_error::{Error, Result};
use devsphere_proto::identity::v1::{
    Assertion, ExchangeRequest, assertion_service_client::AssertionServiceClient,
};
use futures_util::{FutureExt as _, future::BoxFuture};
use http::HeaderValue;
use tokio::time::Instant;
use tonic::{Code, Request, Status};
use uuid::Uuid;

use crate::{
    cache::{Cache, Entry},
    flights::{Flights, Key},
    headers::Origin,
    rate::Payer,
    upstreams::away,
};

/// Who calls, as identity told the gateway.
#[derive(Debug, Clone)]
pub(crate) struct Exchanged {
    /// What the services believe.
    pub(crate) assertion: HeaderValue,
    /// Whom a revocation would name.
    pub(crate) holder: Holder,
    /// What the organisation's people may ask for together; 0 is the gateway's default.
    pub(crate) requests_per_minute: u32,
    /// The assertion's end, and the credential's, in seconds since 1970.
    pub(crate) expires: i64,
    pub(crate) credential_expires: Option<i64>,
}

/// The way from credentials to assertions.
pub(crate) struct Exchange {
    /// Its own, since the calls that share an exchange end at different times.
    patience: Duration,
    shared: Arc<Shared>,
    tasks: Tasks,
}

struct Shared {
    flights: Flights<Result<Arc<Exchanged>, Status>>,
    cache: Cache,
    revocations: Revocations,
}

impl Exchange {
    /// Listens to identity's revocations from now on.
    pub(crate) fn start(
        peers: &BTreeMap<&'static str, Endpoint>,
        patience: Duration,
        tasks: &Tasks,
    ) -> Self {
        let revocations = Revocations::default();
        if let Some(identity) = peers.get("identity").cloned() {
            tasks.spawn("revocations", revocations.clone().follow("gateway", identity, None));
        }
        let (flights, cache) = (Flights::new(), Cache::default());
        let shared = Arc::new(Shared { flights, cache, revocations });
        Self { patience, shared, tasks: tasks.clone() }
    }

    /// What was revoked, as far as the gateway knows.
    pub(crate) fn revocations(&self) -> &Revocations {
        &self.shared.revocations
    }

    /// Who the credential stands for now.
    ///
    /// # Errors
    /// `Unauthenticated` or identity's own refusal as it came; `Unavailable` when identity cannot
    /// be asked.
    pub(crate) async fn caller(
        &self,
        identity: Channel,
        credential: &str,
        origin: &Origin,
    ) -> Result<Arc<Exchanged>> {
        let key = key(credential);
        let request = || self.request(credential, origin);
        if let Some(kept) = self.shared.kept(&key)? {
            if kept.is_due() {
                self.renew(identity, key, request(), kept.clone());
            }
            return Ok(kept.exchanged.clone());
        }
        let begin = || self.shared.clone().ask(identity, key, request());
        let exchanged = self.shared.flights.join(key, begin).await.map_err(refusal)?;
        // The exchange may have begun before a revocation that is known by now.
        self.shared.revocations.check(&exchanged.holder)?;
        Ok(exchanged)
    }

    /// Gets the next assertion while this one is in use.
    fn renew(
        &self,
        identity: Channel,
        key: Key,
        request: Request<ExchangeRequest>,
        kept: Arc<Entry>,
    ) {
        let shared = self.shared.clone();
        self.tasks.spawn("exchange", async move {
            let begin = || shared.clone().ask(identity, key, request);
            if let Err(status) = shared.flights.join(key, begin).await {
                if matches!(refusal(status), Error::Peer(_)) {
                    // Whoever asks next hears it from identity.
                    shared.cache.remove(&key);
                }
                kept.is_not_renewed();
            }
        });
    }

    fn request(&self, credential: &str, origin: &Origin) -> Request<ExchangeRequest> {
        let mut request = Request::new(ExchangeRequest { credential: credential.to_owned() });
        *request.metadata_mut() = origin.metadata();
        request.set_timeout(self.patience);
        request
    }
}

impl Shared {
    /// What may be used again: nothing while a revocation could go unheard.
    fn kept(&self, key: &Key) -> Result<Option<Arc<Entry>>> {
        if !self.revocations.live() {
            return Ok(None);
        }
        let Some(kept) = self.cache.get(key) else { return Ok(None) };
        match self.revocations.check(&kept.exchanged.holder) {
            Ok(()) => Ok(Some(kept)),
            Err(error) => {
                self.cache.remove(key);
                if matches!(error, Error::Unauthenticated) { Err(error) } else { Ok(None) }
            }
        }
    }

    fn ask(
        self: Arc<Self>,
        identity: Channel,
        key: Key,
        request: Request<ExchangeRequest>,
    ) -> BoxFuture<'static, Result<Arc<Exchanged>, Status>> {
        async move {
            let (begun, at) = (Instant::now(), SystemTime::now());
            let answer = AssertionServiceClient::new(identity).exchange(request).await?;
            let exchanged = Arc::new(Exchanged::read(&answer.into_inner(), at)?);
            self.cache.put(key, exchanged.clone(), begun);
            Ok(exchanged)
        }
        .boxed()
    }
}

impl Exchanged {
    /// Whose call it is.
    pub(crate) fn payer(&self) -> Payer {
        Payer {
            principal: self.holder.principal,
            organization: self.holder.place.map(|(organization, _)| organization),
            requests_per_minute: self.requests_per_minute,
        }
    }

    /// What identity told of a credential that it was asked for at `begun`.
    fn read(told: &Assertion, begun: SystemTime) -> Result<Self> {
        let mut assertion = HeaderValue::try_from(&told.assertion).map_err(Error::internal)?;
        // Kept out of the table that HTTP/2 compresses with: it would push out everything else.
        assertion.set_sensitive(true);
        let id = |text: &str| text.parse::<Uuid>().ok();
        let begun = begun.duration_since(UNIX_EPOCH).map_err(Error::internal)?;
        let holder = Holder {
            principal: id(&told.principal_id).unwrap_or_default(),
            session: id(&told.session_id),
            place: id(&told.organization_id).map(|org| (org, told.epoch)),
            begun: begun.as_secs().cast_signed(),
        };
        Ok(Self {
            assertion,
            holder,
            requests_per_minute: told.requests_per_minute.try_into().unwrap_or_default(),
            expires: told.expire_time.map_or(0, |end| end.seconds),
            credential_expires: told.credential_expire_time.map(|end| end.seconds),
        })
    }

    #[cfg(test)]
    pub(crate) fn nobody() -> Self {
        Self::read(&Assertion::default(), SystemTime::now()).unwrap()
    }
}

/// Credentials are known by their hash: none lies in memory longer than its exchange.
fn key(credential: &str) -> Key {
    let mut key = Key::default();
    key.copy_from_slice(digest(&SHA256, credential.as_bytes()).as_ref());
    key
}

/// Whatever identity says of a credential carries details; anything else is the way there, or time.
fn refusal(status: Status) -> Error {
    if status.details().is_empty() || status.code() == Code::DeadlineExceeded {
        away(status)
    } else {
        Error::Peer(Box::new(status))
    }
}
