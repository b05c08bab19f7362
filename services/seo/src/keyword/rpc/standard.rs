//! Create, get, list, update.

use devsphere_auth::Permit;
use devsphere_error::Result;
use devsphere_proto::seo::v1 as pb;
use devsphere_rpc::{
    id,
    page::{self, Query},
};

use super::Keywords;
use crate::{
    keyword::{
        At, Draft, Keyword, list, refuse, store,
        wire::{self, Create, Update},
    },
    record::{Verb, emit_changed, emit_created},
};

impl Keywords {
    pub(super) async fn create(
        &self,
        (permit, Create { draft, validate_only }): (Permit, Create),
    ) -> Result<pb::Keyword> {
        let drafts = [draft];
        if validate_only {
            let mut tx = self.db.read(&permit).await?;
            refuse(&store::fetch_obstacles(&mut tx, &drafts, true).await?, At::Alone)?;
            let [draft] = drafts;
            return Ok(draft.into());
        }

        let mut tx = self.db.write(&permit).await?;
        let keyword = store::only(store::insert(&mut tx, &drafts, At::Alone).await?)?;
        emit_created(&mut tx, &keyword)?;

        tx.commit(wire::shown(keyword, permit.caller())).await
    }

    pub(super) async fn get(
        &self,
        (permit, request): (Permit, pb::GetKeywordRequest),
    ) -> Result<pb::Keyword> {
        let keyword_id = request.keyword_id.parse().map_err(id::bad("keyword_id"))?;

        let mut tx = self.db.read(&permit).await?;
        let keyword = store::only(store::fetch(&mut tx, &[keyword_id]).await?)?;

        Ok(wire::shown(keyword, permit.caller()))
    }

    pub(super) async fn list(
        &self,
        (permit, request): (Permit, pb::ListKeywordsRequest),
    ) -> Result<pb::ListKeywordsResponse> {
        let pb::ListKeywordsRequest { filter, order_by, show_deleted, .. } = request;
        let query = Query::new("ListKeywords", &filter, &order_by, show_deleted, &[]);
        let list = list::matching(&filter, &order_by, show_deleted)?
            .page(page::size(request.page_size)?, query.key(&request.page_token)?);

        let mut tx = self.db.read(&permit).await?;
        let total = if request.include_total { Some(list.count(tx.conn()).await?) } else { None };
        let page = list.fetch::<Keyword>(tx.conn()).await?;

        Ok(pb::ListKeywordsResponse {
            keywords: wire::all_shown(page.rows, permit.caller()),
            next_page_token: query.token(page.next.as_ref())?,
            total_size: total.map(|total| total.count),
            total_at_least: total.is_some_and(|total| !total.exact),
        })
    }

    pub(super) async fn update(
        &self,
        (permit, Update { edit, validate_only }): (Permit, Update),
    ) -> Result<pb::Keyword> {
        if validate_only {
            let mut tx = self.db.read(&permit).await?;
            let before = store::only(store::fetch(&mut tx, &[edit.keyword_id]).await?)?;
            let keyword = edit.apply(&before)?;
            let draft = Draft::of(&keyword, &before);
            refuse(&store::fetch_obstacles(&mut tx, &[draft], false).await?, At::Alone)?;
            return Ok(wire::shown(keyword, permit.caller()));
        }

        let mut tx = self.db.write(&permit).await?;
        let before = store::only(store::fetch_for_update(&mut tx, &[edit.keyword_id]).await?)?;
        let mut keyword = edit.apply(&before)?;
        if keyword != before {
            keyword = store::update(&mut tx, Draft::of(&keyword, &before)).await?;
            emit_changed(&mut tx, Verb::Update, &before, &keyword)?;
        }

        tx.commit(wire::shown(keyword, permit.caller())).await
    }
}
