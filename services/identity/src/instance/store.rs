//! The one row of the installation, and invitations to found an organisation.

use chrono::{DateTime, Utc};
use devsphere_auth::Anonymous;
use devsphere_db::{FunctionDb, TenantTx};
use devsphere_error::Result;

use super::{INVITATION_LIFETIME, Instance};

pub(super) async fn fetch(functions: &FunctionDb, proof: &Anonymous) -> Result<Instance> {
    let query = sqlx::query_as!(Instance, "select sign_up, version from identity.sign_up_mode()");
    functions.call(proof, query).await
}

pub(super) async fn fetch_for_update(tx: &mut TenantTx) -> Result<(String, i64)> {
    let row = sqlx::query!("select sign_up, version from identity.instance for update")
        .fetch_one(tx.conn())
        .await?;
    Ok((row.sign_up, row.version))
}

pub(super) async fn fetch_in(tx: &mut TenantTx) -> Result<(String, i64)> {
    let row =
        sqlx::query!("select sign_up, version from identity.instance").fetch_one(tx.conn()).await?;
    Ok((row.sign_up, row.version))
}

pub(super) async fn update(tx: &mut TenantTx, sign_up: &str) -> Result<Instance> {
    Ok(sqlx::query_as!(
        Instance,
        r#"update identity.instance set sign_up = $1, sign_up_chosen = true, version = version + 1
           returning sign_up as "sign_up?", version as "version?""#,
        sign_up,
    )
    .fetch_one(tx.conn())
    .await?)
}

pub(super) async fn insert_invitation(
    tx: &mut TenantTx,
    token_hash: &[u8],
) -> Result<DateTime<Utc>> {
    Ok(sqlx::query_scalar!(
        "insert into identity.sign_up_invitation (token_hash, expire_time)
         values ($1, transaction_timestamp() + make_interval(secs => $2)) returning expire_time",
        token_hash,
        INVITATION_LIFETIME.as_secs_f64(),
    )
    .fetch_one(tx.conn())
    .await?)
}
