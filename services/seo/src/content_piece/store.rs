//! Rows of pieces. Which of them there are is the transaction's business: no query here
//! names an organisation.

use devsphere_db::TenantTx;
use devsphere_error::{Check, Error, Result};
use devsphere_ids::{ContentPieceId, KeywordId, SiteId};
use devsphere_proto::AsJson;
use sqlx::types::Json;

use super::{ContentPiece, Draft, State, version::Written};

/// A statement that answers pieces: its text before and after their columns, and its values.
macro_rules! pieces {
    ($before:literal, columns, $after:literal $(, $value:expr)* $(,)?) => {
        sqlx::query_as!(
            ContentPiece,
            $before
                + r#"
                p.content_piece_id as "content_piece_id: _", p.site_id as "site_id: _", p.title, p.kind as "kind: _",
                p.keyword_ids as "keyword_ids: _", p.brief as "brief: _", p.state as "state: _", p.version_number,
                p.score, p.edited_by as "edited_by: _", p.submitted_by as "submitted_by: _",
                p.decided_by as "decided_by: _", p.decision_note, p.generation_failure, p.create_time,
                p.update_time, p.state_time, p.delete_time, p.version
                "#
                + $after
            $(, $value)*
        )
    };
}

/// The same columns for lists, which find them by name and leave the brief out.
pub(super) const SELECT: &str = "select
    content_piece_id, site_id, title, kind, keyword_ids, null::jsonb as brief, state, version_number,
    score, edited_by, submitted_by, decided_by, decision_note, generation_failure, create_time,
    update_time, state_time, delete_time, version
    from seo.content_piece";

/// The one piece of a statement about one; none is another organisation's, or nobody's.
fn only(piece: Option<ContentPiece>) -> Result<ContentPiece> {
    piece.ok_or(Error::NotFound("content piece"))
}

pub(super) async fn fetch(tx: &mut TenantTx, id: ContentPieceId) -> Result<ContentPiece> {
    let found = pieces!(
        "select",
        columns,
        "from seo.content_piece as p where p.content_piece_id = $1",
        id as _
    );
    only(found.fetch_optional(tx.conn()).await?)
}

pub(super) async fn fetch_all(
    tx: &mut TenantTx,
    ids: &[ContentPieceId],
) -> Result<Vec<ContentPiece>> {
    let found = pieces!(
        "select",
        columns,
        "from seo.content_piece as p where p.content_piece_id = any ($1)",
        ids as _,
    );
    Ok(found.fetch_all(tx.conn()).await?)
}

pub(super) async fn fetch_for_update(
    tx: &mut TenantTx,
    id: ContentPieceId,
) -> Result<ContentPiece> {
    let found = pieces!(
        "select",
        columns,
        "from seo.content_piece as p where p.content_piece_id = $1 for update",
        id as _,
    );
    only(found.fetch_optional(tx.conn()).await?)
}

/// On a site that is there, with keywords of it.
pub(super) async fn insert(tx: &mut TenantTx, draft: &Draft) -> Result<ContentPiece> {
    let plan = &draft.plan;
    let inserted = pieces!(
        "with site as (
             select site_id from seo.site where site_id = $2 and delete_time is null for share
         ), known as (
             select count(*) as many from seo.keyword
             where keyword_id = any ($5) and site_id = $2 and delete_time is null
         )
         insert into seo.content_piece as p (content_piece_id, site_id, title, kind, keyword_ids, brief)
         select $1, site_id, $3, $4, $5, $6 from site, known where many = cardinality($5::uuid[])
         returning",
        columns,
        "",
        draft.content_piece_id as _,
        draft.site_id as _,
        plan.title,
        plan.kind.word(),
        &plan.keyword_ids as _,
        json(&plan.brief)? as _,
    );
    match inserted.fetch_optional(tx.conn()).await? {
        Some(piece) => Ok(piece),
        None => Err(refusal(check(tx, draft.site_id, &plan.keyword_ids).await)),
    }
}

/// Refuses a piece on a site that is not there, or with keywords that are not the site's.
pub(super) async fn check(
    tx: &mut TenantTx,
    site_id: SiteId,
    keyword_ids: &[KeywordId],
) -> Result<()> {
    let found = sqlx::query!(
        r#"select (select delete_time is not null from seo.site where site_id = $1) as is_trashed,
                  array(select (place - 1)::int from unnest($2::uuid[]) with ordinality as asked (id, place)
                        where not exists (
                            select from seo.keyword
                            where keyword_id = id and site_id = $1 and delete_time is null)) as "unknown!""#,
        site_id as _,
        keyword_ids as _,
    )
    .fetch_one(tx.conn())
    .await?;
    let mut check = Check::default();
    match found.is_trashed {
        None => check.note("content_piece.site_id", "is none of the sites"),
        Some(true) => {
            return Err(Error::InvalidState {
                cause: "trashed",
                message: "the site is in the trash",
            });
        }
        Some(false) => {
            for place in found.unknown {
                let field = format!("content_piece.keyword_ids[{place}]");
                check.note(field, "is no keyword of the site");
            }
        }
    }
    check.done()
}

/// Writes what an edit may change.
pub(super) async fn update(tx: &mut TenantTx, piece: &ContentPiece) -> Result<ContentPiece> {
    let updated = pieces!(
        "update seo.content_piece as p
         set title = $2, kind = $3, keyword_ids = $4, brief = $5,
             update_time = transaction_timestamp(), version = p.version + 1
         where p.content_piece_id = $1 and cardinality($4::uuid[]) = (
             select count(*) from seo.keyword as k
             where k.keyword_id = any ($4) and k.site_id = p.site_id
               and (k.delete_time is null or k.keyword_id = any (p.keyword_ids)))
         returning",
        columns,
        "",
        piece.content_piece_id as _,
        piece.title,
        piece.kind.word(),
        &piece.keyword_ids as _,
        json(&piece.brief)? as _,
    );
    match updated.fetch_optional(tx.conn()).await? {
        Some(piece) => Ok(piece),
        None => Err(refusal(check(tx, piece.site_id, &piece.keyword_ids).await)),
    }
}

/// Writes where a piece stands now, and who had to do with it.
pub(super) async fn update_state(
    tx: &mut TenantTx,
    piece: &ContentPiece,
    state: State,
) -> Result<ContentPiece> {
    let updated = pieces!(
        "update seo.content_piece as p
         set state = $2, submitted_by = $3, decided_by = $4, decision_note = $5, generation_failure = $6,
             state_time = transaction_timestamp(), update_time = transaction_timestamp(), version = p.version + 1
         where p.content_piece_id = $1
         returning",
        columns,
        "",
        piece.content_piece_id as _,
        state.word(),
        piece.submitted_by as _,
        piece.decided_by as _,
        piece.decision_note,
        piece.generation_failure,
    );
    Ok(updated.fetch_one(tx.conn()).await?)
}

/// Adds a version, the newest from now on: the piece is a draft.
pub(super) async fn write(
    tx: &mut TenantTx,
    id: ContentPieceId,
    written: &Written,
) -> Result<ContentPiece> {
    let updated = pieces!(
        "with piece as (
             update seo.content_piece as p
             set state = 'draft', version_number = p.version_number + 1, score = $4, edited_by = $6,
                 state_time = case p.state when 'draft' then p.state_time else transaction_timestamp() end,
                 update_time = transaction_timestamp(), version = p.version + 1
             where p.content_piece_id = $1
             returning p.*
         ), version as (
             insert into seo.content_version (content_piece_id, number, content, checks, score, origin, author_id, note)
             select $1, version_number, $2, $3, $4, $5, $6, $7 from piece
         )
         select",
        columns,
        "from piece as p",
        id as _,
        Json(AsJson(written.content.clone())) as _,
        Json(AsJson(written.checks.clone())) as _,
        written.checks.score,
        written.origin.word(),
        written.author_id as _,
        written.note,
    );
    only(updated.fetch_optional(tx.conn()).await?)
}

/// Into the trash, or out of it.
pub(super) async fn update_trash(
    tx: &mut TenantTx,
    id: ContentPieceId,
    trashed: bool,
) -> Result<ContentPiece> {
    let updated = pieces!(
        "update seo.content_piece as p
         set delete_time = case when $2 then transaction_timestamp() end,
             update_time = transaction_timestamp(), version = p.version + 1
         where p.content_piece_id = $1
         returning",
        columns,
        "",
        id as _,
        trashed,
    );
    Ok(updated.fetch_one(tx.conn()).await?)
}

/// A brief as its column takes it; a piece that was read whole has one.
fn json<T: Clone>(brief: &Option<Json<T>>) -> Result<Json<T>> {
    brief.clone().ok_or_else(|| Error::internal("a piece without its brief"))
}

/// Why nothing was written; what was mended meanwhile is tried again.
fn refusal(checked: Result<()>) -> Error {
    checked.err().unwrap_or(Error::Serialization)
}
