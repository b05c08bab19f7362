//! Clients behind a balancer that asks each gateway whether it serves, as an orchestrator's does.

use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::Duration,
};

use devsphere_proto::{
    administration::v1::{
        GetAiSpendingRequest, GetSettingsRequest,
        ai_provider_service_client::AiProviderServiceClient,
        settings_service_client::SettingsServiceClient,
    },
    crm::v1::{CreateLeadRequest, Lead, ListLeadsRequest, lead_service_client::LeadServiceClient},
    identity::v1::{
        GetMeRequest, Grant, person_service_client::PersonServiceClient,
        session_service_client::SessionServiceClient,
    },
    seo::v1::{ListSitesRequest, site_service_client::SiteServiceClient},
};
use devsphere_testkit::{StatusExt as _, eventually};
use tokio::time::{interval, timeout};
use tonic::{
    Status,
    service::interceptor::InterceptedService,
    transport::{Channel, Endpoint},
};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use uuid::Uuid;

use super::set::Set;
use crate::whole::{Bearer, Signed, founding};

/// How often the balancer asks.
const ASK_EVERY: Duration = Duration::from_millis(200);

/// The gateways as clients find them.
pub struct Front {
    gateways: Vec<Gateway>,
    turn: AtomicUsize,
    over: AtomicBool,
}

struct Gateway {
    channel: Channel,
    serves: AtomicBool,
}

/// How the calls of one kind went.
#[derive(Default)]
pub struct Calls {
    pub answered: usize,
    /// A machine that is busy with other things sheds, which is a request to come again.
    pub shed: usize,
    pub refused: Vec<Status>,
}

impl Front {
    pub fn of(set: &Set) -> Self {
        let gateway = |number| {
            let address = format!("http://{}", set.gateway(number));
            let channel = Endpoint::from_shared(address).unwrap();
            let channel = channel.connect_timeout(Duration::from_secs(1)).connect_lazy();
            Gateway { channel, serves: AtomicBool::new(true) }
        };
        let gateways = set.numbers.iter().copied().map(gateway).collect();
        Self { gateways, turn: AtomicUsize::new(0), over: AtomicBool::new(false) }
    }

    /// Asks the gateways until it is over.
    pub async fn balance(&self) {
        let mut ticks = interval(ASK_EVERY);
        while !self.is_over() {
            ticks.tick().await;
            for gateway in &self.gateways {
                let mut health = HealthClient::new(gateway.channel.clone());
                let asked = health.check(HealthCheckRequest::default());
                let said = timeout(ASK_EVERY * 5, asked).await;
                let serves = said.is_ok_and(|said| {
                    said.is_ok_and(|said| said.get_ref().status() == ServingStatus::Serving)
                });
                gateway.serves.store(serves, Ordering::Relaxed);
            }
        }
    }

    /// A gateway that serves, in turn.
    pub fn channel(&self) -> Channel {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let all = self.gateways.len();
        let mut in_turn = (0..all).map(|step| &self.gateways[(turn + step) % all]);
        let serving = in_turn.clone().find(|gateway| gateway.serves.load(Ordering::Relaxed));
        serving.or_else(|| in_turn.next()).unwrap().channel.clone()
    }

    pub fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    pub fn signed(&self, grant: &Grant) -> Signed {
        InterceptedService::new(self.channel(), Bearer::of(&grant.access_token))
    }

    /// Founds an organisation, once the mesh can.
    pub async fn sign_up(&self, email: &str) -> Grant {
        let request = founding(email);
        eventually("the first sign-up", async || {
            let mut sessions = SessionServiceClient::new(self.channel());
            sessions.sign_up(request.clone()).await.ok()
        })
        .await
        .into_inner()
    }

    /// Calls again and again until it is over.
    async fn again(&self, call: impl AsyncFn() -> Result<(), Status>) -> Calls {
        let mut calls = Calls::default();
        while !self.is_over() {
            match call().await {
                Ok(()) => calls.answered += 1,
                Err(status) if status.reason() == "OVERLOADED" => calls.shed += 1,
                Err(status) => calls.refused.push(status),
            }
        }
        calls
    }

    /// Asks every service.
    pub async fn read(&self, grant: &Grant) -> Calls {
        self.again(async || {
            let list = ListLeadsRequest::default();
            LeadServiceClient::new(self.signed(grant)).list_leads(list).await?;
            PersonServiceClient::new(self.signed(grant)).get_me(GetMeRequest {}).await?;
            let settings = GetSettingsRequest::default();
            SettingsServiceClient::new(self.signed(grant)).get_settings(settings).await?;
            let list = ListSitesRequest::default();
            SiteServiceClient::new(self.signed(grant)).list_sites(list).await?;
            // Clients hear of agent through administration alone.
            let spending = GetAiSpendingRequest {};
            AiProviderServiceClient::new(self.signed(grant)).get_ai_spending(spending).await?;
            Ok(())
        })
        .await
    }

    /// Makes leads, each of which asks identity for the owner.
    pub async fn write(&self, grant: &Grant) -> Calls {
        self.again(async || {
            let request = lead(&Uuid::new_v4().to_string());
            LeadServiceClient::new(self.signed(grant)).create_lead(request).await.map(drop)
        })
        .await
    }
}

/// A lead of that name, under a request id of its own.
pub fn lead(name: &str) -> CreateLeadRequest {
    CreateLeadRequest {
        lead: Some(Lead { display_name: name.into(), ..Lead::default() }),
        request_id: Uuid::new_v4().to_string(),
        ..CreateLeadRequest::default()
    }
}

impl Calls {
    /// Says how it went, and fails where a call did.
    #[expect(clippy::print_stdout, reason = "the numbers are what these tests are for")]
    pub fn conclude(&self, what: &str) {
        let Self { answered, shed, refused } = self;
        println!("{answered} {what} answered, {shed} shed, {} failed", refused.len());
        assert!(refused.is_empty(), "{what}: {:?}", refused.first());
        assert!(*answered > *shed, "{what}");
    }
}
