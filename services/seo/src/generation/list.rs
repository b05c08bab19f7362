//! The tries at a piece.

use devsphere_db::list::{Condition, Field, List};
use devsphere_ids::ContentPieceId;

use super::store;

const GENERATION_ID: Field = Field::uuid("generation_id", "generation_id");
const CONTENT_PIECE_ID: Field = Field::uuid("content_piece_id", "content_piece_id");
const CREATE_TIME: Field = Field::instant("create_time", "create_time").sortable();

/// Those at that piece, the newest first.
pub(super) fn of_piece(id: ContentPieceId) -> List {
    List::new(store::SELECT, &GENERATION_ID)
        .filter(Condition::is(&CONTENT_PIECE_ID, id.uuid()))
        .order(vec![CREATE_TIME.descending()])
}
