//! People in great number, signed in without the wait for their passwords.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use devsphere_auth::{Kind, Role, Subject};
use devsphere_proto::{
    crm::v1::{GetLeadRequest, ListLeadsRequest, lead_service_client::LeadServiceClient},
    identity::v1::{
        GetMeRequest, GetMemberRequest, member_service_client::MemberServiceClient,
        person_service_client::PersonServiceClient,
    },
};
use devsphere_testkit::organization;
use serde_json::json;
use sqlx::Executor as _;
use tonic::{Code, Status};
use uuid::Uuid;

use crate::whole::{Mesh, Signed};

/// Somebody with a session, an access token of it, and an assertion of it.
pub struct Someone {
    pub member: Uuid,
    pub person: Uuid,
    pub session: Uuid,
    pub org: Uuid,
    pub token: String,
    pub assertion: String,
}

pub const PLACES: [&str; 3] = ["gateway", "crm", "identity"];

impl Someone {
    /// A salesperson of that organisation.
    pub async fn arrange(mesh: &Mesh, org: Uuid) -> Self {
        let [member, person] = [Uuid::now_v7(), Uuid::now_v7()];
        let arrange = sqlx::query(
            "with p as (
                 insert into identity.person (person_id, email, display_name)
                 values ($1, $1::text || '@example.com', 'Somebody')
             )
             insert into identity.member (org_id, member_id, person_id, email, display_name, role, activate_time)
             values ($2, $3, $1, $1::text || '@example.com', 'Somebody', 'sales', now())",
        );
        mesh.world
            .admin()
            .await
            .execute(arrange.bind(person).bind(org).bind(member))
            .await
            .unwrap();
        Self::of(mesh, member, person, org).await
    }

    async fn of(mesh: &Mesh, member: Uuid, person: Uuid, org: Uuid) -> Self {
        let session = Uuid::now_v7();
        let arrange = sqlx::query(
            "insert into identity.session (person_id, session_id, user_agent, expire_time, limit_time)
             values ($1, $2, 'test', now() + interval '1 day', now() + interval '1 day')",
        );
        mesh.world.admin().await.execute(arrange.bind(person).bind(session)).await.unwrap();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().cast_signed();
        let claims = json!({
            "iss": "devsphere-identity", "aud": "devsphere-gateway", "iat": now, "nbf": now,
            "exp": now + 600, "sub": person, "sid": session, "org": org, "epoch": 1,
        });
        let organization = organization(org, Some(Role::Sales));
        let subject = Subject {
            kind: Kind::User,
            id: person,
            session: Some(session),
            organization: Some(organization),
            client: None,
            permissions: Role::Sales.permissions(),
        };
        let token = mesh.world.backend().keys.access.sign("at+jwt", &claims).unwrap();
        let (assertion, _) = mesh.world.minter().assertion(&subject, now).unwrap();
        Self { member, person, session, org, token, assertion }
    }

    /// The same person signed in once more.
    pub async fn again(&self, mesh: &Mesh) -> Self {
        Self::of(mesh, self.member, self.person, self.org).await
    }

    pub fn signed(&self, mesh: &Mesh) -> Signed {
        mesh.with_token(&self.token)
    }

    /// A read at the gateway, or at a service with the assertion that is still valid by itself.
    pub async fn read(&self, mesh: &Mesh, place: &str) -> Result<(), Status> {
        let list = ListLeadsRequest { page_size: 1, ..ListLeadsRequest::default() };
        match place {
            "gateway" => {
                let mut leads = LeadServiceClient::new(self.signed(mesh));
                leads.list_leads(list).await.map(|_| ())
            }
            "crm" => {
                let crm = mesh.world.with_assertion("crm", &self.assertion);
                LeadServiceClient::new(crm).list_leads(list).await.map(|_| ())
            }
            _ => {
                let identity = mesh.world.with_assertion("identity", &self.assertion);
                PersonServiceClient::new(identity).get_me(GetMeRequest {}).await.map(|_| ())
            }
        }
    }

    /// Whether the place lets them in: it refuses the request for what it asks, or for who asks.
    /// Nothing waits for the database, so that what is measured is the revocation.
    async fn is_let_in(&self, mesh: &Mesh, place: &str) -> bool {
        let wrong = "no id".to_owned();
        let lead = GetLeadRequest { lead_id: wrong.clone() };
        let refused = match place {
            "gateway" => {
                let mut leads = LeadServiceClient::new(self.signed(mesh));
                leads.get_lead(lead).await.unwrap_err()
            }
            "crm" => {
                let crm = mesh.world.with_assertion("crm", &self.assertion);
                LeadServiceClient::new(crm).get_lead(lead).await.unwrap_err()
            }
            _ => {
                let identity = mesh.world.with_assertion("identity", &self.assertion);
                let member = GetMemberRequest { member_id: wrong };
                MemberServiceClient::new(identity).get_member(member).await.unwrap_err()
            }
        };
        let known = [Code::Unauthenticated, Code::InvalidArgument, Code::PermissionDenied];
        assert!(known.contains(&refused.code()), "{place}: {refused}");
        refused.code() != Code::Unauthenticated
    }

    /// From when on the place let them in no more, after `since`.
    pub async fn let_in(&self, mesh: &Mesh, place: &str, since: Instant) -> Duration {
        loop {
            let sent = since.elapsed();
            if !self.is_let_in(mesh, place).await {
                return sent;
            }
            assert!(sent < Duration::from_secs(20), "{place} lets them in for ever");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}
