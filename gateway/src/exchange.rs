//! Exchange: a credential becomes an assertion at identity, once for all who ask at the same time.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use devsphere_error::{Error, Result};
use devsphere_proto::identity::v1::{
    ExchangeRequest, assertion_service_client::AssertionServiceClient,
};
use futures_util::FutureExt as _;
use http::HeaderValue;
use tonic::{Code, Request, Status, transport::Channel};

use crate::{
    flights::{Flights, Key},
    headers::Origin,
    upstreams::away,
};

/// The exchanges under way.
pub(crate) struct Exchange {
    /// Their own, since the calls that share an exchange end at different times.
    patience: Duration,
    flights: Flights<Result<String, Status>>,
}

impl Exchange {
    pub(crate) fn new(patience: Duration) -> Self {
        Self { patience, flights: Flights::new() }
    }

    /// The assertion that the credential stands for now.
    ///
    /// # Errors
    /// Identity's own refusal as it came; `Unavailable` when there is none to be had.
    pub(crate) async fn assertion(
        &self,
        identity: Channel,
        credential: &str,
        origin: &Origin,
    ) -> Result<HeaderValue> {
        let begin = || ask(identity, self.request(credential, origin)).boxed();
        let assertion = self.flights.join(key(credential), begin).await.map_err(refusal)?;
        HeaderValue::try_from(assertion).map_err(Error::internal)
    }

    fn request(&self, credential: &str, origin: &Origin) -> Request<ExchangeRequest> {
        let mut request = Request::new(ExchangeRequest { credential: credential.to_owned() });
        *request.metadata_mut() = origin.metadata();
        request.set_timeout(self.patience);
        request
    }
}

async fn ask(identity: Channel, request: Request<ExchangeRequest>) -> Result<String, Status> {
    let answer = AssertionServiceClient::new(identity).exchange(request).await?;
    Ok(answer.into_inner().assertion)
}

/// No credential lies in memory longer than its call.
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
