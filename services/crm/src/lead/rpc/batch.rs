//! Several leads in one transaction: all, or with `allow_partial` those that can be.

use std::collections::HashMap;

use devsphere_auth::Permit;
use devsphere_db::TenantTx;
use devsphere_error::Result;
use devsphere_ids::{LeadId, PersonId};
use devsphere_proto::crm::v1 as pb;
use devsphere_rpc::{batch::sort_out, id};

use super::{Leads, emit};
use crate::lead::{
    Draft, Lead, Verb, store,
    wire::{self, CreateAll},
};

impl Leads {
    pub(super) async fn batch_get(
        &self,
        (permit, request): (Permit, pb::BatchGetLeadsRequest),
    ) -> Result<pb::BatchGetLeadsResponse> {
        let lead_ids = id::all(&request.lead_ids).map_err(id::bad("lead_ids"))?;

        let mut tx = self.db.read(&permit).await?;
        let found = store::fetch(&mut tx, &lead_ids).await?;
        let (leads, errors) =
            sort_out(("lead", &lead_ids), by_id(found), request.allow_partial, |_| Ok(()))?;

        Ok(pb::BatchGetLeadsResponse { leads: wire::all_shown(leads, permit.caller()), errors })
    }

    pub(super) async fn batch_create(
        &self,
        (permit, CreateAll(drafts)): (Permit, CreateAll),
    ) -> Result<pb::BatchCreateLeadsResponse> {
        let created = |draft: Draft| draft.created_by(permit.caller());
        let drafts: Vec<_> = drafts.into_iter().map(created).collect();
        let owners: Vec<_> = (0..).zip(&drafts).filter_map(owner).collect();
        self.members.check(&permit, owners).await?;

        let mut tx = self.db.write(&permit).await?;
        let leads = store::insert(&mut tx, &drafts).await?;
        for lead in &leads {
            emit(&mut tx, "lead.created", None, lead)?;
        }

        let leads = wire::all_shown(leads, permit.caller());
        tx.commit(pb::BatchCreateLeadsResponse { leads }).await
    }

    pub(super) async fn batch_assign(
        &self,
        (permit, request): (Permit, pb::BatchAssignLeadsRequest),
    ) -> Result<pb::BatchAssignLeadsResponse> {
        let lead_ids = id::all(&request.lead_ids).map_err(id::bad("lead_ids"))?;
        let owner_id = id::optional(&request.owner_id).map_err(id::bad("owner_id"))?;
        let owner = owner_id.map(|owner| ("owner_id".to_owned(), owner));
        self.members.check(&permit, owner).await?;
        let me = PersonId::from(permit.caller().id());

        let mut tx = self.db.write(&permit).await?;
        let found = store::fetch_for_update(&mut tx, &lead_ids).await?;
        let can = |lead: &Lead| lead.after(Verb::Assign, "").map(drop);
        let (before, errors) =
            sort_out(("lead", &lead_ids), by_id(found), request.allow_partial, can)?;
        let given: Vec<_> = before.iter().filter(|lead| !lead.is_given(owner_id, me)).collect();
        let after = store::update_owner(&mut tx, &ids(given), owner_id, me).await?;
        let leads = emit_all(&mut tx, Verb::Assign, before, after)?;

        let leads = wire::all_shown(leads, permit.caller());
        tx.commit(pb::BatchAssignLeadsResponse { leads, errors }).await
    }

    pub(super) async fn batch_delete(
        &self,
        (permit, request): (Permit, pb::BatchDeleteLeadsRequest),
    ) -> Result<pb::BatchDeleteLeadsResponse> {
        let lead_ids = id::all(&request.lead_ids).map_err(id::bad("lead_ids"))?;

        let mut tx = self.db.write(&permit).await?;
        let found = store::fetch_for_update(&mut tx, &lead_ids).await?;
        let can = |lead: &Lead| lead.after(Verb::Delete, "").map(drop);
        let (before, errors) =
            sort_out(("lead", &lead_ids), by_id(found), request.allow_partial, can)?;
        let after = store::update_trash(&mut tx, &ids(&before), true).await?;
        let leads = emit_all(&mut tx, Verb::Delete, before, after)?;

        let lead_ids = leads.iter().map(|lead| lead.lead_id.to_string()).collect();
        tx.commit(pb::BatchDeleteLeadsResponse { lead_ids, errors }).await
    }
}

fn owner((place, draft): (usize, &Draft)) -> Option<(String, PersonId)> {
    Some((format!("requests[{place}].lead.owner_id"), draft.owner_id?))
}

fn ids<'a>(leads: impl IntoIterator<Item = &'a Lead>) -> Vec<LeadId> {
    leads.into_iter().map(|lead| lead.lead_id).collect()
}

fn by_id(leads: Vec<Lead>) -> HashMap<LeadId, Lead> {
    leads.into_iter().map(|lead| (lead.lead_id, lead)).collect()
}

/// Notes what became of each, and answers them in their old order; those that nothing was
/// written of stay as they were.
fn emit_all(
    tx: &mut TenantTx,
    verb: Verb,
    before: Vec<Lead>,
    after: Vec<Lead>,
) -> Result<Vec<Lead>> {
    let mut after = by_id(after);
    let became = |before: Lead| match after.remove(&before.lead_id) {
        Some(after) => emit(tx, verb.event(), Some(&before), &after).map(|()| after),
        None => Ok(before),
    };
    before.into_iter().map(became).collect()
}
