//! One look at session, membership and organisation.

use devsphere_auth::Anonymous;
use devsphere_db::FunctionDb;
use devsphere_error::Result;
use devsphere_ids::{OrganizationId, PersonId, SessionId};

use super::Standings;

pub(super) async fn exchange(
    functions: &FunctionDb,
    proof: &Anonymous,
    (person, session): (PersonId, SessionId),
    org: Option<OrganizationId>,
    epoch: Option<i64>,
) -> Result<Standings> {
    let query = sqlx::query_as!(
        Standings,
        "select live, platform_admin, role, epoch, custom_permissions, state, time_zone, currency_code,
                locale, requests_per_minute
         from identity.exchange($1, $2, $3, $4)",
        person.uuid(),
        session.uuid(),
        org.map(OrganizationId::uuid),
        epoch,
    );
    functions.call(proof, query).await
}
