//! One of each process, twenty organisations, and somebody of one of them who calls.
#![expect(clippy::disallowed_methods, reason = "arranges what no RPC can")]

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use devsphere_auth::{Kind, Role, Subject, mint::Minter, module_bits};
use devsphere_boot::Tasks;
use devsphere_proto::{Contract, crm::v1::lead_service_client::LeadServiceClient};
use devsphere_testkit::{Counter, eventually, organization};
use sqlx::{Connection as _, PgConnection, Row as _};
use uuid::Uuid;

use super::{
    load::Calls,
    operation::{Operation, Stored},
    pgbench::{Pgbench, Script},
    usage::{Processes, parent},
    wire::Block,
};
use crate::{
    apart::{
        front::Front,
        set::{GATEWAY, Process, Set},
        stranger::{Press, config, service},
    },
    attacks::raw::message,
    whole::Signed,
};

const NUMBER: u8 = 1;
const SERVICE: &str = "crm";

/// The organisations, and the leads of each.
const ORGANIZATIONS: i32 = 20;
const LEADS: i32 = 2000;

/// Those that are asked for.
const ASKED_FOR: i64 = 16;

/// How a call comes to the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// gRPC through the gateway.
    Gateway,
    /// Connect with JSON through the gateway.
    Json,
    /// gRPC from whoever may stand where the gateway does.
    Direct,
}

pub struct Stage {
    pub processes: Processes,
    pub pgbench: Pgbench,
    set: Set,
    token: String,
    subject: Subject,
    stored: Stored,
    fresh: Arc<AtomicU64>,
    _running: Vec<Process>,
}

impl Stage {
    pub async fn arrange() -> Self {
        let set = Set::arrange_of(&[NUMBER], "1h").await;
        let tasks = Tasks::default();
        let counter = Counter::start(set.backend.port(), &tasks).await;
        let straight = set.backend.url();
        let [server, between] =
            [set.backend.port(), counter.port()].map(|port| format!(":{port}/"));
        let seen = set.start_over(&straight.replace(&server, &between), SERVICE, NUMBER).await;
        let identity = set.start("identity", NUMBER).await;
        let gateway = set.start(GATEWAY, NUMBER).await;
        let front = Front::of(&set);
        let grant = front.sign_up("ada@example.com").await;

        let mut admin = PgConnection::connect_with(&set.backend.admin()).await.unwrap();
        let id = |text: &str| -> Uuid { text.parse().unwrap() };
        let org = id(&grant.organization_id);
        let person = id(&grant.person.as_ref().unwrap().person_id);
        let leads = fill(&mut admin, org, person).await;
        let mut client = LeadServiceClient::new(front.signed(&grant));
        let stored = what_is_stored(&mut client, &mut admin, leads, &counter).await;
        seen.kill().await;
        let crm = set.start(SERVICE, NUMBER).await;
        eventually("the service again", async || stored.every(&mut client).await.ok()).await;

        let backend: i32 =
            sqlx::query_scalar("select pg_backend_pid()").fetch_one(&mut admin).await.unwrap();
        let processes = Processes {
            gateway: gateway.pid(),
            service: crm.pid(),
            postmaster: parent(backend.unsigned_abs()),
        };
        let database = set.backend.admin().get_database().unwrap().to_owned();
        let folder = set.folder().join("pgbench");
        std::fs::create_dir(&folder).unwrap();
        let pgbench = Pgbench {
            folder,
            port: set.backend.port(),
            database,
            role: "devsphere_crm".into(),
            password: "test".into(),
        };
        let subject = subject(org, person, id(&grant.session_id));
        let running = vec![identity, gateway, crm];
        let fresh = Arc::new(AtomicU64::new(Uuid::new_v4().as_u64_pair().1 & 0xffff_ffff_ffff));
        let token = grant.access_token;
        Self { processes, pgbench, set, token, subject, stored, fresh, _running: running }
    }

    /// What pgbench runs for an operation, with a ticket that lasts.
    pub fn script(&self, operation: Operation) -> Script {
        let contract = Contract::get().unwrap();
        let ticket = self.set.backend.keys.ticket.ticket(&devsphere_auth::TicketFields {
            expires: now() + 3600,
            kind: self.subject.kind,
            org: self.subject.organization.as_ref().map(|organization| organization.id),
            sub: self.subject.id,
            session: self.subject.session,
            client: None,
            all: module_bits(contract, &self.subject.permissions),
        });
        self.stored.script(operation, ticket.as_str())
    }

    /// An operation that way.
    pub fn calls(&self, operation: Operation, way: Way) -> Calls {
        let bearer = format!("Bearer {}", self.token);
        let is_json = way == Way::Json;
        let kind = if is_json { "application/json" } else { "application/grpc" };
        let mut kept = vec![
            (":method", "POST"),
            (":scheme", "http"),
            (":path", operation.path()),
            (":authority", "gateway"),
            ("content-type", kind),
            ("user-agent", "bench"),
        ];
        if !is_json {
            kept.push(("te", "trailers"));
        }
        let stored = self.stored.clone();
        let fresh = self.fresh.clone();
        let body = move || {
            let number = fresh.fetch_add(1, Ordering::Relaxed);
            let body = stored.body(operation, number, is_json);
            if is_json { body } else { message(&body) }
        };
        let body = Arc::new(body);
        if way != Way::Direct {
            kept.push(("authorization", &bearer));
            let block = Block::new(&kept, None);
            return Calls { to: self.set.gateway(NUMBER), tls: None, block, body };
        }
        kept.push(("devsphere-peer", GATEWAY));
        // As the gateway sends it.
        let block = Block::new(&kept, Some(("devsphere-assertion", &self.assertion())));
        let paper =
            Press::ours(&self.set).print(vec![service(GATEWAY)], std::time::SystemTime::now());
        let tls = Some(config(Some(&paper)));
        Calls { to: self.set.listener(SERVICE, NUMBER), tls, block, body }
    }

    /// Good for a minute.
    fn assertion(&self) -> String {
        let keys = &self.set.backend.keys;
        let contract = Contract::get().unwrap();
        let minter = Minter::new(contract, keys.assertion.clone(), keys.ticket.clone());
        minter.assertion(&self.subject, now()).unwrap().0
    }
}

/// Leads of twenty organisations, one of which is that one; some of its ids.
async fn fill(admin: &mut PgConnection, org: Uuid, person: Uuid) -> Vec<Uuid> {
    let insert = sqlx::query(
        "with orgs as (
             select $1 as org_id union all select gen_random_uuid() from generate_series(2, $3)
         )
         insert into crm.lead (org_id, lead_id, display_name, company, job_title, email, phone, source,
                               value_minor, value_currency, tags, note, owner_id, create_time)
         select org_id, gen_random_uuid(), 'Lead ' || n, 'Northwind ' || n, 'Managing director',
                'lead-' || n || '@example.com', '+46 8 123 456', 'website', n * 100, 'EUR', '{warm,2026}',
                'Met at the fair.', $2, now() - n * interval '1 minute'
         from orgs, generate_series(1, $4) as n",
    );
    let insert = insert.bind(org).bind(person).bind(ORGANIZATIONS).bind(LEADS);
    insert.execute(&mut *admin).await.unwrap();
    sqlx::query("vacuum (analyze) crm.lead").execute(&mut *admin).await.unwrap();
    let some = sqlx::query_scalar("select lead_id from crm.lead where org_id = $1 limit $2");
    some.bind(org).bind(ASKED_FOR).fetch_all(admin).await.unwrap()
}

/// What the service says to PostgreSQL, seen on the way, and what a create leaves there.
async fn what_is_stored(
    client: &mut LeadServiceClient<Signed>,
    admin: &mut PgConnection,
    leads: Vec<Uuid>,
    counter: &Counter,
) -> Stored {
    let mut stored = Stored { leads, ..Stored::default() };
    stored.every(client).await.unwrap();
    stored.statements = counter.prepared();
    let left = sqlx::query(
        "select o.record_id, o.data::text, i.answer from platform.outbox as o, platform.idempotency as i
         where o.name = 'lead.created' and i.method like '%/CreateLead'",
    );
    let left = left.fetch_one(admin).await.unwrap();
    stored.lead_id = left.get(0);
    stored.event = serde_json::from_str(left.get(1)).unwrap();
    stored.answer = left.get(2);
    stored
}

fn subject(org: Uuid, person: Uuid, session: Uuid) -> Subject {
    let organization = organization(org, Some(Role::Ceo));
    Subject {
        kind: Kind::User,
        id: person,
        session: Some(session),
        organization: Some(organization),
        client: None,
        permissions: Role::Ceo.permissions(),
    }
}

fn now() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    now.as_secs().cast_signed()
}
