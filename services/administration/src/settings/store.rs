//! The one row of settings. Whose it is, is the transaction's business: no query here names an organisation.

use devsphere_db::TenantTx;
use devsphere_error::{Error, Result};

use super::Settings;

/// A statement that answers settings: its text before and after their columns, and its values.
macro_rules! settings {
    ($before:literal, columns, $after:literal $(, $value:expr)* $(,)?) => {
        sqlx::query_as!(
            Settings,
            $before
                + r#"
                fiscal_year_start_month, logo_url, accent_color, sender_name, support_email, portal_title,
                update_time as "update_time?", version
                "#
                + $after
            $(, $value)*
        )
    };
}

/// The organisation's own, or the defaults.
pub(super) async fn fetch(tx: &mut TenantTx) -> Result<Settings> {
    let found = settings!("select", columns, "from administration.settings");
    Ok(found.fetch_optional(tx.conn()).await?.unwrap_or_default())
}

/// The same, locked where there is a row.
pub(super) async fn fetch_for_update(tx: &mut TenantTx) -> Result<Settings> {
    let found = settings!("select", columns, "from administration.settings for update");
    Ok(found.fetch_optional(tx.conn()).await?.unwrap_or_default())
}

/// Writes all of it over the version that was read. What nobody wrote before has no row to lock, so
/// of two first writers the second runs again.
pub(super) async fn write(tx: &mut TenantTx, settings: &Settings) -> Result<Settings> {
    let written = settings!(
        "insert into administration.settings as kept (
             fiscal_year_start_month, logo_url, accent_color, sender_name, support_email, portal_title)
         values ($1, $2, $3, $4, $5, $6)
         on conflict (org_id) do update
         set fiscal_year_start_month = excluded.fiscal_year_start_month, logo_url = excluded.logo_url,
             accent_color = excluded.accent_color, sender_name = excluded.sender_name,
             support_email = excluded.support_email, portal_title = excluded.portal_title,
             update_time = transaction_timestamp(), version = kept.version + 1
         where kept.version = $7
         returning",
        columns,
        "",
        settings.fiscal_year_start_month,
        settings.logo_url,
        settings.accent_color,
        settings.sender_name,
        settings.support_email,
        settings.portal_title,
        settings.version,
    );
    written.fetch_optional(tx.conn()).await?.ok_or(Error::Serialization)
}
