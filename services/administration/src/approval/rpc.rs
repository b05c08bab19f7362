//! The wire: one function per method. What is decided, the record's own module decides.

use devsphere_auth::Permit;
use devsphere_boot::Ctx;
use devsphere_db::TenantDb;
use devsphere_error::{Error, Result};
use devsphere_ids::RequestId;
use devsphere_proto::administration::v1::{self as pb, approval_service_server::ApprovalService};
use devsphere_rpc::{
    admit, id,
    page::{self, Query},
};
use tonic::{Code, Request, Response, Status};

use super::{Approval, Decision, State, Viewer, decided, list, owner::Owners, shown, store, wire};
use crate::modules::{Modules, call};

/// Approvals, over their store and their owners' verbs.
pub(crate) struct Approvals {
    db: TenantDb,
    modules: Modules,
    owners: Owners,
}

impl Approvals {
    /// The service of that context.
    pub(crate) fn new(ctx: &Ctx, modules: Modules) -> Result<Self> {
        let owners = Owners::of(modules.contract())?;
        Ok(Self { db: ctx.tenant_db(), modules, owners })
    }

    async fn get(
        &self,
        (permit, request): (Permit, pb::GetApprovalRequest),
    ) -> Result<pb::Approval> {
        let id = request.approval_id.parse().map_err(id::bad("approval_id"))?;
        let viewer = self.viewer(&permit);

        let mut tx = self.db.read(&permit).await?;
        let approval = shown(store::fetch(&mut tx, id).await?, &viewer)?;

        Ok(wire::message(approval, &self.owners, &viewer))
    }

    async fn list(
        &self,
        (permit, request): (Permit, pb::ListApprovalsRequest),
    ) -> Result<pb::ListApprovalsResponse> {
        let (of, viewer) = (request.of(), self.viewer(&permit));
        let query = Query::new("ListApprovals", &request.filter, "", false, &[of.as_str_name()]);
        let list = list::matching(of.into(), &viewer, &request.filter)?
            .page(page::size(request.page_size)?, query.key(&request.page_token)?);

        let mut tx = self.db.read(&permit).await?;
        let page = list.fetch::<Approval>(tx.conn()).await?;

        let message = |approval| wire::message(approval, &self.owners, &viewer);
        Ok(pb::ListApprovalsResponse {
            approvals: page.rows.into_iter().map(message).collect(),
            next_page_token: query.token(page.next.as_ref())?,
        })
    }

    /// Has the owner's verb decide, and answers the question as it stands then. No transaction waits
    /// for the owner: the first finds the question, the second keeps the answer.
    async fn decide(&self, (permit, decision): (Permit, Decision)) -> Result<pb::Approval> {
        let (id, viewer) = (decision.approval_id, self.viewer(&permit));
        let mut tx = self.db.write(&permit).await?;
        let approval = shown(store::fetch(&mut tx, id).await?, &viewer)?;
        drop(tx);

        self.pass_on(&permit, &viewer, &approval, &decision).await?;

        let mut tx = self.db.write(&permit).await?;
        let approval = store::fetch(&mut tx, id).await?;
        tx.commit(wire::message(approval, &self.owners, &viewer)).await
    }

    /// Calls the owner's verb for the caller; what it refuses, they hear from it.
    async fn pass_on(
        &self,
        permit: &Permit,
        viewer: &Viewer,
        approval: &Approval,
        decision: &Decision,
    ) -> Result<()> {
        let waits = approval.state == State::Pending;
        // The owner may have answered a call that broke off before its answer was kept here: it
        // answers the same request once more, and refuses any other.
        let repeats =
            permit.request_id().is_some() && approval.is_decided_by(viewer, decision.verb);
        if !waits && !repeats {
            return Err(decided());
        }
        let owner = self
            .owners
            .owner(approval)
            .ok_or_else(|| Error::internal(format!("nobody decides on a {}", approval.noun)))?;
        let request_id = permit.request_id().as_ref().map(RequestId::to_string).unwrap_or_default();
        let request = owner.request(approval, decision, request_id);
        let way = self.modules.speaking(owner.resource, permit)?;
        match call(way, owner.method(decision.verb), request).await {
            Err(Error::Peer(refused)) if !waits && refused.code() == Code::Aborted => {
                Err(decided())
            }
            answer => answer.map(drop),
        }
    }

    fn viewer(&self, permit: &Permit) -> Viewer {
        Viewer::of(permit.caller(), self.owners.held_by(permit.caller()))
    }
}

#[tonic::async_trait]
impl ApprovalService for Approvals {
    async fn get_approval(
        &self,
        request: Request<pb::GetApprovalRequest>,
    ) -> Result<Response<pb::Approval>, Status> {
        Ok(Response::new(self.get(admit(request)?).await?))
    }

    async fn list_approvals(
        &self,
        request: Request<pb::ListApprovalsRequest>,
    ) -> Result<Response<pb::ListApprovalsResponse>, Status> {
        Ok(Response::new(self.list(admit(request)?).await?))
    }

    async fn approve_approval(
        &self,
        request: Request<pb::ApproveApprovalRequest>,
    ) -> Result<Response<pb::Approval>, Status> {
        Ok(Response::new(self.decide(admit(request)?).await?))
    }

    async fn reject_approval(
        &self,
        request: Request<pb::RejectApprovalRequest>,
    ) -> Result<Response<pb::Approval>, Status> {
        Ok(Response::new(self.decide(admit(request)?).await?))
    }
}
