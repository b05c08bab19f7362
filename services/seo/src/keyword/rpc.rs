//! The wire: what each method takes in, and which function answers it.

mod batch;
mod export;
mod standard;
mod trash;

use devsphere_boot::{
    Ctx, Renewer,
    export::{Chunks, Exporter},
};
use devsphere_db::TenantDb;
use devsphere_proto::seo::v1::{self as pb, keyword_service_server::KeywordService};
use devsphere_rpc::admit;
use tonic::{Request, Response, Status};

/// Keywords, over their store.
pub(crate) struct Keywords {
    db: TenantDb,
    exporter: Exporter,
}

impl Keywords {
    /// The service of that context.
    pub(crate) fn new(ctx: &Ctx, renewer: Renewer) -> Self {
        Self { db: ctx.tenant_db(), exporter: Exporter::new(ctx, renewer) }
    }
}

#[tonic::async_trait]
impl KeywordService for Keywords {
    type ExportKeywordsStream = Chunks<pb::ExportKeywordsResponse>;

    async fn create_keyword(
        &self,
        request: Request<pb::CreateKeywordRequest>,
    ) -> Result<Response<pb::Keyword>, Status> {
        Ok(Response::new(self.create(admit(request)?).await?))
    }

    async fn get_keyword(
        &self,
        request: Request<pb::GetKeywordRequest>,
    ) -> Result<Response<pb::Keyword>, Status> {
        Ok(Response::new(self.get(admit(request)?).await?))
    }

    async fn list_keywords(
        &self,
        request: Request<pb::ListKeywordsRequest>,
    ) -> Result<Response<pb::ListKeywordsResponse>, Status> {
        Ok(Response::new(self.list(admit(request)?).await?))
    }

    async fn update_keyword(
        &self,
        request: Request<pb::UpdateKeywordRequest>,
    ) -> Result<Response<pb::Keyword>, Status> {
        Ok(Response::new(self.update(admit(request)?).await?))
    }

    async fn delete_keyword(
        &self,
        request: Request<pb::DeleteKeywordRequest>,
    ) -> Result<Response<pb::DeleteKeywordResponse>, Status> {
        Ok(Response::new(self.delete(admit(request)?).await?))
    }

    async fn undelete_keyword(
        &self,
        request: Request<pb::UndeleteKeywordRequest>,
    ) -> Result<Response<pb::Keyword>, Status> {
        Ok(Response::new(self.undelete(admit(request)?).await?))
    }

    async fn batch_get_keywords(
        &self,
        request: Request<pb::BatchGetKeywordsRequest>,
    ) -> Result<Response<pb::BatchGetKeywordsResponse>, Status> {
        Ok(Response::new(self.batch_get(admit(request)?).await?))
    }

    async fn batch_create_keywords(
        &self,
        request: Request<pb::BatchCreateKeywordsRequest>,
    ) -> Result<Response<pb::BatchCreateKeywordsResponse>, Status> {
        Ok(Response::new(self.batch_create(admit(request)?).await?))
    }

    async fn batch_delete_keywords(
        &self,
        request: Request<pb::BatchDeleteKeywordsRequest>,
    ) -> Result<Response<pb::BatchDeleteKeywordsResponse>, Status> {
        Ok(Response::new(self.batch_delete(admit(request)?).await?))
    }

    async fn export_keywords(
        &self,
        request: Request<pb::ExportKeywordsRequest>,
    ) -> Result<Response<Chunks<pb::ExportKeywordsResponse>>, Status> {
        Ok(Response::new(self.export(admit(request)?)?))
    }
}
