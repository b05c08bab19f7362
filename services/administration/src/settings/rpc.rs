//! The wire: one function per method.

use devsphere_auth::Permit;
use devsphere_boot::Ctx;
use devsphere_db::{Change, TenantDb, TenantTx};
use devsphere_error::{Error, Result};
use devsphere_proto::administration::v1::{self as pb, settings_service_server::SettingsService};
use devsphere_rpc::admit;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Settings, store, wire, wire::Update};
use crate::organization;

/// Settings, over their store.
pub(crate) struct SettingsOf {
    db: TenantDb,
}

impl SettingsOf {
    /// The service of that context.
    pub(crate) fn new(ctx: &Ctx) -> Self {
        Self { db: ctx.tenant_db() }
    }

    async fn get(&self, (permit, _): (Permit, pb::GetSettingsRequest)) -> Result<pb::Settings> {
        let mut tx = self.db.read(&permit).await?;
        let settings = store::fetch(&mut tx).await?;

        Ok(wire::shown(settings, permit.caller()))
    }

    async fn update(
        &self,
        (permit, Update { edit, validate_only }): (Permit, Update),
    ) -> Result<pb::Settings> {
        if validate_only {
            let mut tx = self.db.read(&permit).await?;
            let settings = edit.apply(&store::fetch(&mut tx).await?)?;
            return Ok(wire::shown(settings, permit.caller()));
        }

        let mut tx = self.db.write(&permit).await?;
        let before = store::fetch_for_update(&mut tx).await?;
        let mut settings = edit.apply(&before)?;
        if settings != before {
            settings = store::write(&mut tx, &settings).await?;
            emit(&mut tx, organization(permit.caller())?, &before, &settings)?;
        }

        tx.commit(wire::shown(settings, permit.caller())).await
    }
}

/// Notes what became of the settings: one event and one audit record, under the organisation's id.
fn emit(tx: &mut TenantTx, record_id: Uuid, before: &Settings, after: &Settings) -> Result<()> {
    let json = |settings: &Settings| serde_json::to_value(settings).map_err(Error::internal);
    let record = (record_id, after.version);
    tx.emit(Change::between(
        "settings.updated",
        "settings",
        record,
        Some(json(before)?),
        json(after)?,
    ));
    Ok(())
}

#[tonic::async_trait]
impl SettingsService for SettingsOf {
    async fn get_settings(
        &self,
        request: Request<pb::GetSettingsRequest>,
    ) -> Result<Response<pb::Settings>, Status> {
        Ok(Response::new(self.get(admit(request)?).await?))
    }

    async fn update_settings(
        &self,
        request: Request<pb::UpdateSettingsRequest>,
    ) -> Result<Response<pb::Settings>, Status> {
        Ok(Response::new(self.update(admit(request)?).await?))
    }
}
