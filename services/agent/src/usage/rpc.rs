//! The wire: one function per method.

use std::time::{Duration, Instant};

use devsphere_auth::Permit;
use devsphere_boot::Ctx;
use devsphere_db::TenantDb;
use devsphere_error::Result;
use devsphere_proto::{
    agent::v1::{self as pb, usage_service_server::UsageService},
    r#type::v1::AiSpending,
};
use devsphere_rpc::{
    admit,
    page::{self, Query},
    time::timestamp,
};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Asked, Step, Usage, list, store};
use crate::{
    connection::Connections,
    ledger::{Ledger, Wait, zone},
    provider::{Message, Question, Role},
};

/// What a small answer takes of a model that thinks first.
const PROBE_TOKENS: u32 = 256;

/// A probe without a deadline of its own.
const PROBE_PATIENCE: Duration = Duration::from_secs(20);

/// The ledger, over its store.
pub(crate) struct Usages {
    db: TenantDb,
    connections: Connections,
    ledger: Ledger,
}

impl Usages {
    /// The service of that context.
    pub(crate) fn new(ctx: &Ctx, connections: Connections, ledger: Ledger) -> Self {
        Self { db: ctx.tenant_db(), connections, ledger }
    }

    async fn list(
        &self,
        (permit, request): (Permit, pb::ListUsageRequest),
    ) -> Result<pb::ListUsageResponse> {
        let query = Query::new("ListUsage", &request.filter, "", false, &[]);
        let list = list::matching(&request.filter)?
            .page(page::size(request.page_size)?, query.key(&request.page_token)?);

        let mut tx = self.db.read(&permit).await?;
        let page = list.fetch::<Usage>(tx.conn()).await?;

        Ok(pb::ListUsageResponse {
            usages: page.rows.into_iter().map(Into::into).collect(),
            next_page_token: query.token(page.next.as_ref())?,
        })
    }

    async fn spending(&self, (permit, _): (Permit, pb::GetSpendingRequest)) -> Result<AiSpending> {
        let (budgets, currency_code) = self.connections.budgets(&permit).await?;

        let mut tx = self.db.read(&permit).await?;
        let month = store::fetch_month(&mut tx, zone(permit.caller())?, &currency_code).await?;

        Ok(AiSpending {
            month_start_time: Some(timestamp(month.start)),
            month_end_time: Some(timestamp(month.end)),
            tokens: month.tokens,
            cost_micros: month.cost_micros,
            currency_code,
            token_budget: budgets.tokens,
            cost_budget_micros: budgets.cost_micros,
        })
    }

    async fn probe(
        &self,
        (permit, _): (Permit, pb::ProbeProviderRequest),
    ) -> Result<pb::ProbeProviderResponse> {
        let connection = self.connections.of(&permit).await?;
        let question = Question {
            model: connection.model.clone(),
            system: String::new(),
            messages: vec![Message {
                role: Role::User,
                text: "Answer in one word: are you there?".into(),
            }],
            tool: None,
            max_output_tokens: PROBE_TOKENS,
            temperature: None,
        };
        let asked = Asked {
            generation_id: Uuid::now_v7(),
            agent_key: "",
            step: Step::Probe,
            provider_host: &connection.host,
        };
        let begun = Instant::now();
        let deadline = permit.facts().deadline.unwrap_or_else(|| begun + PROBE_PATIENCE);
        let wait = Wait { deadline, given_up: &CancellationToken::new() };
        let asked = (asked, &question);
        let answered = self.ledger.ask(&permit, &connection, asked, &wait, &mut |_| ()).await?;
        Ok(pb::ProbeProviderResponse {
            usage: Some(answered.usage),
            latency_ms: i32::try_from(begun.elapsed().as_millis()).unwrap_or(i32::MAX),
        })
    }
}

#[tonic::async_trait]
impl UsageService for Usages {
    async fn list_usage(
        &self,
        request: Request<pb::ListUsageRequest>,
    ) -> Result<Response<pb::ListUsageResponse>, Status> {
        Ok(Response::new(self.list(admit(request)?).await?))
    }

    async fn get_spending(
        &self,
        request: Request<pb::GetSpendingRequest>,
    ) -> Result<Response<AiSpending>, Status> {
        Ok(Response::new(self.spending(admit(request)?).await?))
    }

    async fn probe_provider(
        &self,
        request: Request<pb::ProbeProviderRequest>,
    ) -> Result<Response<pb::ProbeProviderResponse>, Status> {
        Ok(Response::new(self.probe(admit(request)?).await?))
    }
}
