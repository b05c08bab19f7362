//! Credentials traded for assertions, and the keys that verify them.

use devsphere_auth::{Anonymous, Subject};
use devsphere_db::Change;
use devsphere_error::{Error, Result};
use devsphere_ids::{OrganizationId, PersonId, SessionId};
use devsphere_proto::{
    Contract,
    identity::v1::{self as pb, assertion_service_server::AssertionService},
};
use devsphere_rpc::{admit, admit_anonymous};
use prost_types::Timestamp;
use serde_json::json;
use tonic::{Request, Response, Status, async_trait};

use super::{store, subject, view};
use crate::{
    Identity, member,
    secret::{self, Access},
};

pub(crate) struct Assertions(pub(crate) Identity);

/// Whom an assertion is to be about, and what the gateway is told beside it.
struct Found {
    subject: Subject,
    requests_per_minute: i32,
}

#[async_trait]
impl AssertionService for Assertions {
    async fn exchange(
        &self,
        request: Request<pb::ExchangeRequest>,
    ) -> Result<Response<pb::Assertion>, Status> {
        let (proof, ask) = admit_anonymous::<_, pb::ExchangeRequest>(request)?;
        let access = Access::verify(&ask.credential, &self.0.keys.now())?;

        let who = (access.sub, access.sid);
        let epoch = access.org.map(|_| access.epoch);
        let found = self.look_up(&proof, who, access.org, epoch).await?;

        Ok(Response::new(self.mint(&found, Some(access.exp))?))
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
        let found = self.look_up(&proof, who, org, None).await?;

        Ok(Response::new(self.mint(&found, None)?))
    }

    async fn mint_view(
        &self,
        request: Request<pb::MintViewRequest>,
    ) -> Result<Response<pb::MintViewResponse>, Status> {
        let (permit, ask) = admit::<_, pb::MintViewRequest>(request)?;
        let contract = Contract::get().map_err(|error| Error::internal(error.to_string()))?;
        let member = ask.member_id.parse().map_err(|_| Error::NotFound("member"))?;

        let mut tx = self.0.db.write(&permit).await?;
        let member = member::store::fetch(&mut tx, member).await?;
        let subject = view::of(contract, permit.caller(), &member)?;
        let (assertion, _) = self.0.keys.now().minter.assertion(&subject, secret::now())?;
        tx.emit(Change {
            name: "member.viewed",
            noun: "member",
            record_id: member.member_id.uuid(),
            version: member.version,
            before: None,
            after: json!({ "collection": ask.collection }),
            approval: None,
        });

        Ok(Response::new(tx.commit(pb::MintViewResponse { assertion }).await?))
    }

    async fn list_keys(
        &self,
        request: Request<pb::ListKeysRequest>,
    ) -> Result<Response<pb::ListKeysResponse>, Status> {
        let (_, _) = admit_anonymous::<_, pb::ListKeysRequest>(request)?;

        let keys = self.0.keys.now().public().into_iter();
        let keys = keys.map(|key| pb::Key { key_id: key.kid, public_key: key.bytes });
        Ok(Response::new(pb::ListKeysResponse { keys: keys.collect() }))
    }
}

impl Assertions {
    async fn look_up(
        &self,
        proof: &Anonymous,
        who: (PersonId, SessionId),
        org: Option<OrganizationId>,
        epoch: Option<i64>,
    ) -> Result<Found> {
        let found = store::exchange(&self.0.functions, proof, who, org, epoch).await?;
        let requests_per_minute = found.requests_per_minute.unwrap_or_default();
        Ok(Found { subject: subject(who, org, found)?, requests_per_minute })
    }

    fn mint(&self, found: &Found, credential_until: Option<i64>) -> Result<pb::Assertion> {
        let Found { subject, requests_per_minute } = found;
        let (assertion, expires) = self.0.keys.now().minter.assertion(subject, secret::now())?;
        let organization = subject.organization.as_ref();
        let role = organization.and_then(|organization| organization.role);
        let until = |seconds| Timestamp { seconds, nanos: 0 };
        Ok(pb::Assertion {
            assertion,
            expire_time: Some(until(expires)),
            organization_id: organization.map(|o| o.id.to_string()).unwrap_or_default(),
            role: role.map(|role| role.to_string()).unwrap_or_default(),
            principal_id: subject.id.to_string(),
            session_id: subject.session.map(|id| id.to_string()).unwrap_or_default(),
            epoch: organization.map_or(0, |organization| organization.epoch),
            requests_per_minute: *requests_per_minute,
            credential_expire_time: credential_until.map(until),
        })
    }
}
