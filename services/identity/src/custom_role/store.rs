//! Custom roles of the caller's organisation, and what they give to their holders.

use devsphere_db::{
    TenantTx,
    list::{Condition, Field, List, Order},
};
use devsphere_error::{Error, OnConstraint as _, Result};
use devsphere_ids::CustomRoleId;

use super::{Content, CustomRole, Gift, MAX_ROLES};

/// What a filter and an order may name.
pub(super) static FIELDS: [Field; 6] = [
    Field::uuid("custom_role_id", "custom_role_id"),
    Field::text("display_name", "display_name").sortable(),
    Field::text("description", "description"),
    Field::integer("member_count", "member_count").sortable(),
    Field::instant("create_time", "create_time").sortable(),
    Field::instant("update_time", "update_time").sortable(),
];

/// By name, when nothing else is asked.
pub(super) fn default_order() -> [Order; 1] {
    [FIELDS[1].ascending()]
}

/// Roles by filter and order.
pub(super) fn list(filter: Option<Condition>, order: Vec<Order>) -> List {
    let select = "select custom_role_id, display_name, description, permissions, member_count, own, create_time, \
                  update_time, version \
                  from (select r.*, \
                            (select count(*)::int4 from identity.member as m \
                             where r.custom_role_id = any (m.custom_role_ids) and m.state <> 'removed') as member_count, \
                            exists (select from identity.member as m \
                                    where r.custom_role_id = any (m.custom_role_ids) \
                                      and m.person_id = (select platform.person())) as own \
                        from identity.custom_role as r) as role";
    List::new(select, &FIELDS[0]).filter(filter).order(order)
}

/// The role's columns, with what is counted; `r` is its row.
macro_rules! role {
    ($head:literal + $tail:literal $(, $value:expr)* $(,)?) => {
        sqlx::query_as!(
            CustomRole,
            $head
                + r#"
                r.custom_role_id as "custom_role_id: CustomRoleId", r.display_name, r.description, r.permissions,
                (select count(*)::int4 from identity.member as m
                 where r.custom_role_id = any (m.custom_role_ids) and m.state <> 'removed') as "member_count!",
                exists (select from identity.member as m
                        where r.custom_role_id = any (m.custom_role_ids)
                          and m.person_id = (select platform.person())) as "own!",
                r.create_time, r.update_time, r.version "#
                + $tail
            $(, $value)*
        )
    };
}

pub(super) async fn fetch(tx: &mut TenantTx, id: CustomRoleId) -> Result<CustomRole> {
    role!("select " + "from identity.custom_role as r where r.custom_role_id = $1", id.uuid())
        .fetch_optional(tx.conn())
        .await?
        .ok_or(Error::NotFound("custom role"))
}

/// The role, locked against whoever wants to give it meanwhile.
pub(super) async fn fetch_for_update(tx: &mut TenantTx, id: CustomRoleId) -> Result<CustomRole> {
    role!(
        "select " + "from identity.custom_role as r where r.custom_role_id = $1 for update",
        id.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?
    .ok_or(Error::NotFound("custom role"))
}

/// Refuses a name that another role has, and a new role (`of` none) where there are enough.
pub(super) async fn is_room(
    tx: &mut TenantTx,
    of: Option<CustomRoleId>,
    display_name: &str,
) -> Result<()> {
    let found = sqlx::query!(
        r#"select count(*) as "roles!",
                  coalesce(bool_or(lower(display_name) = lower($1) and custom_role_id is distinct from $2), false)
                      as "taken!"
           from identity.custom_role"#,
        display_name,
        of.map(CustomRoleId::uuid),
    )
    .fetch_one(tx.conn())
    .await?;
    if found.taken {
        return Err(taken());
    }
    if of.is_none() && found.roles >= MAX_ROLES { Err(too_many()) } else { Ok(()) }
}

/// Adds a role, unless there are enough.
pub(super) async fn insert(tx: &mut TenantTx, content: &Content) -> Result<CustomRole> {
    let inserted = sqlx::query_as!(
        CustomRole,
        r#"insert into identity.custom_role (custom_role_id, display_name, description, permissions)
           select $1, $2, $3, $4 where (select count(*) from identity.custom_role) < $5
           returning custom_role_id as "custom_role_id: CustomRoleId", display_name, description, permissions,
                     0 as "member_count!", false as "own!", create_time, update_time, version"#,
        CustomRoleId::fresh().uuid(),
        content.display_name,
        content.description,
        &content.permissions,
        MAX_ROLES,
    )
    .fetch_optional(tx.conn())
    .await
    .on_constraint("custom_role_display_name_key", taken)?;
    inserted.ok_or_else(too_many)
}

/// Writes the role; where it gives something else now, ends what its holders stand on.
pub(super) async fn update(
    tx: &mut TenantTx,
    changed: &CustomRole,
    gives_other: bool,
) -> Result<CustomRole> {
    let updated = sqlx::query!(
        r#"with raised as (
               update identity.member set epoch = epoch + 1
               where $5 and $1 = any (custom_role_ids) and state <> 'removed'
           )
           update identity.custom_role
           set display_name = $2, description = $3, permissions = $4,
               update_time = transaction_timestamp(), version = version + 1
           where custom_role_id = $1
           returning update_time, version"#,
        changed.custom_role_id.uuid(),
        changed.display_name,
        changed.description,
        &changed.permissions,
        gives_other,
    )
    .fetch_one(tx.conn())
    .await
    .on_constraint("custom_role_display_name_key", taken)?;
    Ok(CustomRole { update_time: updated.update_time, version: updated.version, ..changed.clone() })
}

/// Deletes the role and takes it from its holders; answers how many, or none where `force` is
/// missing and somebody holds it.
pub(super) async fn remove(
    tx: &mut TenantTx,
    id: CustomRoleId,
    force: bool,
) -> Result<Option<i32>> {
    Ok(sqlx::query_scalar!("select identity.remove_custom_role($1, $2)", id.uuid(), force,)
        .fetch_one(tx.conn())
        .await?)
}

/// Those of the roles that are there, each with what it gives.
pub(crate) async fn fetch_gifts(tx: &mut TenantTx, ids: &[CustomRoleId]) -> Result<Vec<Gift>> {
    let ids: Vec<_> = ids.iter().map(|id| id.uuid()).collect();
    Ok(sqlx::query_as!(
        Gift,
        r#"select custom_role_id as "custom_role_id: CustomRoleId", permissions
           from identity.custom_role where custom_role_id = any ($1)"#,
        &ids,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// The same, locked so that they neither go nor give more before they are given.
pub(crate) async fn fetch_gifts_for_share(
    tx: &mut TenantTx,
    ids: &[CustomRoleId],
) -> Result<Vec<Gift>> {
    let ids: Vec<_> = ids.iter().map(|id| id.uuid()).collect();
    Ok(sqlx::query_as!(
        Gift,
        r#"select custom_role_id as "custom_role_id: CustomRoleId", permissions
           from identity.custom_role where custom_role_id = any ($1) order by custom_role_id for share"#,
        &ids,
    )
    .fetch_all(tx.conn())
    .await?)
}

const fn taken() -> Error {
    Error::AlreadyExists("a role with this name")
}

const fn too_many() -> Error {
    Error::InvalidState {
        cause: "too_many_roles",
        message: "an organisation has at most 1,000 custom roles",
    }
}
