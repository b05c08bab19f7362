//! The text of a piece: each write is a version.

use devsphere_auth::Permit;
use devsphere_db::Approval;
use devsphere_error::Result;
use devsphere_ids::PersonId;
use devsphere_proto::{seo::v1 as pb, r#type::v1::Content};
use devsphere_rpc::{
    id,
    page::{self, Query},
};

use super::{ContentPieces, emit_step};
use crate::content_piece::{
    checks, list, store,
    verb::State,
    version::{self, Origin, Version, Written},
    wire::{Restore, Step, Text},
};

impl ContentPieces {
    pub(super) async fn write(
        &self,
        (permit, Text { step, content }): (Permit, Text),
    ) -> Result<pb::ContentVersion> {
        self.add(&permit, step, Source::Written(Box::new(content))).await
    }

    pub(super) async fn restore(
        &self,
        (permit, Restore { step, number }): (Permit, Restore),
    ) -> Result<pb::ContentVersion> {
        self.add(&permit, step, Source::Older(number)).await
    }

    /// Adds a version as the newest. An approval was of another one, and is taken back.
    async fn add(&self, permit: &Permit, step: Step, source: Source) -> Result<pb::ContentVersion> {
        let id = step.content_piece_id;
        let author_id = PersonId::from(permit.caller().id());

        let mut tx = self.db.write(permit).await?;
        let before = store::fetch_for_update(&mut tx, id).await?;
        before.after(step.verb, &step.etag)?;
        let (content, origin, note) = match source {
            Source::Written(content) => (*content, Origin::Person, step.note),
            Source::Older(number) => {
                let older = version::store::fetch(&mut tx, id, number).await?;
                let content = older.content.map(|content| content.0.0).unwrap_or_default();
                (content, Origin::Restored, format!("Version {number} once more."))
            }
        };
        let measure = version::store::fetch_surroundings(&mut tx, &before).await?.measure(&before);
        let checks = checks::check(&content, &measure, Vec::new());
        let written = Written { content, checks, origin, author_id, note };
        let piece = store::write(&mut tx, id, &written).await?;
        let taken_back = (before.state == State::Approved).then_some(Approval::Supersede);
        emit_step(&mut tx, step.verb, (&before, &piece), taken_back)?;

        tx.commit(Version::of(&piece, written).into()).await
    }

    pub(super) async fn get_version(
        &self,
        (permit, request): (Permit, pb::GetContentVersionRequest),
    ) -> Result<pb::ContentVersion> {
        let id = request.content_piece_id.parse().map_err(id::bad("content_piece_id"))?;

        let mut tx = self.db.read(&permit).await?;
        Ok(version::store::fetch(&mut tx, id, request.number).await?.into())
    }

    pub(super) async fn list_versions(
        &self,
        (permit, request): (Permit, pb::ListContentVersionsRequest),
    ) -> Result<pb::ListContentVersionsResponse> {
        let id = request.content_piece_id.parse().map_err(id::bad("content_piece_id"))?;
        let query = Query::new("ListContentVersions", &request.content_piece_id, "", false, &[]);
        let list = list::versions(id)
            .page(page::size(request.page_size)?, query.key(&request.page_token)?);

        let mut tx = self.db.read(&permit).await?;
        let page = list.fetch::<Version>(tx.conn()).await?;
        if page.rows.is_empty() {
            // A piece without a text has no versions, a piece that is not there is told so.
            store::fetch(&mut tx, id).await?;
        }

        Ok(pb::ListContentVersionsResponse {
            content_versions: page.rows.into_iter().map(Into::into).collect(),
            next_page_token: query.token(page.next.as_ref())?,
        })
    }
}

/// Where the text of a new version comes from.
enum Source {
    Written(Box<Content>),
    Older(i32),
}
