//! The row of the caller's organisation; the wall shows no other.

use devsphere_db::TenantTx;
use devsphere_error::{Error, Result};
use devsphere_ids::OrganizationId;

use super::Organization;

pub(super) async fn fetch(tx: &mut TenantTx) -> Result<Organization> {
    sqlx::query_as!(
        Organization,
        r#"select org_id as "organization_id: OrganizationId", display_name, time_zone, currency_code, locale,
                  state, demo, requests_per_minute, create_time, update_time, version
           from identity.organization"#,
    )
    .fetch_optional(tx.conn())
    .await?
    .ok_or(Error::NotFound("organisation"))
}

pub(super) async fn fetch_for_update(tx: &mut TenantTx) -> Result<Organization> {
    sqlx::query_as!(
        Organization,
        r#"select org_id as "organization_id: OrganizationId", display_name, time_zone, currency_code, locale,
                  state, demo, requests_per_minute, create_time, update_time, version
           from identity.organization for no key update"#,
    )
    .fetch_optional(tx.conn())
    .await?
    .ok_or(Error::NotFound("organisation"))
}

pub(super) async fn update(tx: &mut TenantTx, changed: &Organization) -> Result<Organization> {
    Ok(sqlx::query_as!(
        Organization,
        r#"update identity.organization
           set display_name = $1, time_zone = $2, currency_code = $3, locale = $4,
               update_time = transaction_timestamp(), version = version + 1
           returning org_id as "organization_id: OrganizationId", display_name, time_zone, currency_code, locale,
                     state, demo, requests_per_minute, create_time, update_time, version"#,
        changed.display_name,
        changed.time_zone,
        changed.currency_code,
        changed.locale,
    )
    .fetch_one(tx.conn())
    .await?)
}

/// Sets the rate of any organisation; answers the one before and the new version, or none where
/// there is no such organisation.
pub(super) async fn update_limits(
    tx: &mut TenantTx,
    organization: OrganizationId,
    requests_per_minute: i32,
) -> Result<Option<(i32, i64)>> {
    let row = sqlx::query!(
        r#"select requests_per_minute_before as "before!", version as "version!"
           from identity.set_organization_limits($1, $2)"#,
        organization.uuid(),
        requests_per_minute,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| (row.before, row.version)))
}
