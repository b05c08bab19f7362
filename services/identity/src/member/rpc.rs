//! The people of an organisation: one function per method.

use devsphere_auth::Permit;
use devsphere_db::{Change, TenantTx};
use devsphere_error::{Error, Result};
use devsphere_ids::{MemberId, PersonId};
use devsphere_proto::identity::v1::{self as pb, member_service_server::MemberService};
use devsphere_rpc::{admit, etag, filter, order, page};
use serde_json::json;
use tonic::{Request, Response, Status, async_trait};

use super::{Draft, Member, Update, Verb, batch, explain, link, may_give, store};
use crate::{
    Identity,
    custom_role::{self, Gift},
    role::role_to_wire,
    secret::{ACTIVATION, Opaque},
};

pub(crate) struct Members(pub(crate) Identity);

#[async_trait]
impl MemberService for Members {
    async fn create_member(
        &self,
        request: Request<pb::CreateMemberRequest>,
    ) -> Result<Response<pb::CreateMemberResponse>, Status> {
        let (permit, draft) = admit::<_, Draft>(request)?;
        may_give(permit.caller(), draft.role)?;
        let taken = || Error::AlreadyExists("a member with this e-mail address");
        let ids = &draft.custom_role_ids;
        let may_give_all = |gifts: &[Gift]| {
            custom_role::may_give(permit.caller(), "member.custom_role_ids", ids, gifts)
        };

        if draft.validate_only {
            let mut tx = self.0.db.read(&permit).await?;
            may_give_all(&custom_role::store::fetch_gifts(&mut tx, ids).await?)?;
            return match store::is_member(&mut tx, &draft.email).await? {
                true => Err(taken().into()),
                false => Ok(Response::new(link::would_be(&draft))),
            };
        }
        let token = Opaque::generate(ACTIVATION)?;
        let mut tx = self.0.db.write(&permit).await?;
        if !ids.is_empty() {
            may_give_all(&custom_role::store::fetch_gifts_for_share(&mut tx, ids).await?)?;
        }
        let member = store::insert(&mut tx, &draft, &token.hash()).await?.ok_or_else(taken)?;
        tx.emit(changed("member.created", None, &member));

        let answer = link::with(&self.0, member.to_wire(permit.caller()), token);
        Ok(Response::new(tx.commit(answer).await?))
    }

    async fn renew_activation(
        &self,
        request: Request<pb::RenewActivationRequest>,
    ) -> Result<Response<pb::CreateMemberResponse>, Status> {
        let (permit, ask) = admit::<_, pb::RenewActivationRequest>(request)?;

        let token = Opaque::generate(ACTIVATION)?;
        let mut tx = self.0.db.write(&permit).await?;
        let (member, ..) = store::fetch_for_update(&mut tx, id(&ask.member_id)?, &[]).await?;
        member.step(Verb::RenewActivation)?;
        member.within_reach(permit.caller())?;
        if member.activate_time.is_some() {
            return Err(Error::InvalidState {
                cause: "already_activated",
                message: "the member has taken the place already",
            }
            .into());
        }
        store::upsert_activation(&mut tx, member.member_id, &token.hash()).await?;
        tx.emit(changed("member.activation_renewed", Some(&member), &member));

        let answer = link::with(&self.0, member.to_wire(permit.caller()), token);
        Ok(Response::new(tx.commit(answer).await?))
    }

    async fn get_member(
        &self,
        request: Request<pb::GetMemberRequest>,
    ) -> Result<Response<pb::Member>, Status> {
        let (permit, ask) = admit::<_, pb::GetMemberRequest>(request)?;

        let mut tx = self.0.db.read(&permit).await?;
        let member = store::fetch(&mut tx, id(&ask.member_id)?).await?;

        Ok(Response::new(member.to_wire(permit.caller())))
    }

    async fn list_members(
        &self,
        request: Request<pb::ListMembersRequest>,
    ) -> Result<Response<pb::ListMembersResponse>, Status> {
        let (permit, ask) = admit::<_, pb::ListMembersRequest>(request)?;
        let filter = filter::parse(&ask.filter, &store::FIELDS)?;
        let order = order::parse(&ask.order_by, &store::FIELDS, &store::default_order())?;
        let query = page::Query::new("members", &ask.filter, &ask.order_by, false, &[]);
        let shown = (!ask.filter.contains("state")).then(store::not_removed);
        let list = store::list(filter, order)
            .filter(shown)
            .page(page::size(ask.page_size)?, query.key(&ask.page_token)?);

        let mut tx = self.0.db.read(&permit).await?;
        let total = if ask.include_total { Some(list.count(tx.conn()).await?) } else { None };
        let found = list.fetch::<Member>(tx.conn()).await?;

        Ok(Response::new(pb::ListMembersResponse {
            next_page_token: query.token(found.next.as_ref())?,
            members: found.rows.iter().map(|member| member.to_wire(permit.caller())).collect(),
            total_size: total.as_ref().map(|total| total.count),
            total_at_least: total.is_some_and(|total| !total.exact),
        }))
    }

    async fn update_member(
        &self,
        request: Request<pb::UpdateMemberRequest>,
    ) -> Result<Response<pb::Member>, Status> {
        let (permit, update) = admit::<_, Update>(request)?;
        if let Some(role) = update.role {
            may_give(permit.caller(), role)?;
        }
        let asked = update.custom_role_ids.as_deref().unwrap_or_default();

        if update.validate_only {
            let mut tx = self.0.db.read(&permit).await?;
            let member = store::fetch(&mut tx, update.member_id).await?;
            let gifts = custom_role::store::fetch_gifts(&mut tx, asked).await?;
            let would_be = update.apply(&member, &gifts, permit.caller())?;
            return Ok(Response::new(would_be.to_wire(permit.caller())));
        }
        let mut tx = self.0.db.write(&permit).await?;
        let (member, other_ceos, gifts) =
            store::fetch_for_update(&mut tx, update.member_id, asked).await?;
        let changed_to = update.apply(&member, &gifts, permit.caller())?;
        let new_role = changed_to.role != member.role;
        if !new_role && changed_to.custom_role_ids == member.custom_role_ids {
            return Ok(Response::new(tx.commit(member.to_wire(permit.caller())).await?));
        }
        if new_role {
            member.leaves_a_ceo(other_ceos)?;
        }
        let updated = store::update(&mut tx, &changed_to).await?;
        tx.emit(changed("member.role_changed", Some(&member), &updated));

        Ok(Response::new(tx.commit(updated.to_wire(permit.caller())).await?))
    }

    async fn deactivate_member(
        &self,
        request: Request<pb::DeactivateMemberRequest>,
    ) -> Result<Response<pb::Member>, Status> {
        let (permit, ask) = admit::<_, pb::DeactivateMemberRequest>(request)?;

        let (tx, member) = self
            .step(&permit, &ask.member_id, &ask.etag, (Verb::Deactivate, "member.deactivated"))
            .await?;

        Ok(Response::new(tx.commit(member.to_wire(permit.caller())).await?))
    }

    async fn reactivate_member(
        &self,
        request: Request<pb::ReactivateMemberRequest>,
    ) -> Result<Response<pb::Member>, Status> {
        let (permit, ask) = admit::<_, pb::ReactivateMemberRequest>(request)?;

        let (tx, member) = self
            .step(&permit, &ask.member_id, &ask.etag, (Verb::Reactivate, "member.reactivated"))
            .await?;

        Ok(Response::new(tx.commit(member.to_wire(permit.caller())).await?))
    }

    async fn remove_member(
        &self,
        request: Request<pb::RemoveMemberRequest>,
    ) -> Result<Response<pb::RemoveMemberResponse>, Status> {
        let (permit, ask) = admit::<_, pb::RemoveMemberRequest>(request)?;

        let (tx, _) =
            self.step(&permit, &ask.member_id, &ask.etag, (Verb::Remove, "member.removed")).await?;

        Ok(Response::new(tx.commit(pb::RemoveMemberResponse {}).await?))
    }

    async fn explain(
        &self,
        request: Request<pb::ExplainRequest>,
    ) -> Result<Response<pb::ExplainResponse>, Status> {
        let (permit, ask) = admit::<_, pb::ExplainRequest>(request)?;
        let permission = explain::permission(&ask.permission)?;

        let mut tx = self.0.db.read(&permit).await?;
        let member = id(&ask.member_id)?;
        let (member, granting) = store::fetch_granting(&mut tx, member, permission.name).await?;

        Ok(Response::new(explain::answer(&member, permission, &granting)?))
    }

    async fn batch_get_members(
        &self,
        request: Request<pb::BatchGetMembersRequest>,
    ) -> Result<Response<pb::BatchGetMembersResponse>, Status> {
        let (permit, ask) = admit::<_, pb::BatchGetMembersRequest>(request)?;
        let ids = ask.member_ids.iter().map(|text| id(text)).collect::<Result<Vec<_>>>()?;

        let mut tx = self.0.db.read(&permit).await?;
        let found = store::fetch_all(&mut tx, &ids).await?;
        let (members, errors) = batch::sort_out(&ids, found, ask.allow_partial)?;

        let members = members.iter().map(|member| member.to_wire(permit.caller())).collect();
        Ok(Response::new(pb::BatchGetMembersResponse { members, errors }))
    }

    async fn get_member_roles(
        &self,
        request: Request<pb::GetMemberRolesRequest>,
    ) -> Result<Response<pb::MemberRoles>, Status> {
        let (permit, ask) = admit::<_, pb::GetMemberRolesRequest>(request)?;

        let mut tx = self.0.db.read(&permit).await?;
        let (member, held) = store::fetch_roles(&mut tx, id(&ask.member_id)?).await?;

        Ok(Response::new(pb::MemberRoles {
            active: member.is_active(),
            role: role_to_wire(member.role()?).into(),
            custom_roles: held.into_iter().map(Into::into).collect(),
        }))
    }

    async fn check_member(
        &self,
        request: Request<pb::CheckMemberRequest>,
    ) -> Result<Response<pb::CheckMemberResponse>, Status> {
        let (permit, ask) = admit::<_, pb::CheckMemberRequest>(request)?;
        let person: PersonId = ask.person_id.parse().map_err(|_| Error::NotFound("person"))?;

        let mut tx = self.0.db.read(&permit).await?;
        let active_internal = store::is_active_internal(&mut tx, person).await?;

        Ok(Response::new(pb::CheckMemberResponse { active_internal }))
    }

    async fn check_decider(
        &self,
        request: Request<pb::CheckDeciderRequest>,
    ) -> Result<Response<pb::CheckDeciderResponse>, Status> {
        let (permit, ask) = admit::<_, pb::CheckDeciderRequest>(request)?;
        let permission = explain::permission(&ask.permission)?;
        let by: PersonId = ask.submitted_by.parse().map_err(|_| Error::NotFound("person"))?;

        let mut tx = self.0.db.read(&permit).await?;
        let found = store::fetch_deciders(&mut tx, permission, by).await?;

        let person_ids = found.iter().map(ToString::to_string).collect();
        Ok(Response::new(pb::CheckDeciderResponse { person_ids }))
    }
}

impl Members {
    /// One arrow of the state machine, up to the commit.
    async fn step(
        &self,
        permit: &Permit,
        member: &str,
        etag: &str,
        (verb, event): (Verb, &'static str),
    ) -> Result<(TenantTx, Member)> {
        let mut tx = self.0.db.write(permit).await?;
        let (member, other_ceos, _) = store::fetch_for_update(&mut tx, id(member)?, &[]).await?;
        etag::check(etag, member.version)?;
        member.within_reach(permit.caller())?;
        let state = member.step(verb)?.to_owned();
        if verb == Verb::Deactivate {
            member.leaves_a_ceo(other_ceos)?;
        }
        let updated = store::update(&mut tx, &Member { state, ..member.clone() }).await?;
        tx.emit(changed(event, Some(&member), &updated));
        Ok((tx, updated))
    }
}

fn id(text: &str) -> Result<MemberId> {
    text.parse().map_err(|_| Error::NotFound("member"))
}

fn changed(name: &'static str, before: Option<&Member>, after: &Member) -> Change {
    let fields = |member: &Member| {
        json!({
            "email": member.email, "display_name": member.display_name,
            "role": member.role, "custom_role_ids": member.custom_role_ids, "state": member.state,
        })
    };
    let record = (after.member_id.uuid(), after.version);
    Change::between(name, "member", record, before.map(fields), fields(after))
}
