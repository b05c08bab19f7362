//! Rows of generations. Which of them there are is the transaction's business: no query here names an
//! organisation. Only a try that has not ended is written, and whoever writes finds out.

use devsphere_db::{Clock, FunctionDb, TenantTx};
use devsphere_error::{Error, Result};
use devsphere_ids::GenerationId;

use super::{Draft, Generation, Outline};

/// A statement that answers generations: its text before and after their columns, and its values.
macro_rules! generations {
    ($before:literal, columns, $after:literal $(, $value:expr)* $(,)?) => {
        sqlx::query_as!(
            Generation,
            $before
                + r#"
                generation_id as "generation_id: _", content_piece_id as "content_piece_id: _",
                state as "state: _", asked_by as "asked_by: _", outline as "outline: _", failure,
                failure_message, version_number, model, tokens, cost_micros, currency_code, create_time,
                start_time, end_time, version
                "#
                + $after
            $(, $value)*
        )
    };
}

/// The same columns for lists, which find them by name and leave the outline out.
pub(super) const SELECT: &str = "select
    generation_id, content_piece_id, state, asked_by, null::jsonb as outline, failure, failure_message,
    version_number, model, tokens, cost_micros, currency_code, create_time, start_time, end_time, version
    from seo.generation";

pub(super) async fn fetch(tx: &mut TenantTx, id: GenerationId) -> Result<Option<Generation>> {
    let found =
        generations!("select", columns, "from seo.generation where generation_id = $1", id as _);
    Ok(found.fetch_optional(tx.conn()).await?)
}

/// Held from the beginning.
pub(super) async fn insert(tx: &mut TenantTx, draft: &Draft) -> Result<Generation> {
    let inserted = generations!(
        "insert into seo.generation (generation_id, content_piece_id, asked_by, outline, lease_time)
         values ($1, $2, $3, $4, transaction_timestamp() + interval '1 minute')
         returning",
        columns,
        "",
        draft.generation_id as _,
        draft.content_piece_id as _,
        draft.asked_by as _,
        &draft.outline as _,
    );
    Ok(inserted.fetch_one(tx.conn()).await?)
}

/// Holds it for another while; false once it has ended.
pub(super) async fn hold(tx: &mut TenantTx, id: GenerationId) -> Result<bool> {
    let held = sqlx::query!(
        "update seo.generation set lease_time = transaction_timestamp() + interval '1 minute'
         where generation_id = $1 and state in ('queued', 'running')",
        id as _,
    );
    Ok(held.execute(tx.conn()).await?.rows_affected() == 1)
}

/// Writes that its turn has come, or what it is about; none once it has ended.
pub(super) async fn update(
    tx: &mut TenantTx,
    generation: &Generation,
) -> Result<Option<Generation>> {
    let updated = generations!(
        "update seo.generation
         set state = $2, outline = $3, start_time = coalesce(start_time, transaction_timestamp()),
             version = version + 1
         where generation_id = $1 and state in ('queued', 'running')
         returning",
        columns,
        "",
        generation.generation_id as _,
        generation.state.word(),
        outline(generation)? as _,
    );
    Ok(updated.fetch_optional(tx.conn()).await?)
}

/// Writes how it ends; none once it has ended.
pub(super) async fn finish(
    tx: &mut TenantTx,
    generation: &Generation,
) -> Result<Option<Generation>> {
    let updated = generations!(
        "update seo.generation
         set state = $2, failure = $3, failure_message = $4, version_number = $5, model = $6, tokens = $7,
             cost_micros = $8, currency_code = $9, end_time = transaction_timestamp(), version = version + 1
         where generation_id = $1 and state in ('queued', 'running')
         returning",
        columns,
        "",
        generation.generation_id as _,
        generation.state.word(),
        generation.failure,
        generation.failure_message,
        generation.version_number,
        generation.model,
        generation.tokens,
        generation.cost_micros,
        generation.currency_code,
    );
    Ok(updated.fetch_optional(tx.conn()).await?)
}

/// Ends what nobody holds any more; how many.
pub(super) async fn release(functions: &FunctionDb, clock: &Clock) -> Result<i32> {
    let query = sqlx::query!(r#"select seo.release_generations() as "released!""#);
    functions.call(clock, query).await.map(|found| found.released)
}

/// The outline as its column takes it; a try that was read whole has one.
fn outline(generation: &Generation) -> Result<Outline> {
    generation.outline.clone().ok_or_else(|| Error::internal("a try without its outline"))
}
