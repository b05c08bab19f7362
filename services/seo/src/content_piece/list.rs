//! What lists of pieces, and of a piece's versions, may be filtered and sorted by.

use devsphere_db::list::{Condition, Field, List};
use devsphere_error::Result;
use devsphere_ids::ContentPieceId;
use devsphere_rpc::{filter, order};

use super::{Kind, State, store, version};

const CONTENT_PIECE_ID: Field = Field::uuid("content_piece_id", "content_piece_id");
const CREATE_TIME: Field = Field::instant("create_time", "create_time").sortable();
const NUMBER: Field = Field::integer("number", "number").sortable();

static FIELDS: [Field; 14] = [
    CONTENT_PIECE_ID,
    Field::uuid("site_id", "site_id"),
    Field::text("title", "title").sortable(),
    Field::text("kind", "kind").one_of(&Kind::WORDS).sortable(),
    Field::text("state", "state").one_of(&State::WORDS).sortable(),
    Field::integer("version_number", "version_number").sortable(),
    Field::integer("score", "score").nullable().sortable(),
    Field::uuid("edited_by", "edited_by").nullable(),
    Field::uuid("submitted_by", "submitted_by").nullable(),
    Field::uuid("decided_by", "decided_by").nullable(),
    CREATE_TIME,
    Field::instant("update_time", "update_time").sortable(),
    Field::instant("state_time", "state_time").sortable(),
    Field::instant("delete_time", "delete_time").nullable().sortable(),
];

/// The pieces that match, newest first unless ordered otherwise.
pub(super) fn matching(text: &str, order_by: &str, show_deleted: bool) -> Result<List> {
    let list = List::new(store::SELECT, &CONTENT_PIECE_ID)
        .filter(filter::parse(text, &FIELDS)?)
        .order(order::parse(order_by, &FIELDS, &[CREATE_TIME.descending()])?);
    Ok(if show_deleted { list } else { list.only("delete_time is null") })
}

/// The versions of a piece, newest first.
pub(super) fn versions(id: ContentPieceId) -> List {
    List::new(version::store::SELECT, &NUMBER)
        .filter(Condition::is(&CONTENT_PIECE_ID, id.uuid()))
        .order(vec![NUMBER.descending()])
}
