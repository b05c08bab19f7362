//! Approvals. Whose they are is the transaction's business: no query here names an organisation.

use devsphere_db::TenantTx;
use devsphere_error::{Error, Result};
use devsphere_ids::ApprovalId;

use super::Approval;

/// The columns for lists, which find them by name.
pub(super) const SELECT: &str = "select
    approval_id, noun, record_id, record_version, title, permission, asked_by, barred, required,
    state, decided_by, note, create_time, decide_time
    from platform.approval";

pub(super) async fn fetch(tx: &mut TenantTx, id: ApprovalId) -> Result<Approval> {
    let found = sqlx::query_as!(
        Approval,
        r#"select approval_id as "approval_id: _", noun, record_id, record_version, title, permission,
               asked_by as "asked_by: _", barred as "barred: _", required, state as "state: _",
               decided_by as "decided_by: _", note, create_time, decide_time
           from platform.approval where approval_id = $1"#,
        id as _,
    );
    found.fetch_optional(tx.conn()).await?.ok_or(Error::NotFound("approval"))
}
