//! Invitations of the caller's organisation, and the functions that a link's holder reaches.

use chrono::{DateTime, Utc};
use devsphere_auth::Anonymous;
use devsphere_db::{
    FunctionDb, TenantTx,
    list::{Condition, Field, List, Order},
};
use devsphere_error::{Error, OnConstraint as _, Result};
use devsphere_ids::{CustomRoleId, InvitationId, MemberId, OrganizationId, PersonId};
use sqlx::types::Json;

use super::{Draft, Invitation, LIFETIME, MAX_OPEN};
use crate::{custom_role::Gift, session::GuessKeys};

/// What a filter and an order may name.
pub(super) static FIELDS: [Field; 7] = [
    Field::uuid("invitation_id", "invitation_id"),
    Field::text("email", "email").sortable(),
    Field::text("role", "role").sortable(),
    Field::text("state", "state")
        .sortable()
        .one_of(&["sent", "accepted", "declined", "revoked", "expired"]),
    Field::uuid("inviter_id", "inviter_id"),
    Field::instant("create_time", "create_time").sortable(),
    Field::instant("expire_time", "expire_time").sortable(),
];

/// Newest first, when nothing else is asked.
pub(super) fn default_order() -> [Order; 1] {
    [FIELDS[5].descending()]
}

/// Invitations by filter and order.
pub(super) fn list(filter: Option<Condition>, order: Vec<Order>) -> List {
    let select = "select invitation_id, email, role, custom_role_ids, custom_permissions, note, state, inviter_id, \
                  create_time, update_time, expire_time, version \
                  from (select i.invitation_id, i.email, i.role, i.custom_role_ids, i.note, i.inviter_id, \
                            case when i.state = 'sent' and i.expire_time <= transaction_timestamp() \
                                 then 'expired' else i.state end as state, \
                            array(select distinct permission \
                                  from identity.custom_role as r, unnest(r.permissions) as permission \
                                  where r.custom_role_id = any (i.custom_role_ids)) as custom_permissions, \
                            i.create_time, i.update_time, i.expire_time, i.version \
                        from identity.invitation as i) as invitation";
    List::new(select, &FIELDS[0]).filter(filter).order(order)
}

/// A statement that answers invitations: what begins it, their columns over the row `i`, what ends it.
macro_rules! invitation {
    ($head:literal + $tail:literal $(, $value:expr)* $(,)?) => {
        sqlx::query_as!(
            Invitation,
            $head
                + r#"
                i.invitation_id as "invitation_id: InvitationId", i.email, i.role,
                i.custom_role_ids as "custom_role_ids: Vec<CustomRoleId>",
                array(select distinct permission from identity.custom_role as r, unnest(r.permissions) as permission
                      where r.custom_role_id = any (i.custom_role_ids)) as "custom_permissions!",
                i.note,
                case when i.state = 'sent' and i.expire_time <= transaction_timestamp()
                     then 'expired' else i.state end as "state!",
                i.inviter_id as "inviter_id: PersonId", i.create_time, i.update_time, i.expire_time, i.version "#
                + $tail
            $(, $value)*
        )
    };
}

pub(super) async fn fetch(tx: &mut TenantTx, id: InvitationId) -> Result<Invitation> {
    invitation!("select " + "from identity.invitation as i where i.invitation_id = $1", id.uuid(),)
        .fetch_optional(tx.conn())
        .await?
        .ok_or(Error::NotFound("invitation"))
}

pub(super) async fn fetch_for_update(tx: &mut TenantTx, id: InvitationId) -> Result<Invitation> {
    invitation!(
        "select " + "from identity.invitation as i where i.invitation_id = $1 for update",
        id.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?
    .ok_or(Error::NotFound("invitation"))
}

/// What a new invitation meets, with what its custom roles give; the ending locks those or not.
macro_rules! room {
    ($tx:ident, $draft:ident, $ending:literal) => {{
        let ids: Vec<_> = $draft.custom_role_ids.iter().map(|id| id.uuid()).collect();
        let found = sqlx::query!(
            r#"with gift as (
                   select custom_role_id, permissions from identity.custom_role
                   where custom_role_id = any ($2) order by custom_role_id "#
                + $ending
                + r#")
               select (select coalesce(jsonb_agg(to_jsonb(gift)), '[]') from gift) as "gifts!: Json<Vec<Gift>>",
                      exists (select from identity.member where email = $1 and state <> 'removed') as "member!",
                      exists (select from identity.invitation where email = $1 and state = 'sent') as "invited!",
                      (select count(*) from identity.invitation
                       where state = 'sent' and expire_time > transaction_timestamp()) as "open!""#,
            $draft.email,
            &ids,
        )
        .fetch_one($tx.conn())
        .await?;
        if found.member {
            return Err(Error::AlreadyExists("a member with this e-mail address"));
        }
        if found.invited {
            return Err(invited());
        }
        if found.open >= MAX_OPEN {
            return Err(Error::InvalidState {
                cause: "too_many_invitations",
                message: "an organisation has at most 500 open invitations",
            });
        }
        Ok(found.gifts.0)
    }};
}

/// Refuses an address that is a member's or invited, and one invitation too many; answers what
/// the custom roles give. Those who invite at the same moment may pass the bound together.
pub(super) async fn fetch_room(tx: &mut TenantTx, draft: &Draft) -> Result<Vec<Gift>> {
    room!(tx, draft, "")
}

/// The same, with the roles locked so that they neither go nor give more before they are offered.
pub(super) async fn fetch_room_for_share(tx: &mut TenantTx, draft: &Draft) -> Result<Vec<Gift>> {
    room!(tx, draft, "for share")
}

pub(super) async fn insert(
    tx: &mut TenantTx,
    draft: &Draft,
    inviter: PersonId,
    token_hash: &[u8],
) -> Result<Invitation> {
    let ids: Vec<_> = draft.custom_role_ids.iter().map(|id| id.uuid()).collect();
    invitation!(
        "insert into identity.invitation as i
             (invitation_id, email, role, custom_role_ids, note, inviter_id, token_hash, expire_time)
         values ($1, $2, $3, $4, $5, $6, $7, transaction_timestamp() + make_interval(secs => $8))
         returning " + "",
        InvitationId::fresh().uuid(),
        draft.email,
        draft.role.as_str(),
        &ids,
        draft.note,
        inviter.uuid(),
        token_hash,
        LIFETIME.as_secs_f64(),
    )
    .fetch_one(tx.conn())
    .await
    .on_constraint("invitation_email_key", invited)
}

/// Gives the invitation a new token and a new end; the old token is dead.
pub(super) async fn update_token(
    tx: &mut TenantTx,
    id: InvitationId,
    inviter: PersonId,
    token_hash: &[u8],
) -> Result<Invitation> {
    Ok(invitation!(
        "update identity.invitation as i
         set token_hash = $2, inviter_id = $3,
             expire_time = transaction_timestamp() + make_interval(secs => $4),
             update_time = transaction_timestamp(), version = version + 1
         where i.invitation_id = $1
         returning "
            + "",
        id.uuid(),
        token_hash,
        inviter.uuid(),
        LIFETIME.as_secs_f64(),
    )
    .fetch_one(tx.conn())
    .await?)
}

pub(super) async fn update_state(
    tx: &mut TenantTx,
    id: InvitationId,
    state: &str,
) -> Result<Invitation> {
    Ok(invitation!(
        "update identity.invitation as i
         set state = $2, update_time = transaction_timestamp(), version = version + 1
         where i.invitation_id = $1
         returning "
            + "",
        id.uuid(),
        state,
    )
    .fetch_one(tx.conn())
    .await?)
}

/// What a token offers; empty where it is not good.
pub(super) struct Offer {
    pub(super) organization: Option<String>,
    pub(super) inviter: Option<String>,
    pub(super) email: Option<String>,
    pub(super) role: Option<String>,
    pub(super) note: Option<String>,
    pub(super) expire_time: Option<DateTime<Utc>>,
    pub(super) password_hash: Option<String>,
}

pub(super) async fn find(
    functions: &FunctionDb,
    proof: &Anonymous,
    token_hash: &[u8],
) -> Result<Offer> {
    let query = sqlx::query_as!(
        Offer,
        "select organization, inviter, email, role, note, expire_time, password_hash
         from identity.find_invitation($1)",
        token_hash,
    );
    functions.call(proof, query).await
}

pub(super) async fn accept(
    functions: &FunctionDb,
    proof: &Anonymous,
    token_hash: &[u8],
    new_password_hash: Option<String>,
    (display_name, keys): (&str, &GuessKeys),
) -> Result<Option<OrganizationId>> {
    let facts = proof.facts();
    let query = sqlx::query!(
        r#"select identity.accept_invitation($1, $2, $3, $4, $5, $6, $7::text::inet, $8) as "org_id: OrganizationId""#,
        token_hash,
        PersonId::fresh().uuid(),
        MemberId::fresh().uuid(),
        new_password_hash,
        display_name,
        &keys.both(),
        facts.address.map(|address| address.to_string()),
        facts.trace,
    );
    Ok(functions.call(proof, query).await?.org_id)
}

/// Whether the token was good.
pub(super) async fn decline(
    functions: &FunctionDb,
    proof: &Anonymous,
    token_hash: &[u8],
) -> Result<bool> {
    let facts = proof.facts();
    let query = sqlx::query!(
        r#"select identity.decline_invitation($1, $2::text::inet, $3) as "declined!""#,
        token_hash,
        facts.address.map(|address| address.to_string()),
        facts.trace,
    );
    Ok(functions.call(proof, query).await?.declined)
}

const fn invited() -> Error {
    Error::AlreadyExists("an invitation of this e-mail address")
}
