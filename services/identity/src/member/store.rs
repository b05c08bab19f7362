//! Memberships of the caller's organisation.

use devsphere_db::{
    TenantTx,
    list::{Condition, Field, List, Order},
};
use devsphere_error::{Error, Result};
use devsphere_ids::{MemberId, PersonId};

use super::{ACTIVATION_LIFETIME, Draft, Member};

/// What a filter and an order may name.
pub(super) static FIELDS: [Field; 8] = [
    Field::uuid("member_id", "member_id"),
    Field::uuid("person_id", "person_id"),
    Field::text("email", "email").sortable(),
    Field::text("display_name", "display_name").sortable(),
    Field::text("role", "role").sortable().one_of(&[
        "ceo", "admin", "manager", "sales", "seo", "finance", "hr", "support", "operator",
        "viewer", "client",
    ]),
    Field::text("state", "state").sortable().one_of(&["active", "deactivated", "removed"]),
    Field::instant("create_time", "create_time").sortable(),
    Field::instant("activate_time", "activate_time").nullable(),
];

/// By name, when nothing else is asked.
pub(super) fn default_order() -> [Order; 1] {
    [FIELDS[3].ascending()]
}

/// Members by filter and order.
pub(super) fn list(filter: Option<Condition>, order: Vec<Order>) -> List {
    let select = "select member_id, person_id, email, display_name, role, state, activate_time, \
                  create_time, update_time, version from identity.member";
    List::new(select, &FIELDS[0]).filter(filter).order(order)
}

/// Removed members show only when the filter names the state.
pub(super) fn not_removed() -> Condition {
    Condition::is(&FIELDS[5], "removed".to_owned()).negated()
}

pub(super) async fn fetch(tx: &mut TenantTx, member: MemberId) -> Result<Member> {
    sqlx::query_as!(
        Member,
        r#"select member_id as "member_id: MemberId", person_id as "person_id: PersonId", email, display_name,
                  role, state, activate_time, create_time, update_time, version
           from identity.member where member_id = $1"#,
        member.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?
    .ok_or(Error::NotFound("member"))
}

/// The member, and how many other active ceos there are. Locks them all, in one order, so that two
/// ceos cannot both leave last.
pub(super) async fn fetch_for_update(
    tx: &mut TenantTx,
    member: MemberId,
) -> Result<(Member, usize)> {
    let mut found: Vec<Member> = sqlx::query_as!(
        Member,
        r#"select member_id as "member_id: MemberId", person_id as "person_id: PersonId", email, display_name,
                  role, state, activate_time, create_time, update_time, version
           from identity.member
           where member_id = $1 or role = 'ceo' and state = 'active' and activate_time is not null
           order by member_id for update"#,
        member.uuid(),
    )
    .fetch_all(tx.conn())
    .await?;
    let place =
        found.iter().position(|one| one.member_id == member).ok_or(Error::NotFound("member"))?;
    let member = found.swap_remove(place);
    Ok((member, found.len()))
}

/// Sets role and state, and ends what stood on the old ones by raising the epoch.
pub(super) async fn update(tx: &mut TenantTx, changed: &Member) -> Result<Member> {
    Ok(sqlx::query_as!(
        Member,
        r#"update identity.member
           set role = $2, state = $3, epoch = epoch + 1, update_time = transaction_timestamp(), version = version + 1
           where member_id = $1
           returning member_id as "member_id: MemberId", person_id as "person_id: PersonId", email, display_name,
                     role, state, activate_time, create_time, update_time, version"#,
        changed.member_id.uuid(),
        changed.role,
        changed.state,
    )
    .fetch_one(tx.conn())
    .await?)
}

/// Adds somebody with an activation link; none when they are a member already.
pub(super) async fn insert(
    tx: &mut TenantTx,
    draft: &Draft,
    token_hash: &[u8],
) -> Result<Option<Member>> {
    Ok(sqlx::query_as!(
        Member,
        r#"select member_id as "member_id!: MemberId", person_id as "person_id!: PersonId", email as "email!",
                  display_name as "display_name!", role as "role!", state as "state!", activate_time,
                  create_time as "create_time!", update_time as "update_time!", version as "version!"
           from identity.add_member($1, $2, $3, $4, $5, $6, make_interval(secs => $7))"#,
        MemberId::fresh().uuid(),
        PersonId::fresh().uuid(),
        draft.email,
        draft.display_name,
        draft.role.as_str(),
        token_hash,
        ACTIVATION_LIFETIME.as_secs_f64(),
    )
    .fetch_optional(tx.conn())
    .await?)
}

pub(super) async fn is_member(tx: &mut TenantTx, email: &str) -> Result<bool> {
    Ok(sqlx::query_scalar!(
        r#"select exists (select from identity.member where email = $1 and state <> 'removed') as "is_member!""#,
        email,
    )
    .fetch_one(tx.conn())
    .await?)
}

/// Replaces the activation link; the old one is dead.
pub(super) async fn upsert_activation(
    tx: &mut TenantTx,
    member: MemberId,
    token_hash: &[u8],
) -> Result<()> {
    sqlx::query!(
        "insert into identity.activation (member_id, token_hash, expire_time)
         values ($1, $2, transaction_timestamp() + make_interval(secs => $3))
         on conflict on constraint activation_pkey
         do update set token_hash = excluded.token_hash, expire_time = excluded.expire_time",
        member.uuid(),
        token_hash,
        ACTIVATION_LIFETIME.as_secs_f64(),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// True when the person is an active member here, and no customer's.
pub(super) async fn is_active_internal(tx: &mut TenantTx, person: PersonId) -> Result<bool> {
    Ok(sqlx::query_scalar!(
        r#"select exists (
               select from identity.member
               where person_id = $1 and state = 'active' and activate_time is not null and role <> 'client'
           ) as "active!""#,
        person.uuid(),
    )
    .fetch_one(tx.conn())
    .await?)
}
