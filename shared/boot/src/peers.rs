//! The way to other services: one channel each, with the caller's assertion passed on unchanged.

use std::{collections::BTreeMap, future::Future, pin::Pin, sync::Arc, time::Instant};

use devsphere_auth::{ASSERTION, CLIENT_ADDRESS, KeySource, PEER, Permit, PublicKey, REQUEST};
use devsphere_error::{Error, Result};
use devsphere_proto::identity::v1::{
    ListKeysRequest, RenewAssertionRequest, assertion_service_client::AssertionServiceClient,
};
use tonic::{
    Request, Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
};

use crate::{Channel, Endpoint, channel, telemetry};

/// The other services, by name.
#[derive(Clone)]
pub(crate) struct Peers {
    own: &'static str,
    channels: Arc<BTreeMap<&'static str, Channel>>,
}

impl Peers {
    pub(crate) fn new(own: &'static str, endpoints: &BTreeMap<&'static str, Endpoint>) -> Self {
        let open = |(name, endpoint): (&&'static str, &Endpoint)| (*name, channel(endpoint));
        Self { own, channels: Arc::new(endpoints.iter().map(open).collect()) }
    }

    pub(crate) fn stub(&self, service: &str) -> Result<Stub> {
        let channel = self.channels.get(service).ok_or(Error::Unavailable {
            cause: "no_peer",
            message: "a service that is needed is not configured",
            source: None,
        })?;
        Ok(Stub { own: self.own, channel: channel.clone() })
    }
}

/// The way to one service.
#[derive(Clone)]
pub struct Stub {
    own: &'static str,
    channel: Channel,
}

impl Stub {
    /// A channel whose calls speak for the permit's caller, within the deadline that is left.
    pub fn of(&self, permit: &Permit) -> InterceptedService<Channel, Forward> {
        InterceptedService::new(self.channel.clone(), self.forward(permit))
    }

    fn forward(&self, permit: &Permit) -> Forward {
        let facts = permit.facts();
        Forward {
            own: self.own,
            assertion: permit.caller().assertion().parse().ok(),
            request: facts.trace.to_string().parse().ok(),
            address: facts.address.and_then(|address| address.to_string().parse().ok()),
            deadline: facts.deadline,
        }
    }

    /// The same with another assertion than the caller's own, which identity made for them.
    pub fn looking(&self, permit: &Permit, view: &str) -> InterceptedService<Channel, Forward> {
        let mut way = self.forward(permit);
        way.assertion = view.parse().ok();
        InterceptedService::new(self.channel.clone(), way)
    }

    /// A channel whose calls speak for this service alone.
    pub fn bare(&self) -> InterceptedService<Channel, Forward> {
        let nothing = Forward {
            own: self.own,
            assertion: None,
            request: None,
            address: None,
            deadline: None,
        };
        InterceptedService::new(self.channel.clone(), nothing)
    }
}

/// Puts on a call what the next service needs to know.
#[derive(Clone)]
pub struct Forward {
    own: &'static str,
    assertion: Option<MetadataValue<Ascii>>,
    request: Option<MetadataValue<Ascii>>,
    address: Option<MetadataValue<Ascii>>,
    deadline: Option<Instant>,
}

impl Interceptor for Forward {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(deadline) = self.deadline {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Error::DeadlineExceeded.into());
            }
            request.set_timeout(left);
        }
        let metadata = request.metadata_mut();
        metadata.insert(PEER, MetadataValue::from_static(self.own));
        let entries = [
            (ASSERTION, &self.assertion),
            (REQUEST, &self.request),
            (CLIENT_ADDRESS, &self.address),
        ];
        for (name, value) in entries {
            if let Some(value) = value {
                metadata.insert(name, value.clone());
            }
        }
        telemetry::inject(metadata);
        Ok(request)
    }
}

/// Renews an assertion while its session lives.
pub trait Renew: Send + Sync {
    /// A fresh assertion of the same principal in the same organisation.
    fn renew<'a>(
        &'a self,
        assertion: &'a str,
    ) -> Pin<Box<dyn Future<Output = Result<String>> + Send + 'a>>;
}

/// Renewal, wherever it comes from: identity itself renews without a call.
pub type RenewHandle = Arc<dyn Renew>;

impl Renew for Stub {
    fn renew<'a>(
        &'a self,
        assertion: &'a str,
    ) -> Pin<Box<dyn Future<Output = Result<String>> + Send + 'a>> {
        Box::pin(async move {
            let mut identity = AssertionServiceClient::new(self.bare());
            let request = RenewAssertionRequest { assertion: assertion.to_owned() };
            let renewed = identity.renew_assertion(request).await.map_err(peer_error)?;
            Ok(renewed.into_inner().assertion)
        })
    }
}

impl KeySource for Stub {
    fn fetch(&self) -> Pin<Box<dyn Future<Output = Result<Vec<PublicKey>>> + Send + '_>> {
        Box::pin(async {
            let mut identity = AssertionServiceClient::new(self.bare());
            let listed = identity.list_keys(ListKeysRequest {}).await.map_err(peer_error)?;
            let keys = listed.into_inner().keys.into_iter();
            Ok(keys.map(|key| PublicKey { kid: key.key_id, bytes: key.public_key }).collect())
        })
    }
}

/// What another service answered, in our terms: its own refusals pass on as they are, and a peer
/// that cannot be reached is unavailable.
pub fn peer_error(status: Status) -> Error {
    let unreachable = status.details().is_empty();
    if unreachable && matches!(status.code(), tonic::Code::Unavailable | tonic::Code::Unknown) {
        return Error::Unavailable {
            cause: "peer",
            message: "a service that is needed is away, try again",
            source: Some(status.into()),
        };
    }
    Error::Peer(Box::new(status))
}
