//! Site rows. Which of them there are is the transaction's business: no query here names an organisation.

use devsphere_db::TenantTx;
use devsphere_error::{Error, OnConstraint as _, Result};
use devsphere_ids::SiteId;

use super::{Draft, Site, taken};

/// An origin belongs to one site outside the trash.
const BASE_URL_KEY: &str = "site_base_url_key";

/// A statement that answers sites: its text before and after their columns, and its values.
macro_rules! sites {
    ($before:literal, columns, $after:literal $(, $value:expr)* $(,)?) => {
        sqlx::query_as!(
            Site,
            $before
                + r#"
                site_id as "site_id: _", display_name, base_url, client_name, language, country, voice,
                forbidden_claims, note, approval_gate as "approval_gate: _", create_time, update_time,
                delete_time, version
                "#
                + $after
            $(, $value)*
        )
    };
}

/// The same columns for lists, which find them by name.
pub(super) const SELECT: &str = "select
    site_id, display_name, base_url, client_name, language, country, voice,
    forbidden_claims, note, approval_gate, create_time, update_time,
    delete_time, version
    from seo.site";

/// The one site of a statement about one; none is another organisation's, or nobody's.
pub(super) fn only(sites: Vec<Site>) -> Result<Site> {
    sites.into_iter().next().ok_or(Error::NotFound("site"))
}

pub(super) async fn fetch(tx: &mut TenantTx, site_ids: &[SiteId]) -> Result<Vec<Site>> {
    Ok(sites!("select", columns, "from seo.site where site_id = any ($1)", site_ids as _)
        .fetch_all(tx.conn())
        .await?)
}

pub(super) async fn fetch_for_update(tx: &mut TenantTx, site_id: SiteId) -> Result<Site> {
    sites!("select", columns, "from seo.site where site_id = $1 for update", site_id as _)
        .fetch_optional(tx.conn())
        .await?
        .ok_or(Error::NotFound("site"))
}

/// Refuses an origin that another site has, and names that.
pub(super) async fn check_free(tx: &mut TenantTx, base_url: &str, for_site: SiteId) -> Result<()> {
    let holder = sqlx::query_scalar!(
        r#"select site_id as "site_id: SiteId" from seo.site
           where base_url = $1 and site_id <> $2 and delete_time is null"#,
        base_url,
        for_site as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    holder.map_or(Ok(()), |holder| Err(taken(holder)))
}

pub(super) async fn insert(tx: &mut TenantTx, Draft { site_id, content }: &Draft) -> Result<Site> {
    let inserted = sites!(
        "insert into seo.site (site_id, display_name, base_url, client_name, language, country, voice,
             forbidden_claims, note, approval_gate)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         on conflict do nothing
         returning",
        columns,
        "",
        *site_id as _,
        content.display_name,
        content.base_url,
        content.client_name,
        content.language,
        content.country,
        content.voice,
        &content.forbidden_claims,
        content.note,
        content.approval_gate.word(),
    )
    .fetch_optional(tx.conn())
    .await?;
    unless_taken(tx, inserted, &content.base_url, *site_id).await
}

/// Writes what an edit may change.
pub(super) async fn update(tx: &mut TenantTx, site: &Site) -> Result<Site> {
    let updated = sites!(
        "update seo.site
         set display_name = $2, base_url = $3, client_name = $4, language = $5, country = $6, voice = $7,
             forbidden_claims = $8, note = $9, approval_gate = $10,
             update_time = transaction_timestamp(), version = version + 1
         where site_id = $1 and not exists (
             select from seo.site as other
             where other.base_url = $3 and other.site_id <> $1 and other.delete_time is null)
         returning",
        columns,
        "",
        site.site_id as _,
        site.display_name,
        site.base_url,
        site.client_name,
        site.language,
        site.country,
        site.voice,
        &site.forbidden_claims,
        site.note,
        site.approval_gate.word(),
    )
    .fetch_optional(tx.conn())
    .await
    .on_constraint(BASE_URL_KEY, || Error::Serialization)?;
    unless_taken(tx, updated, &site.base_url, site.site_id).await
}

/// Into the trash, or out of it where it is there.
pub(super) async fn update_trash(tx: &mut TenantTx, site: &Site) -> Result<Site> {
    let updated = sites!(
        "update seo.site
         set delete_time = case when delete_time is null then transaction_timestamp() end,
             update_time = transaction_timestamp(), version = version + 1
         where site_id = $1 and (delete_time is null or not exists (
             select from seo.site as other
             where other.base_url = $2 and other.site_id <> $1 and other.delete_time is null))
         returning",
        columns,
        "",
        site.site_id as _,
        site.base_url,
    )
    .fetch_optional(tx.conn())
    .await
    .on_constraint(BASE_URL_KEY, || Error::Serialization)?;
    unless_taken(tx, updated, &site.base_url, site.site_id).await
}

/// What was written; else the name of the site that has the origin. Whoever has it no longer has let
/// the call go on: it is run again.
async fn unless_taken(
    tx: &mut TenantTx,
    written: Option<Site>,
    base_url: &str,
    site_id: SiteId,
) -> Result<Site> {
    match written {
        Some(site) => Ok(site),
        None => Err(check_free(tx, base_url, site_id).await.err().unwrap_or(Error::Serialization)),
    }
}
