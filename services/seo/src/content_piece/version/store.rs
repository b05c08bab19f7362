//! Rows of versions, and what surrounds a text. Which of them there are is the transaction's business: no query
//! here names an organisation.

use devsphere_db::TenantTx;
use devsphere_error::{Error, Result};
use devsphere_ids::ContentPieceId;
use sqlx::types::Json;

use super::{Surroundings, Version};
use crate::content_piece::ContentPiece;

/// Versions for lists, which leave the text out.
pub(in crate::content_piece) const SELECT: &str = "select
    content_piece_id, number, null::jsonb as content, null::jsonb as checks, score, origin, author_id, note, create_time
    from seo.content_version";

/// What the site and the keywords of a piece say of its text.
pub(in crate::content_piece) async fn fetch_surroundings(
    tx: &mut TenantTx,
    piece: &ContentPiece,
) -> Result<Surroundings> {
    let found = sqlx::query_scalar!(
        r#"select jsonb_build_object(
               'display_name', s.display_name, 'voice', s.voice, 'language', s.language, 'base_url', s.base_url, 'forbidden_claims', s.forbidden_claims,
               'is_ungated', s.approval_gate = 'none',
               'keywords', (
                   select coalesce(jsonb_agg(jsonb_build_array(k.keyword_id, k.phrase)
                                             order by array_position($2, k.keyword_id)), '[]')
                   from seo.keyword as k where k.keyword_id = any ($2)),
               'pages', (
                   select coalesce(jsonb_agg(jsonb_build_array(o.title, s.base_url || '/' || o.slug)), '[]')
                   from (select p.title, v.content ->> 'slug' as slug
                         from seo.content_piece as p
                         join seo.content_version as v
                           on v.content_piece_id = p.content_piece_id and v.number = p.version_number
                         where p.site_id = s.site_id and p.state = 'approved' and p.delete_time is null
                           and p.content_piece_id <> $3 and v.content ? 'slug'
                         order by p.create_time desc limit 50) as o)
           ) as "surroundings!: Json<Surroundings>"
           from seo.site as s where s.site_id = $1"#,
        piece.site_id as _,
        &piece.keyword_ids as _,
        piece.content_piece_id as _,
    );
    Ok(found.fetch_one(tx.conn()).await?.0)
}

/// A version of a piece; number 0 is the newest.
pub(in crate::content_piece) async fn fetch(
    tx: &mut TenantTx,
    id: ContentPieceId,
    number: i32,
) -> Result<Version> {
    let found = sqlx::query_as!(
        Version,
        r#"select content_piece_id as "content_piece_id: _", number, content as "content: _", checks as "checks: _",
                  score, origin as "origin: _", author_id as "author_id: _", note, create_time
           from seo.content_version
           where content_piece_id = $1 and (number = $2 or $2 = 0)
           order by number desc limit 1"#,
        id as _,
        number,
    );
    found.fetch_optional(tx.conn()).await?.ok_or(Error::NotFound("content version"))
}
