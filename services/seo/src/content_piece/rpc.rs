//! The wire: what each method takes in, and which function answers it.

mod standard;
mod texts;
mod verbs;

use devsphere_boot::Ctx;
use devsphere_db::{Approval, Change, TenantDb, TenantTx};
use devsphere_error::Result;
use devsphere_proto::seo::v1::{self as pb, content_piece_service_server::ContentPieceService};
use devsphere_rpc::admit;
use tonic::{Request, Response, Status};

use super::{ContentPiece, Verb};
use crate::deciders::Deciders;

/// Content pieces, over their store.
pub(crate) struct ContentPieces {
    db: TenantDb,
    deciders: Deciders,
}

impl ContentPieces {
    /// The service of that context.
    pub(crate) fn new(ctx: &Ctx) -> Result<Self> {
        Ok(Self { db: ctx.tenant_db(), deciders: Deciders::new(ctx.stub("identity")?) })
    }
}

/// Notes what became of a piece: one event and one audit record, and the step of its approval.
pub(super) fn emit(
    tx: &mut TenantTx,
    event: &'static str,
    before: Option<&ContentPiece>,
    after: &ContentPiece,
    approval: Option<Approval>,
) -> Result<()> {
    let record = (after.content_piece_id.uuid(), after.version);
    let change = Change::of(event, "content_piece", record, before, after)?;
    tx.emit(match approval {
        Some(step) => change.with(step),
        None => change,
    });
    Ok(())
}

/// The same for a verb on a piece that was there.
pub(super) fn emit_step(
    tx: &mut TenantTx,
    verb: Verb,
    (before, after): (&ContentPiece, &ContentPiece),
    approval: Option<Approval>,
) -> Result<()> {
    emit(tx, verb.event(), Some(before), after, approval)
}

#[tonic::async_trait]
impl ContentPieceService for ContentPieces {
    async fn create_content_piece(
        &self,
        request: Request<pb::CreateContentPieceRequest>,
    ) -> Result<Response<pb::ContentPiece>, Status> {
        Ok(Response::new(self.create(admit(request)?).await?))
    }

    async fn get_content_piece(
        &self,
        request: Request<pb::GetContentPieceRequest>,
    ) -> Result<Response<pb::ContentPiece>, Status> {
        Ok(Response::new(self.get(admit(request)?).await?))
    }

    async fn list_content_pieces(
        &self,
        request: Request<pb::ListContentPiecesRequest>,
    ) -> Result<Response<pb::ListContentPiecesResponse>, Status> {
        Ok(Response::new(self.list(admit(request)?).await?))
    }

    async fn update_content_piece(
        &self,
        request: Request<pb::UpdateContentPieceRequest>,
    ) -> Result<Response<pb::ContentPiece>, Status> {
        Ok(Response::new(self.update(admit(request)?).await?))
    }

    async fn write_content(
        &self,
        request: Request<pb::WriteContentRequest>,
    ) -> Result<Response<pb::ContentVersion>, Status> {
        Ok(Response::new(self.write(admit(request)?).await?))
    }

    async fn restore_content(
        &self,
        request: Request<pb::RestoreContentRequest>,
    ) -> Result<Response<pb::ContentVersion>, Status> {
        Ok(Response::new(self.restore(admit(request)?).await?))
    }

    async fn get_content_version(
        &self,
        request: Request<pb::GetContentVersionRequest>,
    ) -> Result<Response<pb::ContentVersion>, Status> {
        Ok(Response::new(self.get_version(admit(request)?).await?))
    }

    async fn list_content_versions(
        &self,
        request: Request<pb::ListContentVersionsRequest>,
    ) -> Result<Response<pb::ListContentVersionsResponse>, Status> {
        Ok(Response::new(self.list_versions(admit(request)?).await?))
    }

    async fn submit_content_piece(
        &self,
        request: Request<pb::SubmitContentPieceRequest>,
    ) -> Result<Response<pb::ContentPiece>, Status> {
        Ok(Response::new(self.submit(admit(request)?).await?))
    }

    async fn withdraw_content_piece(
        &self,
        request: Request<pb::WithdrawContentPieceRequest>,
    ) -> Result<Response<pb::ContentPiece>, Status> {
        Ok(Response::new(self.advance(admit(request)?).await?))
    }

    async fn approve_content_piece(
        &self,
        request: Request<pb::ApproveContentPieceRequest>,
    ) -> Result<Response<pb::ContentPiece>, Status> {
        Ok(Response::new(self.advance(admit(request)?).await?))
    }

    async fn reject_content_piece(
        &self,
        request: Request<pb::RejectContentPieceRequest>,
    ) -> Result<Response<pb::ContentPiece>, Status> {
        Ok(Response::new(self.advance(admit(request)?).await?))
    }

    async fn delete_content_piece(
        &self,
        request: Request<pb::DeleteContentPieceRequest>,
    ) -> Result<Response<pb::DeleteContentPieceResponse>, Status> {
        Ok(Response::new(self.delete(admit(request)?).await?))
    }

    async fn undelete_content_piece(
        &self,
        request: Request<pb::UndeleteContentPieceRequest>,
    ) -> Result<Response<pb::ContentPiece>, Status> {
        Ok(Response::new(self.undelete(admit(request)?).await?))
    }

    async fn batch_get_content_pieces(
        &self,
        request: Request<pb::BatchGetContentPiecesRequest>,
    ) -> Result<Response<pb::BatchGetContentPiecesResponse>, Status> {
        Ok(Response::new(self.batch_get(admit(request)?).await?))
    }
}
