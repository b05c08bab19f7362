//! The verbs on one lead. Each locks it, asks the domain, writes, and leaves one event.

use devsphere_auth::Permit;
use devsphere_db::TenantTx;
use devsphere_error::Result;
use devsphere_ids::{LeadId, PersonId};
use devsphere_proto::crm::v1 as pb;
use devsphere_rpc::{etag, id};

use super::{Leads, emit};
use crate::lead::{
    Lead, Verb, store,
    wire::{self, Step},
};

impl Leads {
    pub(super) async fn assign(
        &self,
        (permit, request): (Permit, pb::AssignLeadRequest),
    ) -> Result<pb::Lead> {
        let lead_id = request.lead_id.parse().map_err(id::bad("lead_id"))?;
        let owner_id = id::optional(&request.owner_id).map_err(id::bad("owner_id"))?;
        let owner = owner_id.map(|owner| ("owner_id".to_owned(), owner));
        self.members.check(&permit, owner).await?;
        let me = PersonId::from(permit.caller().id());

        let (mut tx, before) = self.lock(&permit, lead_id).await?;
        before.after(Verb::Assign, &request.etag)?;
        let mut lead = before.clone();
        if !before.is_given(owner_id, me) {
            lead = store::only(store::update_owner(&mut tx, &[lead_id], owner_id, me).await?)?;
            emit(&mut tx, Verb::Assign.event(), Some(&before), &lead)?;
        }

        tx.commit(wire::shown(lead, permit.caller())).await
    }

    /// Follows the verb's arrow to another state.
    pub(super) async fn advance(&self, (permit, step): (Permit, Step)) -> Result<pb::Lead> {
        let (mut tx, before) = self.lock(&permit, step.lead_id).await?;
        let state = before.after(step.verb, &step.etag)?;
        let lead = store::update_state(&mut tx, step.lead_id, state, &step.reason).await?;
        emit(&mut tx, step.verb.event(), Some(&before), &lead)?;

        tx.commit(wire::shown(lead, permit.caller())).await
    }

    pub(super) async fn delete(
        &self,
        (permit, step): (Permit, Step),
    ) -> Result<pb::DeleteLeadResponse> {
        let (tx, lead) = self.trash(&permit, &step).await?;

        tx.commit(pb::DeleteLeadResponse { etag: etag::of(lead.version) }).await
    }

    pub(super) async fn undelete(&self, (permit, step): (Permit, Step)) -> Result<pb::Lead> {
        let (tx, lead) = self.trash(&permit, &step).await?;

        tx.commit(wire::shown(lead, permit.caller())).await
    }

    /// Puts it into the trash, or takes it out again.
    async fn trash(&self, permit: &Permit, step: &Step) -> Result<(TenantTx, Lead)> {
        let into = step.verb == Verb::Delete;
        let (mut tx, before) = self.lock(permit, step.lead_id).await?;
        before.after(step.verb, &step.etag)?;
        let lead = store::only(store::update_trash(&mut tx, &[step.lead_id], into).await?)?;
        emit(&mut tx, step.verb.event(), Some(&before), &lead)?;
        Ok((tx, lead))
    }

    async fn lock(&self, permit: &Permit, lead_id: LeadId) -> Result<(TenantTx, Lead)> {
        let mut tx = self.db.write(permit).await?;
        let lead = store::only(store::fetch_for_update(&mut tx, &[lead_id]).await?)?;
        Ok((tx, lead))
    }
}
