//! The wire: one function per method. What the agents use is asked of the agent service.

use std::{path::PathBuf, sync::Arc};

use devsphere_auth::{Caller, Permit, Place, Vault};
use devsphere_boot::{Ctx, Stub, peer_error};
use devsphere_db::{Change, TenantDb, TenantTx};
use devsphere_egress::Client;
use devsphere_error::{Error, Result};
use devsphere_proto::{
    administration::v1::{self as pb, ai_provider_service_server::AiProviderService},
    agent::v1::{
        GetSpendingRequest, ListUsageRequest, ProbeProviderRequest,
        usage_service_client::UsageServiceClient,
    },
    r#type::v1::AiSpending,
};
use devsphere_rpc::admit;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{API_KEY, AiProvider, store, wire, wire::Update};
use crate::organization;

/// Providers, over their store.
pub(crate) struct AiProviders {
    db: TenantDb,
    client: Client,
    keys: PathBuf,
    instance_offers: bool,
    agent: Arc<dyn Fn() -> Result<Stub> + Send + Sync>,
}

impl AiProviders {
    /// The service of that context.
    pub(crate) fn new(ctx: &Ctx) -> Result<Self> {
        let config = ctx.config();
        let client = Client::new(config.outside.clone()).map_err(Error::internal)?;
        // Asked for when it is needed: everything else here does without the agent service.
        let agent = {
            let ctx = ctx.clone();
            Arc::new(move || ctx.stub("agent"))
        };
        Ok(Self {
            db: ctx.tenant_db(),
            client,
            keys: config.keys.clone(),
            instance_offers: config.offered_ai.is_some(),
            agent,
        })
    }

    async fn get(&self, (permit, _): (Permit, pb::GetAiProviderRequest)) -> Result<pb::AiProvider> {
        let mut tx = self.db.read(&permit).await?;
        let provider = store::fetch(&mut tx).await?;

        Ok(self.shown(provider, permit.caller()))
    }

    async fn update(
        &self,
        (permit, Update { edit, validate_only }): (Permit, Update),
    ) -> Result<pb::AiProvider> {
        let place = place(permit.caller())?;
        let seal = |key: &str| Vault::open_folder(&self.keys)?.seal(place, key);
        if validate_only {
            let mut tx = self.db.read(&permit).await?;
            let provider = edit.apply(&store::fetch(&mut tx).await?, &self.client, seal)?;
            return Ok(self.shown(provider, permit.caller()));
        }

        let mut tx = self.db.write(&permit).await?;
        let before = store::fetch_for_update(&mut tx).await?;
        let mut provider = edit.apply(&before, &self.client, seal)?;
        if provider != before {
            provider = store::write(&mut tx, &provider).await?;
            emit(&mut tx, place.organization, &before, &provider)?;
        }

        tx.commit(self.shown(provider, permit.caller())).await
    }

    async fn check(
        &self,
        (permit, _): (Permit, pb::ProbeAiProviderRequest),
    ) -> Result<pb::ProbeAiProviderResponse> {
        let mut agent = UsageServiceClient::new((self.agent)()?.of(&permit));
        let probed = agent.probe_provider(ProbeProviderRequest {}).await.map_err(peer_error)?;
        let probed = probed.into_inner();
        Ok(pb::ProbeAiProviderResponse { usage: probed.usage, latency_ms: probed.latency_ms })
    }

    async fn list_usage(
        &self,
        (permit, request): (Permit, pb::ListAiUsageRequest),
    ) -> Result<pb::ListAiUsageResponse> {
        let mut agent = UsageServiceClient::new((self.agent)()?.of(&permit));
        let pb::ListAiUsageRequest { page_size, page_token, filter } = request;
        let listed = agent.list_usage(ListUsageRequest { page_size, page_token, filter }).await;
        let listed = listed.map_err(peer_error)?.into_inner();
        let next_page_token = listed.next_page_token;
        Ok(pb::ListAiUsageResponse { usages: listed.usages, next_page_token })
    }

    async fn spending(
        &self,
        (permit, _): (Permit, pb::GetAiSpendingRequest),
    ) -> Result<AiSpending> {
        let mut agent = UsageServiceClient::new((self.agent)()?.of(&permit));
        let spent = agent.get_spending(GetSpendingRequest {}).await.map_err(peer_error)?;
        Ok(spent.into_inner())
    }

    async fn connection(
        &self,
        (permit, _): (Permit, pb::GetAiConnectionRequest),
    ) -> Result<pb::AiConnection> {
        let place = place(permit.caller())?;

        let mut tx = self.db.read(&permit).await?;
        let mut provider = store::fetch(&mut tx).await?;
        drop(tx);

        let api_key = match provider.api_key.take() {
            // Without a provider of its own there is none to tell it to.
            Some(sealed) if provider.kind.is_some() => {
                Vault::open_folder(&self.keys)?.open(place, &sealed)?
            }
            _ => String::new(),
        };
        Ok(wire::connection(provider, api_key))
    }

    fn shown(&self, provider: AiProvider, caller: &Caller) -> pb::AiProvider {
        wire::shown(provider, caller, self.instance_offers)
    }
}

fn place(caller: &Caller) -> Result<Place> {
    Ok(Place { organization: organization(caller)?, column: API_KEY })
}

/// Notes what became of the provider: one event and one audit record, under the organisation's id.
fn emit(tx: &mut TenantTx, record_id: Uuid, before: &AiProvider, after: &AiProvider) -> Result<()> {
    let record = (record_id, after.version);
    tx.emit(Change::of("ai_provider.updated", "ai_provider", record, Some(before), after)?);
    Ok(())
}

#[tonic::async_trait]
impl AiProviderService for AiProviders {
    async fn get_ai_provider(
        &self,
        request: Request<pb::GetAiProviderRequest>,
    ) -> Result<Response<pb::AiProvider>, Status> {
        Ok(Response::new(self.get(admit(request)?).await?))
    }

    async fn update_ai_provider(
        &self,
        request: Request<pb::UpdateAiProviderRequest>,
    ) -> Result<Response<pb::AiProvider>, Status> {
        Ok(Response::new(self.update(admit(request)?).await?))
    }

    async fn probe_ai_provider(
        &self,
        request: Request<pb::ProbeAiProviderRequest>,
    ) -> Result<Response<pb::ProbeAiProviderResponse>, Status> {
        Ok(Response::new(self.check(admit(request)?).await?))
    }

    async fn list_ai_usage(
        &self,
        request: Request<pb::ListAiUsageRequest>,
    ) -> Result<Response<pb::ListAiUsageResponse>, Status> {
        Ok(Response::new(self.list_usage(admit(request)?).await?))
    }

    async fn get_ai_spending(
        &self,
        request: Request<pb::GetAiSpendingRequest>,
    ) -> Result<Response<AiSpending>, Status> {
        Ok(Response::new(self.spending(admit(request)?).await?))
    }

    async fn get_ai_connection(
        &self,
        request: Request<pb::GetAiConnectionRequest>,
    ) -> Result<Response<pb::AiConnection>, Status> {
        Ok(Response::new(self.connection(admit(request)?).await?))
    }
}
