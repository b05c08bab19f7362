//! Signing up, in and out: one function per method.

use devsphere_auth::Anonymous;
use devsphere_db::Change;
use devsphere_error::{Check, Error, Result};
use devsphere_ids::{OrganizationId, SessionId};
use devsphere_proto::identity::v1::{self as pb, session_service_server::SessionService};
use devsphere_rpc::{admit, admit_anonymous, time::timestamp};
use serde_json::json;
use std::time::Duration;
use tonic::{Request, Response, Status, async_trait};

use super::{GuessKeys, SignIn, SignUp, store};
use crate::{
    Core, Identity, password,
    secret::{Opaque, REFRESH, sha256},
};

pub(crate) struct Sessions(pub(crate) Identity);

#[async_trait]
impl SessionService for Sessions {
    async fn sign_up(
        &self,
        request: Request<pb::SignUpRequest>,
    ) -> Result<Response<pb::Grant>, Status> {
        let (proof, draft) = admit_anonymous::<_, SignUp>(request)?;

        let hash = self.0.passwords.hash(draft.password.clone()).await?;
        let refresh = Opaque::generate(REFRESH)?;
        let granted =
            store::sign_up(&self.0.functions, &proof, &draft, &hash, &refresh.hash()).await?;

        Ok(Response::new(granted.hand_out(&self.0, Some(refresh))?))
    }

    async fn sign_in(
        &self,
        request: Request<pb::SignInRequest>,
    ) -> Result<Response<pb::Grant>, Status> {
        let (proof, ask) = admit_anonymous::<_, SignIn>(request)?;

        let keys = GuessKeys::new(&ask.email, proof.facts().address);
        let guess = store::begin_guess(&self.0.functions, &proof, &keys, &ask.email).await?;
        wait(guess.wait_seconds)?;
        let right = self.0.passwords.compare(ask.password, guess.password_hash).await?.right;
        let person = guess.person_id.filter(|_| right).ok_or(Error::BadCredentials)?;

        let refresh = Opaque::generate(REFRESH)?;
        let opening =
            store::Opening { keys: &keys, wanted: ask.organization, refresh_hash: refresh.hash() };
        let granted = store::sign_in(&self.0.functions, &proof, person, opening).await?;

        Ok(Response::new(granted.hand_out(&self.0, Some(refresh))?))
    }

    async fn refresh(
        &self,
        request: Request<pb::RefreshRequest>,
    ) -> Result<Response<pb::Grant>, Status> {
        let (proof, ask) = admit_anonymous::<_, pb::RefreshRequest>(request)?;

        let wanted = ask.organization_id.parse().ok();
        let keys = self.0.keys.now();
        let successor = |key| Opaque::successor(key, &ask.refresh_token);
        let mut next: Vec<_> = keys.all_access().into_iter().map(successor).collect();
        let hashes = (sha256(&ask.refresh_token), next.iter().map(Opaque::hash).collect());
        let (granted, place) = store::refresh(&self.0.functions, &proof, hashes, wanted).await?;

        Ok(Response::new(granted.hand_out(&self.0, Some(next.swap_remove(place)))?))
    }

    async fn activate(
        &self,
        request: Request<pb::ActivateRequest>,
    ) -> Result<Response<pb::ActivateResponse>, Status> {
        let (proof, ask) = admit_anonymous::<_, pb::ActivateRequest>(request)?;

        let invalid = || Error::field("activation_token", "is not valid any more");
        let hash = sha256(&ask.activation_token);
        let found = store::find_activation(&self.0.functions, &proof, &hash).await?;
        let email = found.email.ok_or_else(invalid)?;
        let keys = GuessKeys::new(&email, proof.facts().address);
        let claim = Claim { email: &email, name: &ask.display_name, password: ask.password };
        let new_hash = self.0.prove(&proof, &keys, claim, found.password_hash).await?;
        let name = (ask.display_name.trim(), &keys);
        let organization = store::activate(&self.0.functions, &proof, &hash, new_hash, name)
            .await?
            .ok_or_else(invalid)?;

        let organization_id = organization.to_string();
        Ok(Response::new(pb::ActivateResponse { email, organization_id }))
    }

    async fn switch_organization(
        &self,
        request: Request<pb::SwitchOrganizationRequest>,
    ) -> Result<Response<pb::Grant>, Status> {
        let (permit, ask) = admit::<_, pb::SwitchOrganizationRequest>(request)?;
        let wanted: OrganizationId = ask.organization_id.parse().map_err(not_found)?;

        let mut tx = self.0.db.read(&permit).await?;
        let granted = store::fetch_grant(&mut tx, wanted).await?;

        Ok(Response::new(granted.hand_out(&self.0, None)?))
    }

    async fn sign_out(
        &self,
        request: Request<pb::SignOutRequest>,
    ) -> Result<Response<pb::SignOutResponse>, Status> {
        let (permit, _) = admit::<_, pb::SignOutRequest>(request)?;

        let mut tx = self.0.db.write(&permit).await?;
        let session = permit.caller().session().map(SessionId::from);
        for ended in store::end(&mut tx, session, None, "sign_out").await? {
            tx.emit(ended_event(ended, "sign_out"));
        }

        Ok(Response::new(tx.commit(pb::SignOutResponse {}).await?))
    }

    async fn sign_out_everywhere(
        &self,
        request: Request<pb::SignOutEverywhereRequest>,
    ) -> Result<Response<pb::SignOutEverywhereResponse>, Status> {
        let (permit, _) = admit::<_, pb::SignOutEverywhereRequest>(request)?;

        let mut tx = self.0.db.write(&permit).await?;
        let ended = store::end(&mut tx, None, None, "sign_out").await?;
        for session in &ended {
            tx.emit(ended_event(*session, "sign_out"));
        }

        let ended_count = i32::try_from(ended.len()).unwrap_or(i32::MAX);
        Ok(Response::new(tx.commit(pb::SignOutEverywhereResponse { ended_count }).await?))
    }

    async fn list_sessions(
        &self,
        request: Request<pb::ListSessionsRequest>,
    ) -> Result<Response<pb::ListSessionsResponse>, Status> {
        let (permit, _) = admit::<_, pb::ListSessionsRequest>(request)?;

        let mut tx = self.0.db.read(&permit).await?;
        let sessions = store::list(&mut tx).await?;

        let current = permit.caller().session().map(SessionId::from);
        let wire = |session| to_wire(session, current);
        Ok(Response::new(pb::ListSessionsResponse {
            sessions: sessions.into_iter().map(wire).collect(),
        }))
    }

    async fn revoke_session(
        &self,
        request: Request<pb::RevokeSessionRequest>,
    ) -> Result<Response<pb::RevokeSessionResponse>, Status> {
        let (permit, ask) = admit::<_, pb::RevokeSessionRequest>(request)?;
        let session: SessionId = ask.session_id.parse().map_err(not_found)?;

        let mut tx = self.0.db.write(&permit).await?;
        let ended = store::end(&mut tx, Some(session), None, "revoked").await?;
        if ended.is_empty() {
            return Err(Error::NotFound("session").into());
        }
        tx.emit(ended_event(session, "revoked"));

        Ok(Response::new(tx.commit(pb::RevokeSessionResponse {}).await?))
    }
}

/// That an e-mail address is somebody's.
pub(crate) struct Claim<'a> {
    pub(crate) email: &'a str,
    pub(crate) name: &'a str,
    pub(crate) password: String,
}

impl Core {
    /// Somebody known proves that the account is theirs, and is counted like at a sign-in; somebody
    /// new chooses a password, whose hash is answered.
    pub(crate) async fn prove(
        &self,
        proof: &Anonymous,
        keys: &GuessKeys,
        claim: Claim<'_>,
        known: Option<String>,
    ) -> Result<Option<String>> {
        let Claim { email, name, password } = claim;
        let Some(known) = known else {
            let mut check = Check::default();
            password::check(&mut check, "password", &password, &[email, name]);
            check.done()?;
            return self.passwords.hash(password).await.map(Some);
        };
        let guess = store::begin_guess(&self.functions, proof, keys, email).await?;
        wait(guess.wait_seconds)?;
        if self.passwords.compare(password, Some(known)).await?.right {
            return Ok(None);
        }
        Err(Error::field("password", "is not the one of this e-mail address"))
    }
}

/// Refuses a guess that must wait.
pub(crate) fn wait(seconds: i32) -> Result<()> {
    match u64::try_from(seconds) {
        Ok(0) => Ok(()),
        Ok(seconds) => Err(Error::RateLimited { retry_after: Duration::from_secs(seconds) }),
        Err(error) => Err(Error::internal(error)),
    }
}

fn not_found(_: devsphere_ids::NotAnId) -> Error {
    Error::NotFound("record")
}

pub(crate) fn ended_event(session: SessionId, reason: &str) -> Change {
    Change {
        name: "session.ended",
        noun: "session",
        record_id: session.uuid(),
        version: 1,
        before: None,
        after: json!({ "reason": reason }),
        approval: None,
    }
}

fn to_wire(session: store::Session, current: Option<SessionId>) -> pb::Session {
    pb::Session {
        session_id: session.session_id.to_string(),
        user_agent: session.user_agent,
        client_address: session.client_address.unwrap_or_default(),
        create_time: Some(timestamp(session.create_time)),
        last_use_time: Some(timestamp(session.last_use_time)),
        expire_time: Some(timestamp(session.expire_time)),
        current: Some(session.session_id) == current,
    }
}
