//! Create, get, list, update, and several at once.

use devsphere_auth::Permit;
use devsphere_error::Result;
use devsphere_proto::seo::v1 as pb;
use devsphere_rpc::{
    batch::sort_out,
    id,
    page::{self, Query},
};

use super::Sites;
use crate::{
    record::{Verb, emit_changed, emit_created},
    site::{
        Site, list, store,
        wire::{self, Create, Update},
    },
};

impl Sites {
    pub(super) async fn create(
        &self,
        (permit, Create { draft, validate_only }): (Permit, Create),
    ) -> Result<pb::Site> {
        if validate_only {
            let mut tx = self.db.read(&permit).await?;
            store::check_free(&mut tx, &draft.content.base_url, draft.site_id).await?;
            return Ok(draft.into());
        }

        let mut tx = self.db.write(&permit).await?;
        let site = store::insert(&mut tx, &draft).await?;
        emit_created(&mut tx, &site)?;

        tx.commit(wire::shown(site, permit.caller())).await
    }

    pub(super) async fn get(
        &self,
        (permit, request): (Permit, pb::GetSiteRequest),
    ) -> Result<pb::Site> {
        let site_id = request.site_id.parse().map_err(id::bad("site_id"))?;

        let mut tx = self.db.read(&permit).await?;
        let site = store::only(store::fetch(&mut tx, &[site_id]).await?)?;

        Ok(wire::shown(site, permit.caller()))
    }

    pub(super) async fn batch_get(
        &self,
        (permit, request): (Permit, pb::BatchGetSitesRequest),
    ) -> Result<pb::BatchGetSitesResponse> {
        let site_ids = id::all(&request.site_ids).map_err(id::bad("site_ids"))?;

        let mut tx = self.db.read(&permit).await?;
        let found = store::fetch(&mut tx, &site_ids).await?;
        let found = found.into_iter().map(|site| (site.site_id, site)).collect();
        let (sites, errors) =
            sort_out(("site", &site_ids), found, request.allow_partial, |_| Ok(()))?;

        Ok(pb::BatchGetSitesResponse { sites: wire::all_shown(sites, permit.caller()), errors })
    }

    pub(super) async fn list(
        &self,
        (permit, request): (Permit, pb::ListSitesRequest),
    ) -> Result<pb::ListSitesResponse> {
        let pb::ListSitesRequest { filter, order_by, show_deleted, .. } = request;
        let query = Query::new("ListSites", &filter, &order_by, show_deleted, &[]);
        let list = list::matching(&filter, &order_by, show_deleted)?
            .page(page::size(request.page_size)?, query.key(&request.page_token)?);

        let mut tx = self.db.read(&permit).await?;
        let total = if request.include_total { Some(list.count(tx.conn()).await?) } else { None };
        let page = list.fetch::<Site>(tx.conn()).await?;

        Ok(pb::ListSitesResponse {
            sites: wire::all_shown(page.rows, permit.caller()),
            next_page_token: query.token(page.next.as_ref())?,
            total_size: total.map(|total| total.count),
            total_at_least: total.is_some_and(|total| !total.exact),
        })
    }

    pub(super) async fn update(
        &self,
        (permit, Update { edit, validate_only }): (Permit, Update),
    ) -> Result<pb::Site> {
        if validate_only {
            let mut tx = self.db.read(&permit).await?;
            let site = store::only(store::fetch(&mut tx, &[edit.site_id]).await?)?;
            let site = edit.apply(&site)?;
            store::check_free(&mut tx, &site.base_url, site.site_id).await?;
            return Ok(wire::shown(site, permit.caller()));
        }

        let mut tx = self.db.write(&permit).await?;
        let before = store::fetch_for_update(&mut tx, edit.site_id).await?;
        let mut site = edit.apply(&before)?;
        if site != before {
            site = store::update(&mut tx, &site).await?;
            emit_changed(&mut tx, Verb::Update, &before, &site)?;
        }

        tx.commit(wire::shown(site, permit.caller())).await
    }
}
