//! Into the trash, and out of it.

use devsphere_auth::Permit;
use devsphere_error::Result;
use devsphere_ids::KeywordId;
use devsphere_proto::seo::v1 as pb;
use devsphere_rpc::etag;

use super::Keywords;
use crate::{
    keyword::{
        Draft, Keyword, store,
        wire::{self, Step},
    },
    record::{Record as _, Verb, emit_changed},
};

impl Keywords {
    pub(super) async fn delete(
        &self,
        (permit, step): (Permit, Step),
    ) -> Result<pb::DeleteKeywordResponse> {
        let mut tx = self.db.write(&permit).await?;
        let before = store::only(store::fetch_for_update(&mut tx, &[step.keyword_id]).await?)?;
        before.check(Verb::Delete, &step.etag)?;
        let keyword = store::only(store::update_delete(&mut tx, &ids([&before])).await?)?;
        emit_changed(&mut tx, Verb::Delete, &before, &keyword)?;

        tx.commit(pb::DeleteKeywordResponse { etag: etag::of(keyword.version) }).await
    }

    pub(super) async fn undelete(&self, (permit, step): (Permit, Step)) -> Result<pb::Keyword> {
        let mut tx = self.db.write(&permit).await?;
        let before = store::only(store::fetch_for_update(&mut tx, &[step.keyword_id]).await?)?;
        before.check(Verb::Undelete, &step.etag)?;
        let keyword = store::update_undelete(&mut tx, Draft::of(&before, &before)).await?;
        emit_changed(&mut tx, Verb::Undelete, &before, &keyword)?;

        tx.commit(wire::shown(keyword, permit.caller())).await
    }
}

pub(super) fn ids<'a>(keywords: impl IntoIterator<Item = &'a Keyword>) -> Vec<KeywordId> {
    keywords.into_iter().map(|keyword| keyword.keyword_id).collect()
}
