//! One look at what was revoked of late.

use devsphere_auth::Anonymous;
use devsphere_boot::WINDOW;
use devsphere_db::FunctionDb;
use devsphere_error::Result;

use super::Row;

pub(super) async fn recent(functions: &FunctionDb, proof: &Anonymous) -> Result<Vec<Row>> {
    let query = sqlx::query_as!(
        Row,
        r#"select revocation_id as "revocation_id!", session_id, person_id, organization_id, epoch
           from identity.revocations(make_interval(secs => $1))"#,
        WINDOW.as_secs_f64(),
    );
    functions.call_all(proof, query).await
}
