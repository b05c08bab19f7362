//! Sessions: the functions that come before a caller, and a person's own rows.

use chrono::{DateTime, Utc};
use devsphere_auth::Anonymous;
use devsphere_db::{FunctionDb, Proof, TenantTx};
use devsphere_error::Result;
use devsphere_ids::{MemberId, OrganizationId, PersonId, SessionId};

use super::{GuessKeys, SignUp};
use crate::grant::{Granted, IDLE, LONGEST, granted_of};

/// A place where a person is signed in.
pub(super) struct Session {
    pub(super) session_id: SessionId,
    pub(super) user_agent: String,
    pub(super) client_address: Option<String>,
    pub(super) create_time: DateTime<Utc>,
    pub(super) last_use_time: DateTime<Utc>,
    pub(super) expire_time: DateTime<Utc>,
}

/// What a guess is compared with, once it is counted.
pub(crate) struct Guess {
    pub(crate) wait_seconds: i32,
    pub(super) person_id: Option<PersonId>,
    pub(super) password_hash: Option<String>,
}

/// What an activation token is for.
pub(super) struct Activation {
    pub(super) email: Option<String>,
    pub(super) password_hash: Option<String>,
}

/// A statement that answers a grant: the function that it asks, and its values.
macro_rules! granted {
    ($from:literal $(, $value:expr)* $(,)?) => {
        sqlx::query_as!(
            Granted,
            r#"
            select outcome as "outcome!", person_id as "person_id: _", session_id as "session_id: _",
                   email, display_name, platform_admin, create_time, org_id as "org_id: _", epoch, affiliations
            "#
                + $from
            $(, $value)*
        )
    };
}

pub(super) async fn sign_up(
    functions: &FunctionDb,
    proof: &Anonymous,
    draft: &SignUp,
    password_hash: &str,
    refresh_hash: &[u8],
) -> Result<Granted> {
    let facts = proof.facts();
    let query = granted!(
        r#"from identity.sign_up($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13,
                                 make_interval(secs => $14), make_interval(secs => $15), $16, $17::text::inet, $18)"#,
        PersonId::fresh().uuid(),
        draft.email,
        draft.display_name,
        password_hash,
        OrganizationId::fresh().uuid(),
        draft.organization,
        draft.time_zone,
        draft.currency,
        draft.locale,
        MemberId::fresh().uuid(),
        draft.invitation,
        SessionId::fresh().uuid(),
        refresh_hash,
        IDLE.as_secs_f64(),
        LONGEST.as_secs_f64(),
        &*facts.user_agent,
        facts.address.map(|address| address.to_string()),
        facts.trace,
    );
    functions.call(proof, query).await?.checked()
}

pub(crate) async fn begin_guess(
    functions: &FunctionDb,
    proof: &impl Proof,
    keys: &GuessKeys,
    email: &str,
) -> Result<Guess> {
    let query = sqlx::query_as!(
        Guess,
        r#"select wait_seconds as "wait_seconds!", person_id as "person_id: PersonId", password_hash
           from identity.begin_guess($1, $2, $3)"#,
        keys.network,
        keys.account,
        email,
    );
    functions.call(proof, query).await
}

/// Everything but the person that a new session needs.
pub(super) struct Opening<'a> {
    pub(super) keys: &'a GuessKeys,
    pub(super) wanted: Option<OrganizationId>,
    pub(super) refresh_hash: Vec<u8>,
}

pub(super) async fn sign_in(
    functions: &FunctionDb,
    proof: &Anonymous,
    person: PersonId,
    opening: Opening<'_>,
) -> Result<Granted> {
    let facts = proof.facts();
    let query = granted!(
        r#"from identity.sign_in($1, $2, $3, null, $4, $5,
                                 make_interval(secs => $6), make_interval(secs => $7), $8, $9::text::inet, $10)"#,
        person.uuid(),
        &opening.keys.both(),
        opening.wanted.map(OrganizationId::uuid),
        SessionId::fresh().uuid(),
        opening.refresh_hash,
        IDLE.as_secs_f64(),
        LONGEST.as_secs_f64(),
        &*facts.user_agent,
        facts.address.map(|address| address.to_string()),
        facts.trace,
    );
    functions.call(proof, query).await?.checked()
}

/// Answers which of the successors it is, too.
pub(super) async fn refresh(
    functions: &FunctionDb,
    proof: &Anonymous,
    (old_hash, new_hashes): (Vec<u8>, Vec<Vec<u8>>),
    wanted: Option<OrganizationId>,
) -> Result<(Granted, usize)> {
    let facts = proof.facts();
    let query = sqlx::query!(
        r#"select (r.granted).outcome as "outcome!", (r.granted).person_id as "person_id: PersonId",
                  (r.granted).session_id as "session_id: SessionId", (r.granted).email,
                  (r.granted).display_name, (r.granted).platform_admin, (r.granted).create_time,
                  (r.granted).org_id as "org_id: OrganizationId", (r.granted).epoch,
                  (r.granted).affiliations, r.successor
           from identity.refresh($1, $2, $3, make_interval(secs => $4), $5, $6::text::inet, $7) as r"#,
        old_hash,
        &new_hashes,
        wanted.map(OrganizationId::uuid),
        IDLE.as_secs_f64(),
        &*facts.user_agent,
        facts.address.map(|address| address.to_string()),
        facts.trace,
    );
    let row = functions.call(proof, query).await?;
    let granted = granted_of!(row);
    // Counted from one.
    let place = row.successor.and_then(|place| usize::try_from(place - 1).ok());
    Ok((granted.checked()?, place.unwrap_or_default().min(new_hashes.len() - 1)))
}

pub(super) async fn find_activation(
    functions: &FunctionDb,
    proof: &Anonymous,
    token_hash: &[u8],
) -> Result<Activation> {
    let query = sqlx::query_as!(
        Activation,
        "select email, password_hash from identity.find_activation($1)",
        token_hash,
    );
    functions.call(proof, query).await
}

pub(super) async fn activate(
    functions: &FunctionDb,
    proof: &Anonymous,
    token_hash: &[u8],
    new_password_hash: Option<String>,
    (display_name, keys): (&str, &GuessKeys),
) -> Result<Option<OrganizationId>> {
    let facts = proof.facts();
    let query = sqlx::query!(
        r#"select identity.activate($1, $2, $3, $4, $5::text::inet, $6) as "org_id: OrganizationId""#,
        token_hash,
        new_password_hash,
        display_name,
        &keys.both(),
        facts.address.map(|address| address.to_string()),
        facts.trace,
    );
    Ok(functions.call(proof, query).await?.org_id)
}

/// The caller's grant in another of their organisations.
pub(super) async fn fetch_grant(tx: &mut TenantTx, wanted: OrganizationId) -> Result<Granted> {
    let granted =
        granted!(r#"from identity.own_grant($1)"#, wanted.uuid(),).fetch_one(tx.conn()).await?;
    granted.checked()
}

/// The caller's live sessions, the latest used first.
pub(super) async fn list(tx: &mut TenantTx) -> Result<Vec<Session>> {
    Ok(sqlx::query_as!(
        Session,
        r#"select session_id as "session_id: SessionId", user_agent, host(client_address) as client_address,
                  create_time, last_use_time, expire_time
           from identity.session
           where person_id = (select platform.person())
             and end_time is null and expire_time > transaction_timestamp()
           order by last_use_time desc, session_id limit 200"#,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Ends the caller's live sessions among those given, or all of them; answers which.
pub(super) async fn end(
    tx: &mut TenantTx,
    only: Option<SessionId>,
    but: Option<SessionId>,
    reason: &str,
) -> Result<Vec<SessionId>> {
    Ok(sqlx::query_scalar!(
        r#"update identity.session set end_time = transaction_timestamp(), end_reason = $3
           where person_id = (select platform.person()) and end_time is null
             and ($1::uuid is null or session_id = $1) and ($2::uuid is null or session_id <> $2)
           returning session_id as "session_id: SessionId""#,
        only.map(SessionId::uuid),
        but.map(SessionId::uuid),
        reason,
    )
    .fetch_all(tx.conn())
    .await?)
}
