//! A client of the gateway, like any other: signs in, then speaks with a token.

use anyhow::{Context as _, Error, Result};
use devsphere_boot::Channel;
use devsphere_proto::{
    crm::v1::lead_service_client::LeadServiceClient,
    identity::v1::{
        Grant, SignInRequest, member_service_client::MemberServiceClient,
        session_service_client::SessionServiceClient,
    },
    seo::v1::{
        keyword_service_client::KeywordServiceClient, site_service_client::SiteServiceClient,
    },
};
use tonic::{
    Code, Request, Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
};

use super::kept::Person;

/// The gateway, before anybody has signed in.
pub(super) struct Client(Channel);

/// Somebody's way through the gateway.
#[derive(Clone)]
pub(super) struct SignedIn {
    pub(super) person_id: String,
    pub(super) leads: LeadServiceClient<InterceptedService<Channel, Bearer>>,
    pub(super) members: MemberServiceClient<InterceptedService<Channel, Bearer>>,
    pub(super) sites: SiteServiceClient<InterceptedService<Channel, Bearer>>,
    pub(super) keywords: KeywordServiceClient<InterceptedService<Channel, Bearer>>,
}

/// Puts the token on each call.
#[derive(Clone)]
pub(super) struct Bearer(MetadataValue<Ascii>);

impl Client {
    pub(super) const fn new(gateway: Channel) -> Self {
        Self(gateway)
    }

    pub(super) fn sessions(&self) -> SessionServiceClient<Channel> {
        SessionServiceClient::new(self.0.clone())
    }

    /// A new session.
    pub(super) async fn grant(&self, email: &str, password: &str) -> Result<Grant, Status> {
        let request = SignInRequest {
            email: email.to_owned(),
            password: password.to_owned(),
            ..SignInRequest::default()
        };
        Ok(self.sessions().sign_in(request).await?.into_inner())
    }

    pub(super) async fn sign_in(&self, person: &Person) -> Result<SignedIn> {
        let grant = self.grant(&person.email, &person.password).await;
        self.holding(&grant.map_err(refused)?)
    }

    /// Whoever holds this grant.
    pub(super) fn holding(&self, grant: &Grant) -> Result<SignedIn> {
        let bearer = Bearer(format!("Bearer {}", grant.access_token).parse()?);
        let channel = InterceptedService::new(self.0.clone(), bearer);
        let person = grant.person.as_ref().context("a grant names its person")?;
        Ok(SignedIn {
            person_id: person.person_id.clone(),
            leads: LeadServiceClient::new(channel.clone()),
            members: MemberServiceClient::new(channel.clone()),
            sites: SiteServiceClient::new(channel.clone()),
            keywords: KeywordServiceClient::new(channel),
        })
    }
}

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.0.clone());
        Ok(request)
    }
}

/// What the gateway answered, for people.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.message())]
struct Refused(Box<Status>);

pub(super) fn refused(status: Status) -> Error {
    Refused(Box::new(status)).into()
}

/// Whether the mesh was only too busy, so that the same may go well a little later.
pub(super) fn passes(error: &Error) -> bool {
    let mut refusals = error.chain().filter_map(|cause| cause.downcast_ref::<Refused>());
    refusals.any(|Refused(status)| status.code() == Code::Unavailable)
}
