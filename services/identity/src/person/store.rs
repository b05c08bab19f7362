//! The caller's own rows.

use devsphere_db::TenantTx;
use devsphere_error::Result;
use devsphere_ids::{OrganizationId, PersonId, SessionId};

use crate::{
    grant::{Granted, granted_of},
    session::GuessKeys,
};

/// Everything `GetMe` tells, in one statement.
pub(super) struct Me {
    pub(super) granted: Granted,
    pub(super) organization: Option<serde_json::Value>,
    pub(super) member: Option<serde_json::Value>,
}

pub(super) async fn fetch_me(tx: &mut TenantTx) -> Result<Me> {
    let row = sqlx::query!(
        r#"select outcome as "outcome!", person_id as "person_id: PersonId", session_id as "session_id: SessionId",
                  email, display_name, platform_admin, create_time, org_id as "org_id: OrganizationId", epoch,
                  affiliations, organization, member
           from identity.own_grant(null), identity.own_place()"#,
    )
    .fetch_one(tx.conn())
    .await?;
    let granted = granted_of!(row);
    Ok(Me { granted: granted.checked()?, organization: row.organization, member: row.member })
}

pub(super) async fn fetch_password(tx: &mut TenantTx) -> Result<Option<String>> {
    Ok(sqlx::query_scalar!(
        "select password_hash from identity.credential where person_id = (select platform.person())"
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// Sets the password while the one compared with still stands, and ends every session but one;
/// answers those that ended, or none when another password stands by now.
pub(super) async fn update_password(
    tx: &mut TenantTx,
    (known, new): (&str, &str),
    but: Option<SessionId>,
    keys: &GuessKeys,
) -> Result<Option<Vec<SessionId>>> {
    let row = sqlx::query!(
        r#"with changed as (
               update identity.credential set password_hash = $2, update_time = transaction_timestamp()
               where person_id = (select platform.person()) and password_hash = $1
               returning person_id, identity.forget_guesses($4)
           ), ended as (
               update identity.session as s set end_time = transaction_timestamp(), end_reason = 'password'
               from changed
               where s.person_id = changed.person_id and s.end_time is null
                 and ($3::uuid is null or s.session_id <> $3)
               returning s.session_id
           )
           select exists (select from changed) as "changed!", array(select session_id from ended) as "ended!""#,
        known,
        new,
        but.map(SessionId::uuid),
        &keys.both(),
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(row.changed.then(|| row.ended.into_iter().map(SessionId::from).collect()))
}

pub(super) async fn claim_platform_admin(tx: &mut TenantTx, code_hash: &[u8]) -> Result<bool> {
    Ok(sqlx::query_scalar!(r#"select identity.claim_platform_admin($1) as "claimed!""#, code_hash)
        .fetch_one(tx.conn())
        .await?)
}
