//! The wire: one function per method.

use devsphere_auth::Permit;
use devsphere_boot::Ctx;
use devsphere_db::{Change, TenantDb, TenantTx};
use devsphere_error::{Error, Result};
use devsphere_ids::AgentId;
use devsphere_proto::administration::v1::{self as pb, agent_service_server::AgentService};
use devsphere_rpc::admit;
use tonic::{Request, Response, Status};

use super::{
    Agent, Seed, Verb, store,
    wire::{self, Step, Update},
};
use crate::organization;

/// Agents, over their store.
pub(crate) struct Agents {
    db: TenantDb,
}

impl Agents {
    /// The service of that context.
    pub(crate) fn new(ctx: &Ctx) -> Self {
        Self { db: ctx.tenant_db() }
    }

    async fn get(&self, (permit, request): (Permit, pb::GetAgentRequest)) -> Result<pb::Agent> {
        let agent_id = request.agent_id.parse().map_err(wire::bad("agent_id"))?;
        let seed = seed(&permit, agent_id)?;

        let mut tx = self.db.read(&permit).await?;
        let agent = store::fetch(&mut tx, seed).await?;

        wire::shown(&agent, permit.caller())
    }

    async fn get_by_key(
        &self,
        (permit, request): (Permit, pb::GetAgentByKeyRequest),
    ) -> Result<pb::Agent> {
        let seed = Seed::by_key(&request.agent_key)?;

        let mut tx = self.db.read(&permit).await?;
        let agent = store::fetch(&mut tx, seed).await?;

        wire::shown(&agent, permit.caller())
    }

    async fn list(
        &self,
        (permit, _): (Permit, pb::ListAgentsRequest),
    ) -> Result<pb::ListAgentsResponse> {
        let mut tx = self.db.read(&permit).await?;
        let agents = store::fetch_all(&mut tx).await?;

        Ok(pb::ListAgentsResponse { agents: wire::all_shown(&agents, permit.caller())? })
    }

    async fn update(
        &self,
        (permit, Update { edit, validate_only }): (Permit, Update),
    ) -> Result<pb::Agent> {
        let agent_id = edit.agent_id;
        let seed = seed(&permit, agent_id)?;
        if validate_only {
            let mut tx = self.db.read(&permit).await?;
            let agent = edit.apply(&store::fetch(&mut tx, seed).await?)?;
            return wire::shown(&agent, permit.caller());
        }

        let mut tx = self.db.write(&permit).await?;
        let before = store::fetch_for_update(&mut tx, seed).await?;
        let mut agent = edit.apply(&before)?;
        if agent != before {
            agent = store::write(&mut tx, &agent).await?;
            emit(&mut tx, Verb::Update, agent_id, &before, &agent)?;
        }

        tx.commit(wire::shown(&agent, permit.caller())?).await
    }

    /// Turns it on or off, or takes it back to what is delivered.
    async fn step(&self, (permit, step): (Permit, Step)) -> Result<pb::Agent> {
        let seed = seed(&permit, step.agent_id)?;

        let mut tx = self.db.write(&permit).await?;
        let before = store::fetch_for_update(&mut tx, seed).await?;
        let agent = store::write(&mut tx, &before.after(step.verb, &step.etag)?).await?;
        emit(&mut tx, step.verb, step.agent_id, &before, &agent)?;

        tx.commit(wire::shown(&agent, permit.caller())?).await
    }
}

/// What the caller's organisation calls by that id.
fn seed(permit: &Permit, agent_id: AgentId) -> Result<&'static Seed> {
    Seed::of(organization(permit.caller())?, agent_id)
}

/// Notes what became of an agent: one event and one audit record.
fn emit(
    tx: &mut TenantTx,
    verb: Verb,
    agent_id: AgentId,
    before: &Agent,
    after: &Agent,
) -> Result<()> {
    let json = |agent: &Agent| serde_json::to_value(agent.facts()).map_err(Error::internal);
    let record = (agent_id.uuid(), after.version);
    tx.emit(Change::between(verb.event(), "agent", record, Some(json(before)?), json(after)?));
    Ok(())
}

#[tonic::async_trait]
impl AgentService for Agents {
    async fn get_agent(
        &self,
        request: Request<pb::GetAgentRequest>,
    ) -> Result<Response<pb::Agent>, Status> {
        Ok(Response::new(self.get(admit(request)?).await?))
    }

    async fn list_agents(
        &self,
        request: Request<pb::ListAgentsRequest>,
    ) -> Result<Response<pb::ListAgentsResponse>, Status> {
        Ok(Response::new(self.list(admit(request)?).await?))
    }

    async fn update_agent(
        &self,
        request: Request<pb::UpdateAgentRequest>,
    ) -> Result<Response<pb::Agent>, Status> {
        Ok(Response::new(self.update(admit(request)?).await?))
    }

    async fn activate_agent(
        &self,
        request: Request<pb::ActivateAgentRequest>,
    ) -> Result<Response<pb::Agent>, Status> {
        Ok(Response::new(self.step(admit(request)?).await?))
    }

    async fn pause_agent(
        &self,
        request: Request<pb::PauseAgentRequest>,
    ) -> Result<Response<pb::Agent>, Status> {
        Ok(Response::new(self.step(admit(request)?).await?))
    }

    async fn reset_agent(
        &self,
        request: Request<pb::ResetAgentRequest>,
    ) -> Result<Response<pb::Agent>, Status> {
        Ok(Response::new(self.step(admit(request)?).await?))
    }

    async fn get_agent_by_key(
        &self,
        request: Request<pb::GetAgentByKeyRequest>,
    ) -> Result<Response<pb::Agent>, Status> {
        Ok(Response::new(self.get_by_key(admit(request)?).await?))
    }
}
