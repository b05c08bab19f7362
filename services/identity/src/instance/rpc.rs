//! The installation, for those who run it.

use devsphere_db::Change;
use devsphere_error::Result;
use devsphere_proto::identity::v1::{self as pb, instance_service_server::InstanceService};
use devsphere_rpc::{admit, admit_anonymous, etag, time::timestamp};
use serde_json::json;
use tonic::{Request, Response, Status, async_trait};
use uuid::Uuid;

use super::{Instance, Update, store};
use crate::{
    Identity,
    secret::{INVITATION, Opaque},
};

pub(crate) struct Instances(pub(crate) Identity);

#[async_trait]
impl InstanceService for Instances {
    async fn get_instance(
        &self,
        request: Request<pb::GetInstanceRequest>,
    ) -> Result<Response<pb::Instance>, Status> {
        let (proof, _) = admit_anonymous::<_, pb::GetInstanceRequest>(request)?;

        Ok(Response::new(store::fetch(&self.0.functions, &proof).await?.into()))
    }

    async fn update_instance(
        &self,
        request: Request<pb::UpdateInstanceRequest>,
    ) -> Result<Response<pb::Instance>, Status> {
        let (permit, update) = admit::<_, Update>(request)?;

        if update.validate_only {
            let mut tx = self.0.db.read(&permit).await?;
            let (_, version) = store::fetch_in(&mut tx).await?;
            etag::check(&update.etag, version)?;
            let would_be =
                Instance { sign_up: Some(update.sign_up.into()), version: Some(version) };
            return Ok(Response::new(would_be.into()));
        }
        let mut tx = self.0.db.write(&permit).await?;
        let (before, version) = store::fetch_for_update(&mut tx).await?;
        etag::check(&update.etag, version)?;
        let updated = store::update(&mut tx, update.sign_up).await?;
        tx.emit(Change::between(
            "instance.updated",
            "instance",
            (Uuid::nil(), version + 1),
            Some(json!({ "sign_up": before })),
            json!({ "sign_up": update.sign_up }),
        ));

        Ok(Response::new(tx.commit(updated.into()).await?))
    }

    async fn create_sign_up_invitation(
        &self,
        request: Request<pb::CreateSignUpInvitationRequest>,
    ) -> Result<Response<pb::SignUpInvitation>, Status> {
        let (permit, _) = admit::<_, pb::CreateSignUpInvitationRequest>(request)?;

        let token = Opaque::generate(INVITATION)?;
        let mut tx = self.0.db.write(&permit).await?;
        let expires = store::insert_invitation(&mut tx, &token.hash()).await?;
        tx.emit(Change {
            name: "sign_up_invitation.created",
            noun: "sign_up_invitation",
            record_id: Uuid::now_v7(),
            version: 1,
            before: None,
            after: json!({}),
            approval: None,
        });

        let invitation_token = token.into_text();
        let invitation = pb::SignUpInvitation {
            invitation_link: format!("{}/sign-up#{invitation_token}", self.0.public_url),
            invitation_token,
            expire_time: Some(timestamp(expires)),
        };
        Ok(Response::new(tx.commit(invitation).await?))
    }
}
