//! Invitations: one function per method.

use devsphere_auth::Kind;
use devsphere_db::Change;
use devsphere_error::{Error, Result};
use devsphere_ids::{InvitationId, PersonId};
use devsphere_proto::identity::v1::{self as pb, invitation_service_server::InvitationService};
use devsphere_rpc::{admit, admit_anonymous, filter, order, page, time::timestamp};
use serde_json::json;
use tonic::{Request, Response, Status, async_trait};

use super::{Draft, Invitation, Verb, role_of, store};
use crate::{
    Identity, custom_role,
    member::may_give,
    role::role_to_wire,
    secret::{JOIN, Opaque, sha256},
    session::{GuessKeys, rpc::Claim},
};

pub(crate) struct Invitations(pub(crate) Identity);

#[async_trait]
impl InvitationService for Invitations {
    async fn create_invitation(
        &self,
        request: Request<pb::CreateInvitationRequest>,
    ) -> Result<Response<pb::CreateInvitationResponse>, Status> {
        let (permit, draft) = admit::<_, Draft>(request)?;
        let caller = permit.caller();
        may_give(caller, draft.role)?;
        let (field, ids) = ("invitation.custom_role_ids", &draft.custom_role_ids);

        if draft.validate_only {
            let mut tx = self.0.db.read(&permit).await?;
            let gifts = store::fetch_room(&mut tx, &draft).await?;
            custom_role::may_give(caller, field, ids, &gifts)?;
            return Ok(Response::new(would_be(&draft)));
        }
        let inviter = inviter(&permit)?;
        let token = Opaque::generate(JOIN)?;
        let mut tx = self.0.db.write(&permit).await?;
        let gifts = store::fetch_room_for_share(&mut tx, &draft).await?;
        custom_role::may_give(caller, field, ids, &gifts)?;
        let invitation = store::insert(&mut tx, &draft, inviter, &token.hash()).await?;
        tx.emit(changed("invitation.created", None, &invitation));

        let answer = self.with_link(invitation.to_wire(caller), token);
        Ok(Response::new(tx.commit(answer).await?))
    }

    async fn get_invitation(
        &self,
        request: Request<pb::GetInvitationRequest>,
    ) -> Result<Response<pb::Invitation>, Status> {
        let (permit, ask) = admit::<_, pb::GetInvitationRequest>(request)?;

        let mut tx = self.0.db.read(&permit).await?;
        let invitation = store::fetch(&mut tx, id(&ask.invitation_id)?).await?;

        Ok(Response::new(invitation.to_wire(permit.caller())))
    }

    async fn list_invitations(
        &self,
        request: Request<pb::ListInvitationsRequest>,
    ) -> Result<Response<pb::ListInvitationsResponse>, Status> {
        let (permit, ask) = admit::<_, pb::ListInvitationsRequest>(request)?;
        let filter = filter::parse(&ask.filter, &store::FIELDS)?;
        let order = order::parse(&ask.order_by, &store::FIELDS, &store::default_order())?;
        let query = page::Query::new("invitations", &ask.filter, &ask.order_by, false, &[]);
        let list = store::list(filter, order)
            .page(page::size(ask.page_size)?, query.key(&ask.page_token)?);

        let mut tx = self.0.db.read(&permit).await?;
        let total = if ask.include_total { Some(list.count(tx.conn()).await?) } else { None };
        let found = list.fetch::<Invitation>(tx.conn()).await?;

        let caller = permit.caller();
        Ok(Response::new(pb::ListInvitationsResponse {
            next_page_token: query.token(found.next.as_ref())?,
            invitations: found.rows.iter().map(|invitation| invitation.to_wire(caller)).collect(),
            total_size: total.as_ref().map(|total| total.count),
            total_at_least: total.is_some_and(|total| !total.exact),
        }))
    }

    async fn resend_invitation(
        &self,
        request: Request<pb::ResendInvitationRequest>,
    ) -> Result<Response<pb::CreateInvitationResponse>, Status> {
        let (permit, ask) = admit::<_, pb::ResendInvitationRequest>(request)?;

        let inviter = inviter(&permit)?;
        let token = Opaque::generate(JOIN)?;
        let mut tx = self.0.db.write(&permit).await?;
        let before = store::fetch_for_update(&mut tx, id(&ask.invitation_id)?).await?;
        before.step(Verb::Resend, &ask.etag)?;
        before.within_reach(permit.caller())?;
        let invitation =
            store::update_token(&mut tx, before.invitation_id, inviter, &token.hash()).await?;
        tx.emit(changed("invitation.resent", Some(&before), &invitation));

        let answer = self.with_link(invitation.to_wire(permit.caller()), token);
        Ok(Response::new(tx.commit(answer).await?))
    }

    async fn revoke_invitation(
        &self,
        request: Request<pb::RevokeInvitationRequest>,
    ) -> Result<Response<pb::Invitation>, Status> {
        let (permit, ask) = admit::<_, pb::RevokeInvitationRequest>(request)?;

        let mut tx = self.0.db.write(&permit).await?;
        let before = store::fetch_for_update(&mut tx, id(&ask.invitation_id)?).await?;
        let state = before.step(Verb::Revoke, &ask.etag)?;
        let invitation = store::update_state(&mut tx, before.invitation_id, state).await?;
        tx.emit(changed("invitation.revoked", Some(&before), &invitation));

        Ok(Response::new(tx.commit(invitation.to_wire(permit.caller())).await?))
    }

    async fn preview_invitation(
        &self,
        request: Request<pb::PreviewInvitationRequest>,
    ) -> Result<Response<pb::InvitationPreview>, Status> {
        let (proof, ask) = admit_anonymous::<_, pb::PreviewInvitationRequest>(request)?;

        let hash = sha256(&ask.join_token);
        let offer = store::find(&self.0.functions, &proof, &hash).await?;

        Ok(Response::new(pb::InvitationPreview {
            email: offer.email.ok_or_else(invalid)?,
            organization_display_name: offer.organization.unwrap_or_default(),
            inviter_display_name: offer.inviter.unwrap_or_default(),
            role: role_of(&offer.role.unwrap_or_default()).into(),
            note: offer.note.unwrap_or_default(),
            expire_time: offer.expire_time.map(timestamp),
        }))
    }

    async fn accept_invitation(
        &self,
        request: Request<pb::AcceptInvitationRequest>,
    ) -> Result<Response<pb::AcceptInvitationResponse>, Status> {
        let (proof, ask) = admit_anonymous::<_, pb::AcceptInvitationRequest>(request)?;

        let hash = sha256(&ask.join_token);
        let offer = store::find(&self.0.functions, &proof, &hash).await?;
        let email = offer.email.ok_or_else(invalid)?;
        let keys = GuessKeys::new(&email, proof.facts().address);
        let claim = Claim { email: &email, name: &ask.display_name, password: ask.password };
        let new_hash = self.0.prove(&proof, &keys, claim, offer.password_hash).await?;
        let name = (ask.display_name.trim(), &keys);
        let organization = store::accept(&self.0.functions, &proof, &hash, new_hash, name)
            .await?
            .ok_or_else(invalid)?;

        let organization_id = organization.to_string();
        Ok(Response::new(pb::AcceptInvitationResponse { email, organization_id }))
    }

    async fn decline_invitation(
        &self,
        request: Request<pb::DeclineInvitationRequest>,
    ) -> Result<Response<pb::DeclineInvitationResponse>, Status> {
        let (proof, ask) = admit_anonymous::<_, pb::DeclineInvitationRequest>(request)?;

        let hash = sha256(&ask.join_token);
        if !store::decline(&self.0.functions, &proof, &hash).await? {
            return Err(invalid().into());
        }

        Ok(Response::new(pb::DeclineInvitationResponse {}))
    }
}

impl Invitations {
    fn with_link(&self, invitation: pb::Invitation, token: Opaque) -> pb::CreateInvitationResponse {
        let join_token = token.into_text();
        pb::CreateInvitationResponse {
            invitation: Some(invitation),
            // From the configuration: a link never takes its host from a request.
            join_link: format!("{}/join#{join_token}", self.0.public_url),
            join_token,
        }
    }
}

/// Whoever invites answers for it as a person; a link dies with its inviter's place.
fn inviter(permit: &devsphere_auth::Permit) -> Result<PersonId> {
    match permit.caller().kind() {
        Kind::User => Ok(PersonId::from(permit.caller().id())),
        _ => Err(Error::Forbidden("self")),
    }
}

/// What a dry run answers: no id, no version, no link.
fn would_be(draft: &Draft) -> pb::CreateInvitationResponse {
    pb::CreateInvitationResponse {
        invitation: Some(pb::Invitation {
            email: draft.email.clone(),
            role: role_to_wire(draft.role).into(),
            custom_role_ids: draft.custom_role_ids.iter().map(ToString::to_string).collect(),
            note: draft.note.clone(),
            state: pb::InvitationState::Sent.into(),
            ..pb::Invitation::default()
        }),
        ..pb::CreateInvitationResponse::default()
    }
}

/// The same for every token that opens nothing, whatever the reason.
fn invalid() -> Error {
    Error::field("join_token", "is not valid any more")
}

fn id(text: &str) -> Result<InvitationId> {
    text.parse().map_err(|_| Error::NotFound("invitation"))
}

fn changed(name: &'static str, before: Option<&Invitation>, after: &Invitation) -> Change {
    let fields = |invitation: &Invitation| {
        json!({
            "email": invitation.email, "role": invitation.role,
            "custom_role_ids": invitation.custom_role_ids, "state": invitation.state,
            "inviter_id": invitation.inviter_id, "expire_time": invitation.expire_time,
        })
    };
    let record = (after.invitation_id.uuid(), after.version);
    Change::between(name, "invitation", record, before.map(fields), fields(after))
}
