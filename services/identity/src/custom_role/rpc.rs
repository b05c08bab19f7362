//! Custom roles: one function per method.

use devsphere_db::Change;
use devsphere_error::{Error, Result};
use devsphere_ids::CustomRoleId;
use devsphere_proto::{
    Contract,
    identity::v1::{self as pb, custom_role_service_server::CustomRoleService},
};
use devsphere_rpc::{admit, etag, filter, order, page};
use serde_json::json;
use tonic::{Request, Response, Status, async_trait};

use super::{CustomRole, Draft, Update, catalogue, holds, store};
use crate::Identity;

pub(crate) struct CustomRoles(pub(crate) Identity);

#[async_trait]
impl CustomRoleService for CustomRoles {
    async fn create_custom_role(
        &self,
        request: Request<pb::CreateCustomRoleRequest>,
    ) -> Result<Response<pb::CustomRole>, Status> {
        let (permit, draft) = admit::<_, Draft>(request)?;
        let content = draft.content;
        holds(permit.caller(), content.permissions.iter().map(String::as_str))?;

        if draft.validate_only {
            let mut tx = self.0.db.read(&permit).await?;
            store::is_room(&mut tx, None, &content.display_name).await?;
            return Ok(Response::new(pb::CustomRole {
                display_name: content.display_name,
                description: content.description,
                permissions: content.permissions,
                ..pb::CustomRole::default()
            }));
        }
        let mut tx = self.0.db.write(&permit).await?;
        let role = store::insert(&mut tx, &content).await?;
        tx.emit(changed("custom_role.created", None, &role));

        Ok(Response::new(tx.commit(role.to_wire(permit.caller())).await?))
    }

    async fn get_custom_role(
        &self,
        request: Request<pb::GetCustomRoleRequest>,
    ) -> Result<Response<pb::CustomRole>, Status> {
        let (permit, ask) = admit::<_, pb::GetCustomRoleRequest>(request)?;

        let mut tx = self.0.db.read(&permit).await?;
        let role = store::fetch(&mut tx, id(&ask.custom_role_id)?).await?;

        Ok(Response::new(role.to_wire(permit.caller())))
    }

    async fn list_custom_roles(
        &self,
        request: Request<pb::ListCustomRolesRequest>,
    ) -> Result<Response<pb::ListCustomRolesResponse>, Status> {
        let (permit, ask) = admit::<_, pb::ListCustomRolesRequest>(request)?;
        let filter = filter::parse(&ask.filter, &store::FIELDS)?;
        let order = order::parse(&ask.order_by, &store::FIELDS, &store::default_order())?;
        let query = page::Query::new("custom_roles", &ask.filter, &ask.order_by, false, &[]);
        let list = store::list(filter, order)
            .page(page::size(ask.page_size)?, query.key(&ask.page_token)?);

        let mut tx = self.0.db.read(&permit).await?;
        let total = if ask.include_total { Some(list.count(tx.conn()).await?) } else { None };
        let found = list.fetch::<CustomRole>(tx.conn()).await?;

        Ok(Response::new(pb::ListCustomRolesResponse {
            next_page_token: query.token(found.next.as_ref())?,
            custom_roles: found.rows.iter().map(|role| role.to_wire(permit.caller())).collect(),
            total_size: total.as_ref().map(|total| total.count),
            total_at_least: total.is_some_and(|total| !total.exact),
        }))
    }

    async fn update_custom_role(
        &self,
        request: Request<pb::UpdateCustomRoleRequest>,
    ) -> Result<Response<pb::CustomRole>, Status> {
        let (permit, update) = admit::<_, Update>(request)?;

        if update.validate_only {
            let mut tx = self.0.db.read(&permit).await?;
            let role = store::fetch(&mut tx, update.custom_role_id).await?;
            let would_be = update.apply(&role, permit.caller())?;
            store::is_room(&mut tx, Some(would_be.custom_role_id), &would_be.display_name).await?;
            return Ok(Response::new(would_be.to_wire(permit.caller())));
        }
        let mut tx = self.0.db.write(&permit).await?;
        let before = store::fetch_for_update(&mut tx, update.custom_role_id).await?;
        let mut role = update.apply(&before, permit.caller())?;
        if role != before {
            role = store::update(&mut tx, &role, role.permissions != before.permissions).await?;
            tx.emit(changed("custom_role.updated", Some(&before), &role));
        }

        Ok(Response::new(tx.commit(role.to_wire(permit.caller())).await?))
    }

    async fn delete_custom_role(
        &self,
        request: Request<pb::DeleteCustomRoleRequest>,
    ) -> Result<Response<pb::DeleteCustomRoleResponse>, Status> {
        let (permit, ask) = admit::<_, pb::DeleteCustomRoleRequest>(request)?;

        let mut tx = self.0.db.write(&permit).await?;
        let role = store::fetch_for_update(&mut tx, id(&ask.custom_role_id)?).await?;
        etag::check(&ask.etag, role.version)?;
        role.within_reach(permit.caller())?;
        role.is_free(ask.force)?;
        let member_count = store::remove(&mut tx, role.custom_role_id, ask.force).await?;
        // Somebody was given it since it was read, a moment ago.
        let member_count = member_count.ok_or(Error::Serialization)?;
        tx.emit(Change {
            name: "custom_role.deleted",
            noun: "custom_role",
            record_id: role.custom_role_id.uuid(),
            version: role.version + 1,
            before: Some(fields(&role)),
            after: json!({ "member_count": member_count }),
            approval: None,
        });

        Ok(Response::new(tx.commit(pb::DeleteCustomRoleResponse { member_count }).await?))
    }

    async fn list_permissions(
        &self,
        request: Request<pb::ListPermissionsRequest>,
    ) -> Result<Response<pb::ListPermissionsResponse>, Status> {
        let (permit, _) = admit::<_, pb::ListPermissionsRequest>(request)?;
        let contract = Contract::get().map_err(|error| Error::internal(error.to_string()))?;

        let permissions = catalogue::list(contract, permit.caller());
        Ok(Response::new(pb::ListPermissionsResponse { permissions }))
    }
}

fn id(text: &str) -> Result<CustomRoleId> {
    text.parse().map_err(|_| Error::NotFound("custom role"))
}

fn fields(role: &CustomRole) -> serde_json::Value {
    json!({
        "display_name": role.display_name, "description": role.description,
        "permissions": role.permissions,
    })
}

fn changed(name: &'static str, before: Option<&CustomRole>, after: &CustomRole) -> Change {
    let record = (after.custom_role_id.uuid(), after.version);
    Change::between(name, "custom_role", record, before.map(fields), fields(after))
}
