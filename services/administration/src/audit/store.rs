//! Audit records. Whose they are, is the transaction's business: no query here names an organisation.

use devsphere_db::TenantTx;
use devsphere_error::{Error, Result};
use devsphere_ids::AuditRecordId;

use super::AuditRecord;

/// The columns for lists, which find them by name.
pub(super) const SELECT: &str = "select
    audit_id, action, noun, record_id, principal_kind, principal_id, session_id, method, trace_id,
    host(client_address) as client_address, before, after, create_time
    from platform.audit";

pub(super) async fn fetch(tx: &mut TenantTx, id: AuditRecordId) -> Result<AuditRecord> {
    let found = sqlx::query_as!(
        AuditRecord,
        r#"select audit_id as "audit_id: _", action, noun, record_id, principal_kind, principal_id, session_id,
               method, trace_id, host(client_address) as client_address, before, after, create_time
           from platform.audit where audit_id = $1"#,
        id as _,
    );
    found.fetch_optional(tx.conn()).await?.ok_or(Error::NotFound("audit record"))
}
