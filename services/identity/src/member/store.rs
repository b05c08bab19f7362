//! Memberships of the caller's organisation.

use devsphere_auth::Role;
use devsphere_db::{
    TenantTx,
    list::{Condition, Field, List, Order},
};
use devsphere_error::{Error, Result};
use devsphere_ids::{CustomRoleId, MemberId, PersonId};
use devsphere_proto::Permission;
use sqlx::types::Json;

use super::{
    ACTIVATION_LIFETIME, Draft, Member,
    explain::{self, Granting},
};
use crate::custom_role::{Gift, Held};

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
    let select = "select member_id, person_id, email, display_name, role, custom_role_ids, \
                  array(select distinct permission from identity.custom_role as r, unnest(r.permissions) as permission \
                        where r.custom_role_id = any (m.custom_role_ids)) as custom_permissions, \
                  state, activate_time, create_time, update_time, epoch, version from identity.member as m";
    List::new(select, &FIELDS[0]).filter(filter).order(order)
}

/// Removed members show only when the filter names the state.
pub(super) fn not_removed() -> Condition {
    Condition::is(&FIELDS[5], "removed".to_owned()).negated()
}

/// The member of a row.
macro_rules! member {
    ($row:expr) => {
        Member {
            member_id: $row.member_id,
            person_id: $row.person_id,
            email: $row.email,
            display_name: $row.display_name,
            role: $row.role,
            custom_role_ids: $row.custom_role_ids,
            custom_permissions: $row.custom_permissions,
            state: $row.state,
            activate_time: $row.activate_time,
            create_time: $row.create_time,
            update_time: $row.update_time,
            epoch: $row.epoch,
            version: $row.version,
        }
    };
}

/// A statement that answers members: what begins it, their columns over the row `m`, what ends it.
macro_rules! members {
    ($macro:ident ! ($($into:ident,)? $head:literal + $tail:literal $(, $value:expr)* $(,)?)) => {
        sqlx::$macro!(
            $($into,)?
            $head
                + r#"
                m.member_id as "member_id!: MemberId", m.person_id as "person_id!: PersonId", m.email as "email!",
                m.display_name as "display_name!", m.role as "role!",
                m.custom_role_ids as "custom_role_ids!: Vec<CustomRoleId>",
                array(select distinct permission from identity.custom_role as r, unnest(r.permissions) as permission
                      where r.custom_role_id = any (m.custom_role_ids)) as "custom_permissions!",
                m.state as "state!", m.activate_time, m.create_time as "create_time!",
                m.update_time as "update_time!", m.epoch as "epoch!", m.version as "version!" "#
                + $tail
            $(, $value)*
        )
    };
}

pub(crate) async fn fetch(tx: &mut TenantTx, member: MemberId) -> Result<Member> {
    members!(query_as!(
        Member,
        "select " + "from identity.member as m where m.member_id = $1",
        member.uuid(),
    ))
    .fetch_optional(tx.conn())
    .await?
    .ok_or(Error::NotFound("member"))
}

/// Those of the members that are there.
pub(super) async fn fetch_all(tx: &mut TenantTx, members: &[MemberId]) -> Result<Vec<Member>> {
    let members: Vec<_> = members.iter().map(|id| id.uuid()).collect();
    Ok(members!(query_as!(
        Member,
        "select " + "from identity.member as m where m.member_id = any ($1)",
        &members,
    ))
    .fetch_all(tx.conn())
    .await?)
}

/// The member with the custom roles that they hold.
pub(super) async fn fetch_roles(
    tx: &mut TenantTx,
    member: MemberId,
) -> Result<(Member, Vec<Held>)> {
    let row = members!(query!(
        r#"select (select coalesce(jsonb_agg(to_jsonb(r) order by r.display_name), '[]')
                   from identity.custom_role as r
                   where r.custom_role_id = any (m.custom_role_ids)) as "held!: Json<Vec<Held>>","#
            + "from identity.member as m where m.member_id = $1",
        member.uuid(),
    ))
    .fetch_optional(tx.conn())
    .await?
    .ok_or(Error::NotFound("member"))?;
    Ok((member!(row), row.held.0))
}

/// The member, how many other active ceos there are, and what the custom roles `asked` for give.
/// Locks them all, in one order: two ceos cannot both leave last, and no role goes or gives more
/// before it is given.
pub(super) async fn fetch_for_update(
    tx: &mut TenantTx,
    member: MemberId,
    asked: &[CustomRoleId],
) -> Result<(Member, usize, Vec<Gift>)> {
    let asked: Vec<_> = asked.iter().map(|id| id.uuid()).collect();
    let mut found = members!(query!(
        r#"with gift as (
               select custom_role_id, permissions from identity.custom_role
               where custom_role_id = any ($2) order by custom_role_id for share
           )
           select (select coalesce(jsonb_agg(to_jsonb(gift)), '[]') from gift) as "gifts!: Json<Vec<Gift>>","#
            + r#"from identity.member as m
           where m.member_id = $1 or m.role = 'ceo' and m.state = 'active' and m.activate_time is not null
           order by m.member_id for update of m"#,
        member.uuid(),
        &asked,
    ))
    .fetch_all(tx.conn())
    .await?;
    let place =
        found.iter().position(|one| one.member_id == member).ok_or(Error::NotFound("member"))?;
    let row = found.swap_remove(place);
    Ok((member!(row), found.len(), row.gifts.0))
}

/// The member, and the custom roles that give a permission, theirs first.
pub(super) async fn fetch_granting(
    tx: &mut TenantTx,
    member: MemberId,
    permission: &str,
) -> Result<(Member, Vec<Granting>)> {
    let row = members!(query!(
        r#"select (select coalesce(jsonb_agg(to_jsonb(g) order by g.held desc, g.display_name), '[]')
                   from (select r.custom_role_id, r.display_name, r.custom_role_id = any (m.custom_role_ids) as held
                         from identity.custom_role as r where $2 = any (r.permissions)
                         order by held desc, r.display_name limit 200) as g) as "granting!: Json<Vec<Granting>>","#
            + "from identity.member as m where m.member_id = $1",
        member.uuid(),
        permission,
    ))
    .fetch_optional(tx.conn())
    .await?
    .ok_or(Error::NotFound("member"))?;
    Ok((member!(row), row.granting.0))
}

/// Sets roles and state, and ends what stood on the old ones by raising the epoch.
pub(super) async fn update(tx: &mut TenantTx, changed: &Member) -> Result<Member> {
    let custom_role_ids: Vec<_> = changed.custom_role_ids.iter().map(|id| id.uuid()).collect();
    Ok(members!(query_as!(
        Member,
        "update identity.member as m
         set role = $2, custom_role_ids = $3, state = $4, epoch = epoch + 1,
             update_time = transaction_timestamp(), version = version + 1
         where m.member_id = $1
         returning "
            + "",
        changed.member_id.uuid(),
        changed.role,
        &custom_role_ids,
        changed.state,
    ))
    .fetch_one(tx.conn())
    .await?)
}

/// Adds somebody with an activation link; none when they are a member already.
pub(super) async fn insert(
    tx: &mut TenantTx,
    draft: &Draft,
    token_hash: &[u8],
) -> Result<Option<Member>> {
    let custom_role_ids: Vec<_> = draft.custom_role_ids.iter().map(|id| id.uuid()).collect();
    Ok(members!(query_as!(
        Member,
        "select " + "from identity.add_member($1, $2, $3, $4, $5, $6, $7, make_interval(secs => $8)) as m",
        MemberId::fresh().uuid(),
        PersonId::fresh().uuid(),
        draft.email,
        draft.display_name,
        draft.role.as_str(),
        &custom_role_ids,
        token_hash,
        ACTIVATION_LIFETIME.as_secs_f64(),
    ))
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

/// Two at most of the active members who have the permission, by their role or by a custom one, that
/// person left out.
pub(super) async fn fetch_deciders(
    tx: &mut TenantTx,
    permission: Permission,
    except: PersonId,
) -> Result<Vec<PersonId>> {
    let roles: Vec<_> = explain::giving(permission).map(Role::as_str).collect();
    Ok(sqlx::query_scalar!(
        r#"select m.person_id as "person_id: PersonId" from identity.member as m
           where m.state = 'active' and m.activate_time is not null and m.person_id <> $3
             and (m.role = any ($2) or exists (
                 select from identity.custom_role as r
                 where r.custom_role_id = any (m.custom_role_ids) and $1 = any (r.permissions)))
           limit 2"#,
        permission.name,
        &roles as _,
        except.uuid(),
    )
    .fetch_all(tx.conn())
    .await?)
}
