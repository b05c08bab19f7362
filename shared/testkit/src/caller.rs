//! People of an organisation, with assertions of their role.

use devsphere_auth::{ASSERTION, Kind, Organization, PEER, PermissionSet, Role, Standing, Subject};
use devsphere_boot::Channel;
use devsphere_ids::{OrganizationId, PersonId, SessionId};
use sqlx::Executor as _;
use tonic::{
    Request, Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
};
use uuid::Uuid;

use crate::World;

/// A channel that carries an assertion.
pub type CallerChannel = InterceptedService<Channel, Speak>;

/// An organisation in a world.
pub struct Org<'w> {
    world: &'w World,
    id: OrganizationId,
}

/// Somebody who calls.
pub struct Caller<'w> {
    world: &'w World,
    person: PersonId,
    assertion: String,
}

/// Puts an assertion, or a peer's name, on each call.
#[derive(Clone)]
pub struct Speak {
    assertion: Option<MetadataValue<Ascii>>,
    peer: Option<MetadataValue<Ascii>>,
}

impl<'w> Org<'w> {
    pub(crate) async fn arrange(world: &'w World, name: &str) -> Self {
        let id = OrganizationId::fresh();
        let insert = sqlx::query(
            "insert into identity.organization (org_id, display_name, time_zone, currency_code, locale)
             values ($1, $2, 'Europe/Berlin', 'EUR', 'en')",
        );
        if world.endpoints().contains_key("identity") {
            world.admin().await.execute(insert.bind(id).bind(name)).await.unwrap();
        }
        Self { world, id }
    }

    /// Its id.
    pub const fn id(&self) -> OrganizationId {
        self.id
    }

    /// An active member with that role, signed in.
    ///
    /// # Panics
    /// When it cannot be arranged; it needs identity.
    pub async fn member(&self, name: &str, role: Role) -> Caller<'w> {
        let (person, session) = (PersonId::fresh(), SessionId::fresh());
        let arrange = sqlx::query(
            "with p as (
                 insert into identity.person (person_id, email, display_name) values ($1, $2, $3)
             ), s as (
                 insert into identity.session (person_id, session_id, user_agent, expire_time, limit_time)
                 values ($1, $6, 'test', now() + interval '1 day', now() + interval '1 day')
             )
             insert into identity.member (org_id, member_id, person_id, email, display_name, role, activate_time)
             values ($4, gen_random_uuid(), $1, $2, $3, $5, now())",
        );
        let email = format!("{name}@{}.example", self.id);
        let arrange = arrange.bind(person).bind(email).bind(name).bind(self.id);
        // One statement cannot see its own rows, so the foreign key waits for its end.
        let mut admin = self.world.admin().await;
        admin.execute(arrange.bind(role.as_str()).bind(session)).await.unwrap();
        self.speak(person, session, Some(role), role.permissions())
    }

    /// Somebody with exactly these permissions, who is nowhere else known.
    pub fn caller(&self, permissions: &[&str]) -> Caller<'w> {
        let permissions = PermissionSet::matching(permissions);
        self.speak(PersonId::fresh(), SessionId::fresh(), None, permissions)
    }

    fn speak(
        &self,
        person: PersonId,
        session: SessionId,
        role: Option<Role>,
        permissions: PermissionSet,
    ) -> Caller<'w> {
        let subject = Subject {
            kind: Kind::User,
            id: person.uuid(),
            session: Some(session.uuid()),
            organization: Some(organization(self.id.uuid(), role)),
            client: None,
            permissions,
        };
        let (assertion, _) = self.world.minter.assertion(&subject, now()).unwrap();
        Caller { world: self.world, person, assertion }
    }
}

/// An active organisation as an assertion states it.
pub fn organization(id: Uuid, role: Option<Role>) -> Organization {
    Organization {
        id,
        standing: Standing::Active,
        zone: "Europe/Berlin".into(),
        currency: "EUR".into(),
        locale: "en".into(),
        role,
        epoch: 1,
    }
}

/// Seconds since 1970.
pub(crate) fn now() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    now.as_secs().cast_signed()
}

impl Caller<'_> {
    /// A channel to a service that speaks for this caller.
    pub fn channel(&self, service: &str) -> CallerChannel {
        Self::speaking(self.world.channel(service), &self.assertion)
    }

    /// Who it is.
    pub const fn person_id(&self) -> PersonId {
        self.person
    }

    /// The assertion itself.
    pub fn assertion(&self) -> &str {
        &self.assertion
    }

    pub(crate) fn speaking(channel: Channel, assertion: &str) -> CallerChannel {
        let speak = Speak { assertion: assertion.parse().ok(), peer: None };
        InterceptedService::new(channel, speak)
    }
}

impl Speak {
    /// A service that calls without anybody behind it.
    pub fn peer(channel: Channel, name: &str) -> CallerChannel {
        InterceptedService::new(channel, Self { assertion: None, peer: name.parse().ok() })
    }

    /// A service that calls for somebody.
    pub fn peer_for(channel: Channel, name: &str, caller: &Caller<'_>) -> CallerChannel {
        let speak = Self { assertion: caller.assertion.parse().ok(), peer: name.parse().ok() };
        InterceptedService::new(channel, speak)
    }
}

impl Interceptor for Speak {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        for (name, value) in [(ASSERTION, &self.assertion), (PEER, &self.peer)] {
            if let Some(value) = value {
                request.metadata_mut().insert(name, value.clone());
            }
        }
        Ok(request)
    }
}
