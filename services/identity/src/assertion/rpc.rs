//! Credentials traded for assertions, and the keys that verify them.

use devsphere_auth::{Anonymous, Subject};
use devsphere_error::{Error, Result};
use devsphere_ids::{OrganizationId, PersonId, SessionId};
use devsphere_proto::identity::v1::{self as pb, assertion_service_server::AssertionService};
use devsphere_rpc::admit_anonymous;
use prost_types::Timestamp;
use tonic::{Request, Response, Status, async_trait};

use super::{store, subject};
use crate::{
    Identity,
    secret::{self, Access},
};

pub(crate) struct Assertions(pub(crate) Identity);

#[async_trait]
impl AssertionService for Assertions {
    async fn exchange(
        &self,
        request: Request<pb::ExchangeRequest>,
    ) -> Result<Response<pb::Assertion>, Status> {
        let (proof, ask) = admit_anonymous::<_, pb::ExchangeRequest>(request)?;
        let access = Access::verify(&ask.credential, &self.0.keys.access)?;

        let who = (access.sub, access.sid);
        let epoch = access.org.map(|_| access.epoch);
        let subject = self.subject(&proof, who, access.org, epoch).await?;

        Ok(Response::new(self.mint(&subject)?))
    }

    async fn renew_assertion(
        &self,
        request: Request<pb::RenewAssertionRequest>,
    ) -> Result<Response<pb::Assertion>, Status> {
        let (proof, ask) = admit_anonymous::<_, pb::RenewAssertionRequest>(request)?;
        let caller = self.0.verifier.lapsed_caller(&ask.assertion).await?;

        let session = caller.session().ok_or(Error::Unauthenticated)?;
        let who = (PersonId::from(caller.id()), SessionId::from(session));
        let org = caller.organization().map(|organization| OrganizationId::from(organization.id));
        let subject = self.subject(&proof, who, org, None).await?;

        Ok(Response::new(self.mint(&subject)?))
    }

    async fn list_keys(
        &self,
        request: Request<pb::ListKeysRequest>,
    ) -> Result<Response<pb::ListKeysResponse>, Status> {
        let (_, _) = admit_anonymous::<_, pb::ListKeysRequest>(request)?;

        let key = self.0.keys.assertion.public();
        let keys = vec![pb::Key { key_id: key.kid, public_key: key.bytes }];
        Ok(Response::new(pb::ListKeysResponse { keys }))
    }
}

impl Assertions {
    async fn subject(
        &self,
        proof: &Anonymous,
        who: (PersonId, SessionId),
        org: Option<OrganizationId>,
        epoch: Option<i64>,
    ) -> Result<Subject> {
        let found = store::exchange(&self.0.functions, proof, who, org, epoch).await?;
        subject(who, org, found)
    }

    fn mint(&self, subject: &Subject) -> Result<pb::Assertion> {
        let (assertion, expires) = self.0.minter.assertion(subject, secret::now())?;
        let organization = subject.organization.as_ref();
        let role = organization.and_then(|organization| organization.role);
        Ok(pb::Assertion {
            assertion,
            expire_time: Some(Timestamp { seconds: expires, nanos: 0 }),
            organization_id: organization.map(|o| o.id.to_string()).unwrap_or_default(),
            role: role.map(|role| role.to_string()).unwrap_or_default(),
        })
    }
}
