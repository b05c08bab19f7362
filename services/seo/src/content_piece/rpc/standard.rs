//! Create, get, list, update.

use std::collections::HashMap;

use devsphere_auth::Permit;
use devsphere_error::Result;
use devsphere_proto::seo::v1 as pb;
use devsphere_rpc::{
    batch::sort_out,
    id,
    page::{self, Query},
};

use super::{ContentPieces, emit, emit_step};
use crate::content_piece::{
    ContentPiece, Verb, list, store,
    wire::{self, Create, Update},
};

impl ContentPieces {
    pub(super) async fn create(
        &self,
        (permit, Create { draft, validate_only }): (Permit, Create),
    ) -> Result<pb::ContentPiece> {
        if validate_only {
            let mut tx = self.db.read(&permit).await?;
            store::check(&mut tx, draft.site_id, &draft.plan.keyword_ids).await?;
            return Ok(draft.into());
        }

        let mut tx = self.db.write(&permit).await?;
        let piece = store::insert(&mut tx, &draft).await?;
        emit(&mut tx, "content_piece.created", None, &piece, None)?;

        tx.commit(wire::shown(piece, permit.caller())).await
    }

    pub(super) async fn get(
        &self,
        (permit, request): (Permit, pb::GetContentPieceRequest),
    ) -> Result<pb::ContentPiece> {
        let id = request.content_piece_id.parse().map_err(id::bad("content_piece_id"))?;

        let mut tx = self.db.read(&permit).await?;
        let piece = store::fetch(&mut tx, id).await?;

        Ok(wire::shown(piece, permit.caller()))
    }

    pub(super) async fn list(
        &self,
        (permit, request): (Permit, pb::ListContentPiecesRequest),
    ) -> Result<pb::ListContentPiecesResponse> {
        let pb::ListContentPiecesRequest { filter, order_by, show_deleted, .. } = request;
        let query = Query::new("ListContentPieces", &filter, &order_by, show_deleted, &[]);
        let list = list::matching(&filter, &order_by, show_deleted)?
            .page(page::size(request.page_size)?, query.key(&request.page_token)?);

        let mut tx = self.db.read(&permit).await?;
        let total = if request.include_total { Some(list.count(tx.conn()).await?) } else { None };
        let page = list.fetch::<ContentPiece>(tx.conn()).await?;

        Ok(pb::ListContentPiecesResponse {
            content_pieces: wire::all_shown(page.rows, permit.caller()),
            next_page_token: query.token(page.next.as_ref())?,
            total_size: total.map(|total| total.count),
            total_at_least: total.is_some_and(|total| !total.exact),
        })
    }

    pub(super) async fn batch_get(
        &self,
        (permit, request): (Permit, pb::BatchGetContentPiecesRequest),
    ) -> Result<pb::BatchGetContentPiecesResponse> {
        let ids = id::all(&request.content_piece_ids).map_err(id::bad("content_piece_ids"))?;

        let mut tx = self.db.read(&permit).await?;
        let found = store::fetch_all(&mut tx, &ids).await?;
        let found: HashMap<_, _> =
            found.into_iter().map(|piece| (piece.content_piece_id, piece)).collect();
        let noun = ("content piece", ids.as_slice());
        let (pieces, errors) = sort_out(noun, found, request.allow_partial, |_| Ok(()))?;

        let content_pieces = wire::all_shown(pieces, permit.caller());
        Ok(pb::BatchGetContentPiecesResponse { content_pieces, errors })
    }

    pub(super) async fn update(
        &self,
        (permit, Update { edit, validate_only }): (Permit, Update),
    ) -> Result<pb::ContentPiece> {
        if validate_only {
            let mut tx = self.db.read(&permit).await?;
            let before = store::fetch(&mut tx, edit.content_piece_id).await?;
            let piece = edit.apply(&before)?;
            if piece.keyword_ids != before.keyword_ids {
                store::check(&mut tx, piece.site_id, &piece.keyword_ids).await?;
            }
            return Ok(wire::shown(piece, permit.caller()));
        }

        let mut tx = self.db.write(&permit).await?;
        let before = store::fetch_for_update(&mut tx, edit.content_piece_id).await?;
        let mut piece = edit.apply(&before)?;
        if piece != before {
            piece = store::update(&mut tx, &piece).await?;
            emit_step(&mut tx, Verb::Update, (&before, &piece), None)?;
        }

        tx.commit(wire::shown(piece, permit.caller())).await
    }
}
