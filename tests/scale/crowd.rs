//! Organisations with a thousand leads each, members, and a log of what they did.

use std::time::{SystemTime, UNIX_EPOCH};

use devsphere_auth::{ASSERTION, Kind, PermissionSet, Role, Subject, TicketFields, module_bits};
use devsphere_proto::Contract;
use devsphere_testkit::{World, organization};
use sqlx::{AssertSqlSafe, Executor as _, raw_sql};
use tonic::Request;
use uuid::Uuid;

/// Leads of each organisation.
const EACH: usize = 1000;
/// Members of each, and records of the log.
const MEMBERS: i32 = 20;
const RECORDS: i32 = 100;
/// Sites of each, and keywords, which go round them.
const SITES: i32 = 50;
const KEYWORDS: i32 = 500;
/// Questions of each to models.
const QUESTIONS: i32 = 500;

/// A world that is full of people.
pub struct Crowd<'w> {
    pub world: &'w World,
    /// One of the organisations.
    pub own: Uuid,
    /// Whoever asks; some leads of each organisation are theirs.
    who: Uuid,
}

impl<'w> Crowd<'w> {
    /// So many organisations.
    pub async fn fill(world: &'w World, organizations: usize) -> Self {
        let crowd = Self { world, own: Uuid::new_v4(), who: Uuid::new_v4() };
        let mut all = vec![crowd.own];
        all.resize_with(organizations, Uuid::new_v4);
        let mut admin = world.admin().await;
        // Neither queues for the sealer nor foreign keys: only what lists read.
        admin.execute("set session_replication_role = replica").await.unwrap();
        let places = "create temporary table organization (place int, org_id uuid)";
        admin.execute(places).await.unwrap();
        let insert = "insert into organization
                      select row_number() over () - 1, one from unnest($1::uuid[]) as one";
        sqlx::query(insert).bind(&all).execute(&mut admin).await.unwrap();
        sqlx::query(LEADS)
            .bind(i32::try_from(organizations * EACH).unwrap())
            .bind(i32::try_from(organizations).unwrap())
            .bind(crowd.who)
            .execute(&mut admin)
            .await
            .unwrap();
        let inserts = [
            (PLACES, 1),
            (PEOPLE, MEMBERS),
            (LOG, RECORDS),
            (ADDRESSES, SITES),
            (PHRASES, KEYWORDS),
            (LEDGER, QUESTIONS),
        ];
        for (insert, each) in inserts {
            sqlx::query(insert).bind(each).execute(&mut admin).await.unwrap();
        }
        for table in [
            "crm.lead",
            "identity.member",
            "identity.organization",
            "platform.audit",
            "seo.site",
            "seo.keyword",
            "agent.usage",
        ] {
            let vacuum = format!("vacuum analyze {table}");
            admin.execute(raw_sql(AssertSqlSafe(vacuum))).await.unwrap();
        }
        crowd
    }

    /// A call of somebody with that role there.
    pub fn request<T>(&self, org: Uuid, role: Role, message: T) -> Request<T> {
        let subject = Subject {
            kind: Kind::User,
            id: self.who,
            session: Some(Uuid::new_v4()),
            organization: Some(organization(org, Some(role))),
            client: None,
            permissions: role.permissions(),
        };
        let (assertion, _) = self.world.minter().assertion(&subject, now()).unwrap();
        let mut request = Request::new(message);
        request.metadata_mut().insert(ASSERTION, assertion.parse().unwrap());
        request
    }

    /// The ticket of somebody there who sees everything.
    pub fn ticket(&self, organization: Uuid) -> String {
        let everything = PermissionSet::matching(&["*"]);
        let fields = TicketFields {
            expires: now() + 60,
            kind: Kind::User,
            org: Some(organization),
            sub: self.who,
            session: None,
            client: None,
            all: module_bits(Contract::get().unwrap(), &everything),
        };
        self.world.backend().keys.ticket.ticket(&fields).as_str().to_owned()
    }
}

/// Seconds since 1970.
fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().cast_signed()
}

/// In the order in which they came: an organisation's leads lie between everybody else's. `$1` leads of
/// `$2` organisations; some are nobody's, some belong to `$3`, some are in the trash.
const LEADS: &str = "
    insert into crm.lead (org_id, lead_id, display_name, company, job_title, email, phone, source, value_minor,
        value_currency, owner_id, assigned_by, state, create_time, update_time, state_time, delete_time)
    select org_id,
        (lpad(to_hex(1700000000000 + n), 12, '0') || '7' || substr(md5(n::text), 1, 3)
            || '8' || substr(md5(n::text), 4, 15))::uuid,
        'Lead ' || n, 'Company ' || n % 5000, 'Buyer', 'lead' || n || '@example.com', '+49 30 ' || n, 'web',
        n, 'EUR',
        case turn % 10 when 0 then null when 1 then $3 else md5((turn % 20)::text)::uuid end,
        case turn % 50 when 2 then $3 end,
        (array['new', 'contacted', 'qualified', 'won', 'lost', 'disqualified'])[1 + turn % 6],
        at, at, at, case when turn % 20 = 7 then at end
    from generate_series(0, $1 - 1) as n
        cross join lateral (select n / $2, timestamptz '2026-01-01' + n * interval '10 seconds') as x (turn, at)
        join organization on place = n % $2";

const PLACES: &str = "
    insert into identity.organization (org_id, display_name, time_zone, currency_code, locale)
    select org_id, 'Organisation ' || place, 'Europe/Berlin', 'EUR', 'en'
    from organization, generate_series(1, $1) on conflict do nothing";

const PEOPLE: &str = "
    insert into identity.member (org_id, member_id, person_id, email, display_name, role, activate_time)
    select org_id, gen_random_uuid(), gen_random_uuid(), n || '@' || place || '.example', 'Member ' || n, 'sales', now()
    from generate_series(1, $1) as n, organization";

const LOG: &str = "
    insert into platform.audit (org_id, action, noun, record_id, principal_kind, principal_id, method, trace_id,
        create_time)
    select org_id, 'lead.created', 'lead', gen_random_uuid(), 'user', gen_random_uuid(),
        '/devsphere.crm.v1.LeadService/CreateLead', gen_random_uuid(), now() - n * interval '1 minute'
    from generate_series(1, $1) as n, organization";

const ADDRESSES: &str = "
    insert into seo.site (org_id, site_id, display_name, base_url, language, approval_gate, create_time, delete_time)
    select org_id, md5(place || ' ' || n % 50)::uuid, 'Site ' || n, 'https://s' || n || '.example', 'en', 'required',
        now() - n * interval '1 day', case when n % 10 = 7 then now() end
    from generate_series(1, $1) as n, organization";

const PHRASES: &str = "
    insert into seo.keyword (org_id, keyword_id, site_id, phrase, device, intent, monthly_volume, create_time,
        delete_time)
    select org_id, gen_random_uuid(), md5(place || ' ' || n % 50)::uuid, 'phrase ' || n, 'desktop',
        case when n % 3 > 0 then 'commercial' end, n, now() - n * interval '1 minute',
        case when n % 10 = 7 then now() end
    from generate_series(1, $1) as n, organization";

const LEDGER: &str = "
    insert into agent.usage (org_id, usage_id, generation_id, agent_key, step, person_id, provider_host, model, state,
        month, expire_time, create_time, end_time)
    select org_id, gen_random_uuid(), md5(place || ' ' || n / 4)::uuid, 'seo-content-writer',
        (array['outline', 'draft', 'repair', 'check'])[1 + n % 4], md5((n % 20)::text)::uuid, 'api.example.com',
        'model-' || n % 3, (array['running', 'succeeded', 'failed', 'cancelled'])[1 + n % 4], '2026-11-01', at, at, at
    from generate_series(1, $1) as n
        cross join lateral (select now() - n * interval '1 minute') as x (at), organization";
