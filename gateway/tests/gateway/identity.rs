//! Identity as the gateway knows it: it exchanges credentials, when and how the test says.

use std::sync::Mutex;

use devsphere_proto::identity::v1::{
    Assertion, ExchangeRequest, ListKeysRequest, ListKeysResponse, RenewAssertionRequest,
    assertion_service_server::AssertionService,
};
use tokio::sync::watch;
use tonic::{Request, Response, Status, metadata::MetadataMap};

pub(crate) struct Identity {
    exchanged: Mutex<Vec<(String, MetadataMap)>>,
    refusal: Mutex<Option<Status>>,
    open: watch::Sender<bool>,
}

impl Identity {
    pub(crate) fn new() -> Self {
        let open = watch::Sender::new(true);
        Self { exchanged: Mutex::default(), refusal: Mutex::default(), open }
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
        Ok(Response::new(Assertion { assertion, ..Assertion::default() }))
    }

    async fn renew_assertion(
        &self,
        _: Request<RenewAssertionRequest>,
    ) -> Result<Response<Assertion>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn list_keys(
        &self,
        _: Request<ListKeysRequest>,
    ) -> Result<Response<ListKeysResponse>, Status> {
        Err(Status::unimplemented(""))
    }
}
