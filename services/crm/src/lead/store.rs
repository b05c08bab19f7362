//! Lead rows. Which of them there are is the transaction's business: no query here names an organisation.

use devsphere_db::TenantTx;
use devsphere_error::{Error, Result};
use devsphere_ids::{LeadId, PersonId};

use super::{Draft, Lead, State};

/// A statement that answers leads: its text before and after their columns, and its values.
macro_rules! leads {
    ($before:literal, columns, $after:literal $(, $value:expr)* $(,)?) => {
        sqlx::query_as!(
            Lead,
            $before
                + r#"
                lead_id as "lead_id: _", display_name, company, job_title, email, phone, website, source,
                case when value_minor is not null then row (value_minor, value_currency) end as "value: _",
                tags, note, owner_id as "owner_id: _", assigned_by as "assigned_by: _", state as "state: _",
                reason, create_time, update_time, state_time, delete_time, version
                "#
                + $after
            $(, $value)*
        )
    };
}

/// The same columns for lists, which find them by name.
pub(super) const SELECT: &str = "select
    lead_id, display_name, company, job_title, email, phone, website, source,
    case when value_minor is not null then row (value_minor, value_currency) end as value,
    tags, note, owner_id, assigned_by, state,
    reason, create_time, update_time, state_time, delete_time, version
    from crm.lead";

/// The one lead of a statement about one; none is another organisation's, or nobody's.
pub(super) fn only(leads: Vec<Lead>) -> Result<Lead> {
    leads.into_iter().next().ok_or(Error::NotFound("lead"))
}

pub(super) async fn fetch(tx: &mut TenantTx, lead_ids: &[LeadId]) -> Result<Vec<Lead>> {
    Ok(leads!("select", columns, "from crm.lead where lead_id = any ($1)", lead_ids as _)
        .fetch_all(tx.conn())
        .await?)
}

/// In the order of their ids, so that two batches never wait for each other.
pub(super) async fn fetch_for_update(tx: &mut TenantTx, lead_ids: &[LeadId]) -> Result<Vec<Lead>> {
    Ok(leads!(
        "select",
        columns,
        "from crm.lead where lead_id = any ($1) order by lead_id for update",
        lead_ids as _,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// As JSON, because the tags of several leads are no rectangle.
pub(super) async fn insert(tx: &mut TenantTx, drafts: &[Draft]) -> Result<Vec<Lead>> {
    let drafts = serde_json::to_value(drafts).map_err(Error::internal)?;
    let mut leads = leads!(
        "insert into crm.lead (lead_id, display_name, company, job_title, email, phone, website, source,
             value_minor, value_currency, tags, note, owner_id, assigned_by)
         select lead_id, display_name, company, job_title, email, phone, website, source,
             (value ->> 'minor_units')::bigint, value ->> 'currency_code', tags, note, owner_id, assigned_by
         from jsonb_to_recordset($1) as draft (
             lead_id uuid, display_name text, company text, job_title text, email text, phone text, website text,
             source text, value jsonb, tags text[], note text, owner_id uuid, assigned_by uuid)
         returning",
        columns,
        "",
        drafts,
    )
    .fetch_all(tx.conn())
    .await?;
    // Fresh ids rise, so this is the order of the drafts.
    leads.sort_by_key(|lead| lead.lead_id);
    Ok(leads)
}

/// Writes what an edit may change.
pub(super) async fn update(tx: &mut TenantTx, lead: &Lead) -> Result<Lead> {
    Ok(leads!(
        "update crm.lead
         set display_name = $2, company = $3, job_title = $4, email = $5, phone = $6, website = $7, source = $8,
             value_minor = $9, value_currency = $10, tags = $11, note = $12,
             update_time = transaction_timestamp(), version = version + 1
         where lead_id = $1
         returning",
        columns,
        "",
        lead.lead_id as _,
        lead.display_name,
        lead.company,
        lead.job_title,
        lead.email,
        lead.phone,
        lead.website,
        lead.source,
        lead.value.map(|value| value.minor_units),
        lead.value.map(|value| value.currency_code()),
        &lead.tags,
        lead.note,
    )
    .fetch_one(tx.conn())
    .await?)
}

pub(super) async fn update_state(
    tx: &mut TenantTx,
    lead_id: LeadId,
    state: State,
    reason: &str,
) -> Result<Lead> {
    Ok(leads!(
        "update crm.lead
         set state = $2, reason = $3, state_time = transaction_timestamp(),
             update_time = transaction_timestamp(), version = version + 1
         where lead_id = $1
         returning",
        columns,
        "",
        lead_id as _,
        state.word(),
        reason,
    )
    .fetch_one(tx.conn())
    .await?)
}

pub(super) async fn update_owner(
    tx: &mut TenantTx,
    lead_ids: &[LeadId],
    owner_id: Option<PersonId>,
    assigned_by: PersonId,
) -> Result<Vec<Lead>> {
    Ok(leads!(
        "update crm.lead
         set owner_id = $2, assigned_by = $3,
             update_time = transaction_timestamp(), version = version + 1
         where lead_id = any ($1)
         returning",
        columns,
        "",
        lead_ids as _,
        owner_id as _,
        assigned_by as _,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Into the trash, or out of it.
pub(super) async fn update_trash(
    tx: &mut TenantTx,
    lead_ids: &[LeadId],
    trashed: bool,
) -> Result<Vec<Lead>> {
    Ok(leads!(
        "update crm.lead
         set delete_time = case when $2 then transaction_timestamp() end,
             update_time = transaction_timestamp(), version = version + 1
         where lead_id = any ($1)
         returning",
        columns,
        "",
        lead_ids as _,
        trashed,
    )
    .fetch_all(tx.conn())
    .await?)
}
