//! The wire: what each method takes in, and which function answers it.

mod batch;
mod export;
mod standard;
mod verbs;

use devsphere_boot::{
    Ctx, Renewer,
    export::{Chunks, Exporter},
};
use devsphere_db::{Change, TenantDb, TenantTx};
use devsphere_error::Result;
use devsphere_proto::crm::v1::{self as pb, lead_service_server::LeadService};
use devsphere_rpc::admit;
use tonic::{Request, Response, Status};

use super::Lead;
use crate::members::Members;

/// Leads, over their store.
pub(crate) struct Leads {
    db: TenantDb,
    members: Members,
    exporter: Exporter,
}

impl Leads {
    /// The service of that context.
    pub(crate) fn new(ctx: &Ctx, renewer: Renewer) -> Result<Self> {
        Ok(Self {
            db: ctx.tenant_db(),
            members: Members::new(ctx.stub("identity")?),
            exporter: Exporter::new(ctx, renewer),
        })
    }
}

/// Notes what became of a lead: one event and one audit record.
fn emit(tx: &mut TenantTx, event: &'static str, before: Option<&Lead>, after: &Lead) -> Result<()> {
    let record = (after.lead_id.uuid(), after.version);
    tx.emit(Change::of(event, "lead", record, before, after)?);
    Ok(())
}

#[tonic::async_trait]
impl LeadService for Leads {
    type ExportLeadsStream = Chunks<pb::ExportLeadsResponse>;

    async fn create_lead(
        &self,
        request: Request<pb::CreateLeadRequest>,
    ) -> Result<Response<pb::Lead>, Status> {
        Ok(Response::new(self.create(admit(request)?).await?))
    }

    async fn get_lead(
        &self,
        request: Request<pb::GetLeadRequest>,
    ) -> Result<Response<pb::Lead>, Status> {
        Ok(Response::new(self.get(admit(request)?).await?))
    }

    async fn list_leads(
        &self,
        request: Request<pb::ListLeadsRequest>,
    ) -> Result<Response<pb::ListLeadsResponse>, Status> {
        Ok(Response::new(self.list(admit(request)?).await?))
    }

    async fn update_lead(
        &self,
        request: Request<pb::UpdateLeadRequest>,
    ) -> Result<Response<pb::Lead>, Status> {
        Ok(Response::new(self.update(admit(request)?).await?))
    }

    async fn assign_lead(
        &self,
        request: Request<pb::AssignLeadRequest>,
    ) -> Result<Response<pb::Lead>, Status> {
        Ok(Response::new(self.assign(admit(request)?).await?))
    }

    async fn contact_lead(
        &self,
        request: Request<pb::ContactLeadRequest>,
    ) -> Result<Response<pb::Lead>, Status> {
        Ok(Response::new(self.advance(admit(request)?).await?))
    }

    async fn qualify_lead(
        &self,
        request: Request<pb::QualifyLeadRequest>,
    ) -> Result<Response<pb::Lead>, Status> {
        Ok(Response::new(self.advance(admit(request)?).await?))
    }

    async fn win_lead(
        &self,
        request: Request<pb::WinLeadRequest>,
    ) -> Result<Response<pb::Lead>, Status> {
        Ok(Response::new(self.advance(admit(request)?).await?))
    }

    async fn lose_lead(
        &self,
        request: Request<pb::LoseLeadRequest>,
    ) -> Result<Response<pb::Lead>, Status> {
        Ok(Response::new(self.advance(admit(request)?).await?))
    }

    async fn disqualify_lead(
        &self,
        request: Request<pb::DisqualifyLeadRequest>,
    ) -> Result<Response<pb::Lead>, Status> {
        Ok(Response::new(self.advance(admit(request)?).await?))
    }

    async fn reopen_lead(
        &self,
        request: Request<pb::ReopenLeadRequest>,
    ) -> Result<Response<pb::Lead>, Status> {
        Ok(Response::new(self.advance(admit(request)?).await?))
    }

    async fn undo_win_lead(
        &self,
        request: Request<pb::UndoWinLeadRequest>,
    ) -> Result<Response<pb::Lead>, Status> {
        Ok(Response::new(self.advance(admit(request)?).await?))
    }

    async fn delete_lead(
        &self,
        request: Request<pb::DeleteLeadRequest>,
    ) -> Result<Response<pb::DeleteLeadResponse>, Status> {
        Ok(Response::new(self.delete(admit(request)?).await?))
    }

    async fn undelete_lead(
        &self,
        request: Request<pb::UndeleteLeadRequest>,
    ) -> Result<Response<pb::Lead>, Status> {
        Ok(Response::new(self.undelete(admit(request)?).await?))
    }

    async fn batch_get_leads(
        &self,
        request: Request<pb::BatchGetLeadsRequest>,
    ) -> Result<Response<pb::BatchGetLeadsResponse>, Status> {
        Ok(Response::new(self.batch_get(admit(request)?).await?))
    }

    async fn batch_create_leads(
        &self,
        request: Request<pb::BatchCreateLeadsRequest>,
    ) -> Result<Response<pb::BatchCreateLeadsResponse>, Status> {
        Ok(Response::new(self.batch_create(admit(request)?).await?))
    }

    async fn batch_assign_leads(
        &self,
        request: Request<pb::BatchAssignLeadsRequest>,
    ) -> Result<Response<pb::BatchAssignLeadsResponse>, Status> {
        Ok(Response::new(self.batch_assign(admit(request)?).await?))
    }

    async fn batch_delete_leads(
        &self,
        request: Request<pb::BatchDeleteLeadsRequest>,
    ) -> Result<Response<pb::BatchDeleteLeadsResponse>, Status> {
        Ok(Response::new(self.batch_delete(admit(request)?).await?))
    }

    async fn export_leads(
        &self,
        request: Request<pb::ExportLeadsRequest>,
    ) -> Result<Response<Chunks<pb::ExportLeadsResponse>>, Status> {
        Ok(Response::new(self.export(admit(request)?)?))
    }
}
