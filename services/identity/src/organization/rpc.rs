//! The caller's organisation: one function per method.

use devsphere_db::Change;
use devsphere_error::{Error, Result};
use devsphere_ids::OrganizationId;
use devsphere_proto::identity::v1::{self as pb, organization_service_server::OrganizationService};
use devsphere_rpc::admit;
use serde_json::json;
use tonic::{Request, Response, Status, async_trait};

use super::{Organization, Update, store};
use crate::Identity;

pub(crate) struct Organizations(pub(crate) Identity);

#[async_trait]
impl OrganizationService for Organizations {
    async fn get_organization(
        &self,
        request: Request<pb::GetOrganizationRequest>,
    ) -> Result<Response<pb::Organization>, Status> {
        let (permit, _) = admit::<_, pb::GetOrganizationRequest>(request)?;

        let mut tx = self.0.db.read(&permit).await?;
        let organization = store::fetch(&mut tx).await?;

        Ok(Response::new(organization.to_wire(permit.caller())))
    }

    async fn update_organization(
        &self,
        request: Request<pb::UpdateOrganizationRequest>,
    ) -> Result<Response<pb::Organization>, Status> {
        let (permit, update) = admit::<_, Update>(request)?;

        if update.validate_only {
            let mut tx = self.0.db.read(&permit).await?;
            let would_be = update.apply(&store::fetch(&mut tx).await?)?;
            return Ok(Response::new(would_be.to_wire(permit.caller())));
        }
        let mut tx = self.0.db.write(&permit).await?;
        let before = store::fetch_for_update(&mut tx).await?;
        let mut organization = update.apply(&before)?;
        if organization != before {
            organization = store::update(&mut tx, &organization).await?;
            tx.emit(updated(&before, &organization));
        }

        Ok(Response::new(tx.commit(organization.to_wire(permit.caller())).await?))
    }

    async fn set_organization_limits(
        &self,
        request: Request<pb::SetOrganizationLimitsRequest>,
    ) -> Result<Response<pb::SetOrganizationLimitsResponse>, Status> {
        let (permit, ask) = admit::<_, pb::SetOrganizationLimitsRequest>(request)?;
        let missing = || Error::NotFound("organisation");
        let id: OrganizationId = ask.organization_id.parse().map_err(|_| missing())?;
        let limit = ask.requests_per_minute;

        let mut tx = self.0.db.write(&permit).await?;
        let (before, version) =
            store::update_limits(&mut tx, id, limit).await?.ok_or_else(missing)?;
        tx.emit(Change::between(
            "organization.limits_changed",
            "organization",
            (id.uuid(), version),
            Some(json!({ "requests_per_minute": before })),
            json!({ "requests_per_minute": limit }),
        ));

        let answer = pb::SetOrganizationLimitsResponse {
            organization_id: id.to_string(),
            requests_per_minute: limit,
        };
        Ok(Response::new(tx.commit(answer).await?))
    }
}

fn updated(before: &Organization, after: &Organization) -> Change {
    let fields = |organization: &Organization| {
        json!({
            "display_name": organization.display_name, "time_zone": organization.time_zone,
            "currency_code": organization.currency_code, "locale": organization.locale,
        })
    };
    let record = (after.organization_id.uuid(), after.version);
    Change::between(
        "organization.updated",
        "organization",
        record,
        Some(fields(before)),
        fields(after),
    )
}
