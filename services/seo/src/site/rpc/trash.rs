//! Into the trash, and out of it.

use devsphere_auth::Permit;
use devsphere_db::TenantTx;
use devsphere_error::Result;
use devsphere_proto::seo::v1 as pb;
use devsphere_rpc::etag;

use super::Sites;
use crate::{
    record::{Record as _, emit_changed},
    site::{
        Site, store,
        wire::{self, Step},
    },
};

impl Sites {
    pub(super) async fn delete(
        &self,
        (permit, step): (Permit, Step),
    ) -> Result<pb::DeleteSiteResponse> {
        let (tx, site) = self.step(&permit, &step).await?;

        tx.commit(pb::DeleteSiteResponse { etag: etag::of(site.version) }).await
    }

    pub(super) async fn undelete(&self, (permit, step): (Permit, Step)) -> Result<pb::Site> {
        let (tx, site) = self.step(&permit, &step).await?;

        tx.commit(wire::shown(site, permit.caller())).await
    }

    async fn step(&self, permit: &Permit, step: &Step) -> Result<(TenantTx, Site)> {
        let mut tx = self.db.write(permit).await?;
        let before = store::fetch_for_update(&mut tx, step.site_id).await?;
        before.check(step.verb, &step.etag)?;
        let site = store::update_trash(&mut tx, &before).await?;
        emit_changed(&mut tx, step.verb, &before, &site)?;
        Ok((tx, site))
    }
}
