//! The one row of a provider. Whose it is, is the transaction's business: no query here names an organisation.

use devsphere_db::TenantTx;
use devsphere_error::{Error, Result};

use super::AiProvider;

/// A statement that answers a provider: its text before and after the columns, and its values.
macro_rules! providers {
    ($before:literal, columns, $after:literal $(, $value:expr)* $(,)?) => {
        sqlx::query_as!(
            AiProvider,
            $before
                + r#"
                kind as "kind: _", base_url, model, api_key, api_key_hint, currency_code, input_micros,
                output_micros, cache_read_micros, cache_write_micros, monthly_token_budget,
                monthly_cost_budget_micros, update_time as "update_time?", version
                "#
                + $after
            $(, $value)*
        )
    };
}

/// The organisation's own, or the defaults.
pub(super) async fn fetch(tx: &mut TenantTx) -> Result<AiProvider> {
    let found = providers!("select", columns, "from administration.ai_provider");
    Ok(found.fetch_optional(tx.conn()).await?.unwrap_or_default())
}

/// The same, locked where there is a row.
pub(super) async fn fetch_for_update(tx: &mut TenantTx) -> Result<AiProvider> {
    let found = providers!("select", columns, "from administration.ai_provider for update");
    Ok(found.fetch_optional(tx.conn()).await?.unwrap_or_default())
}

/// Writes all of it over the version that was read. What nobody wrote before has no row to lock, so
/// of two first writers the second runs again.
pub(super) async fn write(tx: &mut TenantTx, provider: &AiProvider) -> Result<AiProvider> {
    let written = providers!(
        "insert into administration.ai_provider as kept (
             kind, base_url, model, api_key, api_key_hint, currency_code, input_micros, output_micros,
             cache_read_micros, cache_write_micros, monthly_token_budget, monthly_cost_budget_micros)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
         on conflict (org_id) do update
         set kind = excluded.kind, base_url = excluded.base_url, model = excluded.model,
             api_key = excluded.api_key, api_key_hint = excluded.api_key_hint,
             currency_code = excluded.currency_code, input_micros = excluded.input_micros,
             output_micros = excluded.output_micros, cache_read_micros = excluded.cache_read_micros,
             cache_write_micros = excluded.cache_write_micros,
             monthly_token_budget = excluded.monthly_token_budget,
             monthly_cost_budget_micros = excluded.monthly_cost_budget_micros,
             update_time = transaction_timestamp(), version = kept.version + 1
         where kept.version = $13
         returning",
        columns,
        "",
        provider.kind as _,
        provider.base_url,
        provider.model,
        provider.api_key.as_deref(),
        provider.api_key_hint,
        provider.currency_code,
        provider.input_micros,
        provider.output_micros,
        provider.cache_read_micros,
        provider.cache_write_micros,
        provider.monthly_token_budget,
        provider.monthly_cost_budget_micros,
        provider.version,
    );
    written.fetch_optional(tx.conn()).await?.ok_or(Error::Serialization)
}
