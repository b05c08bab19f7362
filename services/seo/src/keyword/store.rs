//! Keyword rows. Which of them there are is the transaction's business: no query here names an organisation.

use devsphere_db::TenantTx;
use devsphere_error::{Error, OnConstraint as _, Result};
use devsphere_ids::KeywordId;

use super::{At, Draft, Keyword, Obstacle, SearchIntent, refuse};

/// A phrase belongs to one keyword of its site, country and device outside the trash.
const PHRASE_KEY: &str = "keyword_phrase_key";

/// A statement that answers keywords: its text before and after their columns, and its values.
macro_rules! keywords {
    ($before:literal, columns, $after:literal $(, $value:expr)* $(,)?) => {
        sqlx::query_as!(
            Keyword,
            $before
                + r#"
                keyword_id as "keyword_id: _", site_id as "site_id: _", phrase, country, device as "device: _",
                intent as "intent: _", target_url, monthly_volume, tags, note, create_time, update_time,
                delete_time, version
                "#
                + $after
            $(, $value)*
        )
    };
}

/// The same columns for lists, which find them by name.
pub(super) const SELECT: &str = "select
    keyword_id, site_id, phrase, country, device,
    intent, target_url, monthly_volume, tags, note, create_time, update_time,
    delete_time, version
    from seo.keyword";

/// The one keyword of a statement about one; none is another organisation's, or nobody's.
pub(super) fn only(keywords: Vec<Keyword>) -> Result<Keyword> {
    keywords.into_iter().next().ok_or(Error::NotFound("keyword"))
}

pub(super) async fn fetch(tx: &mut TenantTx, keyword_ids: &[KeywordId]) -> Result<Vec<Keyword>> {
    Ok(keywords!(
        "select",
        columns,
        "from seo.keyword where keyword_id = any ($1)",
        keyword_ids as _,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// In the order of their ids, so that two batches never wait for each other.
pub(super) async fn fetch_for_update(
    tx: &mut TenantTx,
    keyword_ids: &[KeywordId],
) -> Result<Vec<Keyword>> {
    Ok(keywords!(
        "select",
        columns,
        "from seo.keyword where keyword_id = any ($1) order by keyword_id for update",
        keyword_ids as _,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// What stands in each draft's way, in the order of their ids, which is their own; a trashed site
/// does where the draft is new to it.
pub(super) async fn fetch_obstacles(
    tx: &mut TenantTx,
    drafts: &[Draft],
    attaches: bool,
) -> Result<Vec<Obstacle>> {
    Ok(sqlx::query_as!(
        Obstacle,
        r#"with draft as (
               select keyword_id, site_id, lower(phrase) as phrase, country, device, origin
               from jsonb_to_recordset($1) as draft (
                   keyword_id uuid, site_id uuid, phrase text, country text, device text, origin text)
           )
           select site.site_id is null as "unknown_site!",
                  $2 and site.delete_time is not null as "trashed_site!",
                  coalesce(draft.origin <> site.base_url, false) as "astray!",
                  exists (
                      select from draft as twin
                      where twin.keyword_id <> draft.keyword_id and twin.site_id = draft.site_id
                        and twin.phrase = draft.phrase and twin.country = draft.country
                        and twin.device = draft.device
                  ) as "twin!",
                  (select holder.keyword_id from seo.keyword as holder
                   where holder.site_id = draft.site_id and lower(holder.phrase) = draft.phrase
                     and holder.country = draft.country and holder.device = draft.device
                     and holder.delete_time is null
                     and holder.keyword_id not in (select own.keyword_id from draft as own)
                  ) as "holder?: _"
           from draft left join seo.site on site.site_id = draft.site_id
           order by draft.keyword_id"#,
        json(drafts)?,
        attaches,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// All of them or none, in their order. Their sites stay out of the trash until it is done. As JSON,
/// because the tags of several keywords are no rectangle.
pub(super) async fn insert(tx: &mut TenantTx, drafts: &[Draft], at: At) -> Result<Vec<Keyword>> {
    let mut keywords = keywords!(
        "with draft as (
             select keyword_id, site_id, phrase, country, device, intent, target_url, origin, monthly_volume,
                 tags, note
             from jsonb_to_recordset($1) as draft (
                 keyword_id uuid, site_id uuid, phrase text, country text, device text, intent text,
                 target_url text, origin text, monthly_volume integer, tags text[], note text)
         ), parent as (
             select site_id, base_url, delete_time from seo.site
             where site_id in (select draft.site_id from draft) order by site_id for share
         )
         insert into seo.keyword (keyword_id, site_id, phrase, country, device, intent, target_url,
             monthly_volume, tags, note)
         select keyword_id, site_id, phrase, country, device, intent, target_url, monthly_volume, tags, note
         from draft join parent using (site_id)
         where parent.delete_time is null and coalesce(draft.origin = parent.base_url, true)
         on conflict do nothing
         returning",
        columns,
        "",
        json(drafts)?,
    )
    .fetch_all(tx.conn())
    .await?;
    if keywords.len() < drafts.len() {
        return Err(refusal(tx, drafts, true, at).await?);
    }
    // Fresh ids rise, so this is the order of the drafts.
    keywords.sort_by_key(|keyword| keyword.keyword_id);
    Ok(keywords)
}

/// Writes what an edit may change.
pub(super) async fn update(tx: &mut TenantTx, draft: Draft) -> Result<Keyword> {
    let content = &draft.content;
    let updated = keywords!(
        "update seo.keyword
         set phrase = $2, country = $3, device = $4, intent = $5, target_url = $6, monthly_volume = $7,
             tags = $8, note = $9, update_time = transaction_timestamp(), version = version + 1
         where keyword_id = $1
           and not exists (
               select from seo.keyword as other
               where other.site_id = keyword.site_id and lower(other.phrase) = lower($2)
                 and other.country = $3 and other.device = $4 and other.keyword_id <> $1
                 and other.delete_time is null)
           and ($10::text is null or exists (
               select from seo.site where site.site_id = keyword.site_id and site.base_url = $10))
         returning",
        columns,
        "",
        draft.keyword_id as _,
        content.phrase,
        content.country,
        content.device.word(),
        content.intent.map(SearchIntent::word),
        content.target_url,
        content.monthly_volume,
        &content.tags,
        content.note,
        draft.origin,
    )
    .fetch_optional(tx.conn())
    .await
    .on_constraint(PHRASE_KEY, || Error::Serialization)?;
    match updated {
        Some(keyword) => Ok(keyword),
        None => Err(refusal(tx, &[draft], false, At::Alone).await?),
    }
}

/// Into the trash.
pub(super) async fn update_delete(
    tx: &mut TenantTx,
    keyword_ids: &[KeywordId],
) -> Result<Vec<Keyword>> {
    Ok(keywords!(
        "update seo.keyword
         set delete_time = transaction_timestamp(), update_time = transaction_timestamp(),
             version = version + 1
         where keyword_id = any ($1)
         returning",
        columns,
        "",
        keyword_ids as _,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Out of the trash.
pub(super) async fn update_undelete(tx: &mut TenantTx, draft: Draft) -> Result<Keyword> {
    let updated = keywords!(
        "update seo.keyword
         set delete_time = null, update_time = transaction_timestamp(), version = version + 1
         where keyword_id = $1 and not exists (
             select from seo.keyword as other
             where other.site_id = keyword.site_id and lower(other.phrase) = lower(keyword.phrase)
               and other.country = keyword.country and other.device = keyword.device
               and other.keyword_id <> $1 and other.delete_time is null)
         returning",
        columns,
        "",
        draft.keyword_id as _,
    )
    .fetch_optional(tx.conn())
    .await
    .on_constraint(PHRASE_KEY, || Error::Serialization)?;
    match updated {
        Some(keyword) => Ok(keyword),
        None => Err(refusal(tx, &[draft], false, At::Alone).await?),
    }
}

/// Why drafts were not written. What no longer stands in their way has let the call go on: it is
/// run again.
async fn refusal(tx: &mut TenantTx, drafts: &[Draft], attaches: bool, at: At) -> Result<Error> {
    let obstacles = fetch_obstacles(tx, drafts, attaches).await?;
    Ok(refuse(&obstacles, at).err().unwrap_or(Error::Serialization))
}

fn json(drafts: &[Draft]) -> Result<serde_json::Value> {
    serde_json::to_value(drafts).map_err(Error::internal)
}
