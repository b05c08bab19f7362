//! Identity as the gateway knows it: it exchanges credentials, when and how the test says.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use devsphere_proto::identity::v1::{
    Assertion, ExchangeRequest, ListKeysRequest, ListKeysResponse, MintViewRequest,
    MintViewResponse, RenewAssertionRequest, Revocation, WatchRevocationsRequest,
    WatchRevocationsResponse, assertion_service_server::AssertionService,
    revocation_service_server::RevocationService,
};
use futures_util::{StreamExt as _, stream::BoxStream};
use prost_types::Timestamp;
use tokio::sync::watch;
use tokio_stream::wrappers::IntervalStream;
use tonic::{Request, Response, Status, metadata::MetadataMap};

pub(crate) struct Identity {
    exchanged: Mutex<Vec<(String, MetadataMap)>>,
    refusal: Mutex<Option<Status>>,
    open: watch::Sender<bool>,
    answer: Mutex<Assertion>,
    /// What the feed says; none when it is silent.
    revoked: Arc<Mutex<Option<Vec<Revocation>>>>,
}

/// How often the feed speaks.
const EVERY: Duration = Duration::from_millis(20);

impl Identity {
    pub(crate) fn new() -> Self {
        let open = watch::Sender::new(true);
        Self {
            exchanged: Mutex::default(),
            refusal: Mutex::default(),
            open,
            answer: Mutex::default(),
            revoked: Arc::default(),
        }
    }

    /// Tells of the assertions that it makes from now on; their text is their credential's.
    pub(crate) fn answer(&self, answer: Assertion) {
        *self.answer.lock().unwrap() = answer;
    }

    /// Says from now on that exactly these are revoked, or nothing at all.
    pub(crate) fn revoked(&self, revoked: Option<Vec<Revocation>>) {
        *self.revoked.lock().unwrap() = revoked;
    }

    /// The credentials that were exchanged, each with what came along.
    pub(crate) fn exchanged(&self) -> Vec<(String, MetadataMap)> {
        self.exchanged.lock().unwrap().clone()
    }

    /// Refuses whatever comes from now on.
    pub(crate) fn refuse(&self, status: Status) {
        *self.refusal.lock().unwrap() = Some(status);
    }

    /// Lets exchanges wait from now on, or go on.
    pub(crate) fn open(&self, open: bool) {
        self.open.send_replace(open);
    }
}

#[tonic::async_trait]
impl AssertionService for Identity {
    async fn exchange(
        &self,
        request: Request<ExchangeRequest>,
    ) -> Result<Response<Assertion>, Status> {
        let (metadata, _, message) = request.into_parts();
        let assertion = format!("assertion-of-{}", message.credential);
        self.exchanged.lock().unwrap().push((message.credential, metadata));
        self.open.subscribe().wait_for(|open| *open).await.unwrap();
        if let Some(refusal) = self.refusal.lock().unwrap().clone() {
            return Err(refusal);
        }
        let answer = self.answer.lock().unwrap().clone();
        Ok(Response::new(Assertion { assertion, ..answer }))
    }

    async fn renew_assertion(
        &self,
        _: Request<RenewAssertionRequest>,
    ) -> Result<Response<Assertion>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn mint_view(
        &self,
        _: Request<MintViewRequest>,
    ) -> Result<Response<MintViewResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn list_keys(
        &self,
        _: Request<ListKeysRequest>,
    ) -> Result<Response<ListKeysResponse>, Status> {
        Err(Status::unimplemented(""))
    }
}

#[tonic::async_trait]
impl RevocationService for Identity {
    type WatchRevocationsStream = BoxStream<'static, Result<WatchRevocationsResponse, Status>>;

    async fn watch_revocations(
        &self,
        _: Request<WatchRevocationsRequest>,
    ) -> Result<Response<Self::WatchRevocationsStream>, Status> {
        let revoked = self.revoked.clone();
        let said = move || {
            let revocations = revoked.lock().unwrap().clone()?;
            Some(Ok(WatchRevocationsResponse { revocations, ..Default::default() }))
        };
        let ticks = IntervalStream::new(tokio::time::interval(EVERY));
        Ok(Response::new(ticks.filter_map(move |_| std::future::ready(said())).boxed()))
    }
}

/// So many seconds from now.
pub(crate) fn seconds_from_now(seconds: i64) -> Option<Timestamp> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Some(Timestamp { seconds: now.as_secs().cast_signed() + seconds, nanos: 0 })
}
