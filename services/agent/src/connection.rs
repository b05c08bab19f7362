//! How the organisation's provider is reached, and how its agent is told to work: asked of administration.

use std::sync::Arc;

use devsphere_auth::Permit;
use devsphere_boot::{Ctx, Stub, peer_error};
use devsphere_egress::Client;
use devsphere_error::{Error, Result};
use devsphere_proto::administration::v1::{
    Agent, AgentState, AiConnection, AiPrices, AiProviderKind, GetAgentByKeyRequest,
    GetAiConnectionRequest, agent_service_client::AgentServiceClient,
    ai_provider_service_client::AiProviderServiceClient,
};

use crate::{
    failed,
    provider::{self, Kind, Patience, Provider},
    usage::Budgets,
};

/// The way to connections.
#[derive(Clone)]
pub(crate) struct Connections {
    administration: Stub,
    client: Client,
    offered: Option<Arc<AiConnection>>,
}

/// A provider to ask for one organisation.
pub(crate) struct Connection {
    pub(crate) provider: Provider,
    /// As in `api.anthropic.com`.
    pub(crate) host: String,
    pub(crate) model: String,
    pub(crate) prices: AiPrices,
    pub(crate) budgets: Budgets,
}

impl Connections {
    /// The way of that context.
    pub(crate) fn new(ctx: &Ctx) -> Result<Self> {
        let config = ctx.config();
        let client = Client::new(config.outside.clone()).map_err(Error::internal)?;
        let offered = config.offered_ai.clone().map(Arc::new);
        Ok(Self { administration: ctx.stub("administration")?, client, offered })
    }

    /// The provider of the caller's organisation.
    pub(crate) async fn of(&self, permit: &Permit) -> Result<Connection> {
        let own = self.own(permit).await?;
        self.open(own)
    }

    /// How much the caller's organisation may spend, and the currency that it pays in.
    pub(crate) async fn budgets(&self, permit: &Permit) -> Result<(Budgets, String)> {
        let own = self.own(permit).await?;
        let budgets = budgets(&own);
        Ok((budgets, self.used(own).and_then(|used| used.prices).unwrap_or_default().currency_code))
    }

    async fn own(&self, permit: &Permit) -> Result<AiConnection> {
        let mut providers = AiProviderServiceClient::new(self.administration.of(permit));
        let own = providers.get_ai_connection(GetAiConnectionRequest {}).await;
        Ok(own.map_err(peer_error)?.into_inner())
    }

    /// An agent of the caller's organisation, that is on.
    pub(crate) async fn agent(&self, permit: &Permit, key: &str) -> Result<Agent> {
        let mut agents = AgentServiceClient::new(self.administration.of(permit));
        let agent = agents.get_agent_by_key(GetAgentByKeyRequest { agent_key: key.into() }).await;
        let agent = agent.map_err(peer_error)?.into_inner();
        if agent.state() == AgentState::Paused {
            let message = format!("the agent {} is paused", agent.display_name);
            return Err(Error::AiFailed { cause: "agent_paused", message, retry_after: None });
        }
        Ok(agent)
    }

    /// The organisation's own, or what the installation offers.
    fn used(&self, own: AiConnection) -> Option<AiConnection> {
        match own.kind() {
            AiProviderKind::Unspecified => self.offered.as_deref().cloned(),
            _ => Some(own),
        }
    }

    fn open(&self, own: AiConnection) -> Result<Connection> {
        let budgets = budgets(&own);
        let used = self.used(own).ok_or_else(no_provider)?;
        let kind = match used.kind() {
            AiProviderKind::Unspecified => return Err(no_provider()),
            AiProviderKind::Anthropic => Kind::Anthropic,
            AiProviderKind::Openai => Kind::OpenAi,
        };
        let base_url = if used.base_url.is_empty() { usual(kind).into() } else { used.base_url };
        let host = base_url.parse::<http::Uri>().ok();
        let host = host.and_then(|uri| uri.authority().map(ToString::to_string));
        let connection = provider::Connection {
            kind,
            base_url,
            key: used.api_key.into(),
            patience: Patience::default(),
        };
        Ok(Connection {
            provider: Provider::new(connection, &self.client).map_err(|no| failed(&no))?,
            host: host.unwrap_or_default(),
            model: used.model,
            prices: used.prices.unwrap_or_default(),
            budgets,
        })
    }
}

const fn budgets(own: &AiConnection) -> Budgets {
    Budgets { tokens: own.monthly_token_budget, cost_micros: own.monthly_cost_budget_micros }
}

/// Where a kind of provider is unless somebody says otherwise.
const fn usual(kind: Kind) -> &'static str {
    match kind {
        Kind::Anthropic => "https://api.anthropic.com",
        Kind::OpenAi => "https://api.openai.com/v1",
    }
}

fn no_provider() -> Error {
    Error::AiFailed {
        cause: "no_provider",
        message: "no provider of models is connected: choose one in the AI settings, or have the \
                  installation offer one"
            .into(),
        retry_after: None,
    }
}
