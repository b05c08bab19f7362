//! The wire: what each method takes in, and which function answers it.

mod standard;
mod trash;

use devsphere_boot::Ctx;
use devsphere_db::TenantDb;
use devsphere_proto::seo::v1::{self as pb, site_service_server::SiteService};
use devsphere_rpc::admit;
use tonic::{Request, Response, Status};

/// Sites, over their store.
pub(crate) struct Sites {
    db: TenantDb,
}

impl Sites {
    /// The service of that context.
    pub(crate) fn new(ctx: &Ctx) -> Self {
        Self { db: ctx.tenant_db() }
    }
}

#[tonic::async_trait]
impl SiteService for Sites {
    async fn create_site(
        &self,
        request: Request<pb::CreateSiteRequest>,
    ) -> Result<Response<pb::Site>, Status> {
        Ok(Response::new(self.create(admit(request)?).await?))
    }

    async fn get_site(
        &self,
        request: Request<pb::GetSiteRequest>,
    ) -> Result<Response<pb::Site>, Status> {
        Ok(Response::new(self.get(admit(request)?).await?))
    }

    async fn list_sites(
        &self,
        request: Request<pb::ListSitesRequest>,
    ) -> Result<Response<pb::ListSitesResponse>, Status> {
        Ok(Response::new(self.list(admit(request)?).await?))
    }

    async fn update_site(
        &self,
        request: Request<pb::UpdateSiteRequest>,
    ) -> Result<Response<pb::Site>, Status> {
        Ok(Response::new(self.update(admit(request)?).await?))
    }

    async fn delete_site(
        &self,
        request: Request<pb::DeleteSiteRequest>,
    ) -> Result<Response<pb::DeleteSiteResponse>, Status> {
        Ok(Response::new(self.delete(admit(request)?).await?))
    }

    async fn undelete_site(
        &self,
        request: Request<pb::UndeleteSiteRequest>,
    ) -> Result<Response<pb::Site>, Status> {
        Ok(Response::new(self.undelete(admit(request)?).await?))
    }

    async fn batch_get_sites(
        &self,
        request: Request<pb::BatchGetSitesRequest>,
    ) -> Result<Response<pb::BatchGetSitesResponse>, Status> {
        Ok(Response::new(self.batch_get(admit(request)?).await?))
    }
}
