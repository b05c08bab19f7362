//! Rows of the ledger. Whose they are is the transaction's business: no query here names an organisation.

use chrono::{DateTime, Utc};
use devsphere_db::TenantTx;
use devsphere_error::Result;

use super::{Bill, Budgets, Outcome, Reservation, Usage, spent};

/// A statement that answers a question's row: its text before and after the columns, and its values.
macro_rules! usages {
    ($before:literal, columns, $after:literal $(, $value:expr)* $(,)?) => {
        sqlx::query_as!(
            Usage,
            $before
                + r#"
                u.usage_id as "usage_id: _", u.generation_id, u.agent_key, u.step as "step: _", u.person_id,
                u.provider_host, u.model, u.state as "state: _", u.failure, u.attempts, u.input_tokens,
                u.output_tokens, u.cache_read_tokens, u.cache_write_tokens, u.estimated, u.cost_micros,
                u.currency_code, u.create_time, u.end_time
                "#
                + $after
            $(, $value)*
        )
    };
}

/// The same columns for lists, which find them by name.
pub(super) const SELECT: &str = "select
    usage_id, generation_id, agent_key, step, person_id, provider_host, model,
    case when state = 'running' and expire_time < transaction_timestamp() then 'lost' else state end as state,
    failure, attempts, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, estimated,
    cost_micros, currency_code, create_time, end_time
    from agent.usage";

/// What a month has cost.
pub(super) struct Month {
    pub(super) start: DateTime<Utc>,
    pub(super) end: DateTime<Utc>,
    pub(super) tokens: i64,
    pub(super) cost_micros: i64,
}

/// Adds what the question may cost to its month, and notes it; refused where a budget does not hold it.
pub(crate) async fn insert(
    tx: &mut TenantTx,
    reservation: &Reservation,
    budgets: Budgets,
    zone: &str,
) -> Result<Usage> {
    let person = tx.permit().caller().id();
    let Bill { input_tokens, output_tokens, cost_micros, .. } = reservation.bill;
    let inserted = usages!(
        "with this as (
             select date_trunc('month', transaction_timestamp() at time zone $1)::date as month
         ), held as (
             insert into agent.month as m (month, currency_code, tokens, cost_micros)
             select month, $2, $3::bigint + $4::bigint, $5 from this
             where ($6::bigint = 0 or $3::bigint + $4::bigint + (
                       select coalesce(sum(o.tokens), 0) from agent.month as o where o.month = this.month) <= $6)
               and ($7::bigint = 0 or $5 <= $7)
             on conflict (org_id, month, currency_code) do update
             set tokens = m.tokens + excluded.tokens, cost_micros = m.cost_micros + excluded.cost_micros
             where ($6::bigint = 0 or m.tokens + excluded.tokens <= $6)
               and ($7::bigint = 0 or m.cost_micros + excluded.cost_micros <= $7)
             returning m.month
         ), u as (
             insert into agent.usage (usage_id, generation_id, agent_key, step, person_id, provider_host, model,
                                      input_tokens, output_tokens, cost_micros, currency_code, month, expire_time)
             select $8, $9, $10, $11, $12, $13, $14, $3, $4, $5, $2, month,
                    transaction_timestamp() + make_interval(secs => $15)
             from held
             returning *
         )
         select",
        columns,
        "from u",
        zone,
        reservation.currency_code,
        input_tokens,
        output_tokens,
        cost_micros,
        budgets.tokens,
        budgets.cost_micros,
        reservation.usage_id as _,
        reservation.generation_id,
        reservation.agent_key,
        reservation.step.word(),
        person,
        reservation.provider_host,
        reservation.model,
        reservation.expire_seconds,
    );
    inserted.fetch_optional(tx.conn()).await?.ok_or_else(spent)
}

/// Writes how a question ended, in place of what it might have cost; none where that was written before.
pub(crate) async fn settle(
    tx: &mut TenantTx,
    reservation: &Reservation,
    outcome: &Outcome,
) -> Result<Option<Usage>> {
    let bill = outcome.bill;
    let settled = usages!(
        "with held as (
             select usage_id, month, currency_code, cost_micros,
                    input_tokens + output_tokens + cache_read_tokens + cache_write_tokens as tokens
             from agent.usage where usage_id = $1 and state = 'running' for update
         ), month as (
             update agent.month as m
             set tokens = m.tokens - h.tokens + $12::bigint, cost_micros = m.cost_micros - h.cost_micros + $11
             from held as h where m.month = h.month and m.currency_code = h.currency_code
         ), u as (
             update agent.usage as u
             set state = $2, failure = $3, attempts = $4, model = coalesce($5, u.model), input_tokens = $6,
                 output_tokens = $7, cache_read_tokens = $8, cache_write_tokens = $9, estimated = $10,
                 cost_micros = $11, end_time = transaction_timestamp()
             from held as h where u.usage_id = h.usage_id
             returning u.*
         )
         select",
        columns,
        "from u",
        reservation.usage_id as _,
        outcome.state.word(),
        outcome.failure,
        outcome.attempts,
        outcome.model.as_deref(),
        bill.input_tokens,
        bill.output_tokens,
        bill.cache_read_tokens,
        bill.cache_write_tokens,
        bill.estimated,
        bill.cost_micros,
        bill.tokens(),
    );
    Ok(settled.fetch_optional(tx.conn()).await?)
}

/// The month that it is now in that zone, and what it has cost in that currency.
pub(super) async fn fetch_month(
    tx: &mut TenantTx,
    zone: &str,
    currency_code: &str,
) -> Result<Month> {
    let found = sqlx::query_as!(
        Month,
        r#"with this as (
               select date_trunc('month', transaction_timestamp() at time zone $1) as month
           )
           select this.month at time zone $1 as "start!",
                  (this.month + interval '1 month') at time zone $1 as "end!",
                  coalesce(sum(m.tokens), 0)::bigint as "tokens!",
                  coalesce(sum(m.cost_micros) filter (where m.currency_code = $2), 0)::bigint as "cost_micros!"
           from this left join agent.month as m on m.month = this.month::date
           group by this.month"#,
        zone,
        currency_code,
    );
    Ok(found.fetch_one(tx.conn()).await?)
}
