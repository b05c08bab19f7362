//! Several keywords in one transaction: all, or with `allow_partial` those that can be.

use std::collections::HashMap;

use devsphere_auth::Permit;
use devsphere_error::{Error, Result};
use devsphere_ids::KeywordId;
use devsphere_proto::seo::v1 as pb;
use devsphere_rpc::{batch::sort_out, id};

use super::{Keywords, trash::ids};
use crate::{
    keyword::{
        At, Keyword, store,
        wire::{self, CreateAll},
    },
    record::{Record as _, Verb, emit_changed, emit_created},
};

impl Keywords {
    pub(super) async fn batch_get(
        &self,
        (permit, request): (Permit, pb::BatchGetKeywordsRequest),
    ) -> Result<pb::BatchGetKeywordsResponse> {
        let keyword_ids = id::all(&request.keyword_ids).map_err(id::bad("keyword_ids"))?;

        let mut tx = self.db.read(&permit).await?;
        let found = by_id(store::fetch(&mut tx, &keyword_ids).await?);
        let asked = ("keyword", keyword_ids.as_slice());
        let (keywords, errors) = sort_out(asked, found, request.allow_partial, |_| Ok(()))?;

        let keywords = wire::all_shown(keywords, permit.caller());
        Ok(pb::BatchGetKeywordsResponse { keywords, errors })
    }

    pub(super) async fn batch_create(
        &self,
        (permit, CreateAll(drafts)): (Permit, CreateAll),
    ) -> Result<pb::BatchCreateKeywordsResponse> {
        let mut tx = self.db.write(&permit).await?;
        let keywords = store::insert(&mut tx, &drafts, At::Batch).await?;
        for keyword in &keywords {
            emit_created(&mut tx, keyword)?;
        }

        let keywords = wire::all_shown(keywords, permit.caller());
        tx.commit(pb::BatchCreateKeywordsResponse { keywords }).await
    }

    pub(super) async fn batch_delete(
        &self,
        (permit, request): (Permit, pb::BatchDeleteKeywordsRequest),
    ) -> Result<pb::BatchDeleteKeywordsResponse> {
        let keyword_ids = id::all(&request.keyword_ids).map_err(id::bad("keyword_ids"))?;

        let mut tx = self.db.write(&permit).await?;
        let found = by_id(store::fetch_for_update(&mut tx, &keyword_ids).await?);
        let asked = ("keyword", keyword_ids.as_slice());
        let can = |keyword: &Keyword| keyword.check(Verb::Delete, "");
        let (before, errors) = sort_out(asked, found, request.allow_partial, can)?;
        let mut after = by_id(store::update_delete(&mut tx, &ids(&before)).await?);
        for before in &before {
            let missing = || Error::internal("a keyword that is locked went away");
            let after = after.remove(&before.keyword_id).ok_or_else(missing)?;
            emit_changed(&mut tx, Verb::Delete, before, &after)?;
        }

        let keyword_ids = before.iter().map(|keyword| keyword.keyword_id.to_string()).collect();
        tx.commit(pb::BatchDeleteKeywordsResponse { keyword_ids, errors }).await
    }
}

fn by_id(keywords: Vec<Keyword>) -> HashMap<KeywordId, Keyword> {
    keywords.into_iter().map(|keyword| (keyword.keyword_id, keyword)).collect()
}
