//! Create, get, list, update.

use devsphere_auth::Permit;
use devsphere_error::Result;
use devsphere_proto::crm::v1 as pb;
use devsphere_rpc::{
    id,
    page::{self, Query},
};

use super::{Leads, emit};
use crate::lead::{
    Lead, Verb, list, store,
    wire::{self, Create, Update},
};

impl Leads {
    pub(super) async fn create(&self, (permit, create): (Permit, Create)) -> Result<pb::Lead> {
        let draft = create.draft.created_by(permit.caller());
        let owner = draft.owner_id.map(|owner| ("lead.owner_id".to_owned(), owner));
        self.members.check(&permit, owner).await?;
        if create.validate_only {
            return Ok(draft.into());
        }

        let mut tx = self.db.write(&permit).await?;
        let lead = store::only(store::insert(&mut tx, &[draft]).await?)?;
        emit(&mut tx, "lead.created", None, &lead)?;

        tx.commit(wire::shown(lead, permit.caller())).await
    }

    pub(super) async fn get(
        &self,
        (permit, request): (Permit, pb::GetLeadRequest),
    ) -> Result<pb::Lead> {
        let lead_id = request.lead_id.parse().map_err(id::bad("lead_id"))?;

        let mut tx = self.db.read(&permit).await?;
        let lead = store::only(store::fetch(&mut tx, &[lead_id]).await?)?;

        Ok(wire::shown(lead, permit.caller()))
    }

    pub(super) async fn list(
        &self,
        (permit, request): (Permit, pb::ListLeadsRequest),
    ) -> Result<pb::ListLeadsResponse> {
        let pb::ListLeadsRequest { filter, order_by, show_deleted, .. } = request;
        let query = Query::new("ListLeads", &filter, &order_by, show_deleted, &[]);
        let list = list::matching(&permit, &filter, &order_by, show_deleted)?
            .page(page::size(request.page_size)?, query.key(&request.page_token)?);

        let mut tx = self.db.read(&permit).await?;
        let total = if request.include_total { Some(list.count(tx.conn()).await?) } else { None };
        let page = list.fetch::<Lead>(tx.conn()).await?;

        Ok(pb::ListLeadsResponse {
            leads: wire::all_shown(page.rows, permit.caller()),
            next_page_token: query.token(page.next.as_ref())?,
            total_size: total.map(|total| total.count),
            total_at_least: total.is_some_and(|total| !total.exact),
        })
    }

    pub(super) async fn update(
        &self,
        (permit, Update { edit, validate_only }): (Permit, Update),
    ) -> Result<pb::Lead> {
        if validate_only {
            let mut tx = self.db.read(&permit).await?;
            let lead = store::only(store::fetch(&mut tx, &[edit.lead_id]).await?)?;
            return Ok(wire::shown(edit.apply(&lead)?, permit.caller()));
        }

        let mut tx = self.db.write(&permit).await?;
        let before = store::only(store::fetch_for_update(&mut tx, &[edit.lead_id]).await?)?;
        let mut lead = edit.apply(&before)?;
        if lead != before {
            lead = store::update(&mut tx, &lead).await?;
            emit(&mut tx, Verb::Update.event(), Some(&before), &lead)?;
        }

        tx.commit(wire::shown(lead, permit.caller())).await
    }
}
