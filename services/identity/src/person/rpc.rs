//! The caller's own person: one function per method.

use devsphere_db::Change;
use devsphere_error::{Error, Result};
use devsphere_ids::SessionId;
use devsphere_proto::identity::v1::{self as pb, person_service_server::PersonService};
use devsphere_rpc::admit;
use serde_json::json;
use tonic::{Request, Response, Status, async_trait};

use super::{NewPassword, plain_code, store};
use crate::{
    Identity, member,
    organization::Organization,
    secret::sha256,
    session::{
        GuessKeys,
        rpc::{ended_event, wait},
        store::begin_guess,
    },
};

pub(crate) struct People(pub(crate) Identity);

#[async_trait]
impl PersonService for People {
    async fn get_me(&self, request: Request<pb::GetMeRequest>) -> Result<Response<pb::Me>, Status> {
        let (permit, _) = admit::<_, pb::GetMeRequest>(request)?;

        let mut tx = self.0.db.read(&permit).await?;
        let me = store::fetch_me(&mut tx).await?;

        let organization = me.organization.map(serde_json::from_value::<Organization>).transpose();
        let own = me.member.map(serde_json::from_value::<member::Member>).transpose();
        let mut permissions: Vec<String> =
            permit.caller().permissions().names().map(str::to_owned).collect();
        permissions.sort();
        Ok(Response::new(pb::Me {
            person: Some(me.granted.person()?),
            organization: organization
                .map_err(Error::internal)?
                .map(|organization| organization.to_wire(permit.caller())),
            member: own.map_err(Error::internal)?.map(|own| own.to_wire(permit.caller())),
            permissions,
            affiliations: me.granted.affiliations()?,
        }))
    }

    async fn change_password(
        &self,
        request: Request<pb::ChangePasswordRequest>,
    ) -> Result<Response<pb::ChangePasswordResponse>, Status> {
        let (permit, ask) = admit::<_, NewPassword>(request)?;
        let wrong = || Error::field("current_password", "is wrong");

        // Hashing is slow, so no transaction is open meanwhile; the update checks that the
        // password compared with still stands.
        let known = {
            let mut tx = self.0.db.read(&permit).await?;
            store::fetch_password(&mut tx).await?
        };
        let known = known.ok_or_else(|| Error::internal("a person without a password"))?;
        // Counted like a sign-in: who holds a session must not guess the password without end.
        let own = permit.caller().id().to_string();
        let keys = GuessKeys::new(&own, permit.facts().address);
        let guess = begin_guess(&self.0.functions, &permit, &keys, &own).await?;
        wait(guess.wait_seconds)?;
        if !self.0.passwords.compare(ask.current, Some(known.clone())).await?.right {
            // A retry of what was carried out proves the password of before: it hears that first.
            drop(self.0.db.write(&permit).await?);
            return Err(wrong().into());
        }
        let new = self.0.passwords.hash(ask.new).await?;

        let mut tx = self.0.db.write(&permit).await?;
        let current = permit.caller().session().map(SessionId::from);
        let ended = store::update_password(&mut tx, (&known, &new), current, &keys)
            .await?
            .ok_or_else(wrong)?;
        tx.emit(Change {
            name: "person.password_changed",
            noun: "person",
            record_id: permit.caller().id(),
            version: 1,
            before: None,
            after: json!({ "ended_sessions": ended.len() }),
            approval: None,
        });
        for session in ended {
            tx.emit(ended_event(session, "password"));
        }

        Ok(Response::new(tx.commit(pb::ChangePasswordResponse {}).await?))
    }

    async fn claim_platform_admin(
        &self,
        request: Request<pb::ClaimPlatformAdminRequest>,
    ) -> Result<Response<pb::Person>, Status> {
        let (permit, ask) = admit::<_, pb::ClaimPlatformAdminRequest>(request)?;

        let mut tx = self.0.db.write(&permit).await?;
        if !store::claim_platform_admin(&mut tx, &sha256(&plain_code(&ask.code))).await? {
            return Err(Error::field("code", "is not valid, or was used").into());
        }
        let me = store::fetch_me(&mut tx).await?;
        tx.emit(Change {
            name: "person.platform_admin_claimed",
            noun: "person",
            record_id: permit.caller().id(),
            version: 1,
            before: None,
            after: json!({}),
            approval: None,
        });

        let person = me.granted.person()?;
        Ok(Response::new(tx.commit(person).await?))
    }
}
