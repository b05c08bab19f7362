//! Two crowds asked in turn for the same things: through the service, and as it asks PostgreSQL.

use std::time::{Duration, Instant};

use devsphere_auth::Role;
use devsphere_boot::Channel;
use devsphere_proto::crm::v1::{
    GetLeadRequest, ListLeadsRequest, lead_service_client::LeadServiceClient,
};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Executor as _, PgConnection, raw_sql};
use uuid::Uuid;

use super::crowd::Crowd;
use crate::counts::{Chance, full_or};

/// What is measured, by its name, and how long half of it took at most: with few, and with many.
pub type Pace = (&'static str, Duration, Duration);

/// The newest fifty of an organisation and one by its id, as the service asks for them.
const LIST: &str = "select array[(create_time)::text, (lead_id)::text] as page_key, lead_id, display_name,
    company, email, note, owner_id, assigned_by, state, create_time, update_time, version from crm.lead
    where (delete_time is null) order by (create_time) desc, (lead_id) desc limit $1";
const GET: &str =
    "select lead_id, display_name, company, email, note, owner_id, state, create_time, version
    from crm.lead where lead_id = any ($1)";

/// One crowd, as somebody sees it who asks for one organisation after another.
struct View<'c> {
    crowd: &'c Crowd<'c>,
    channel: Channel,
    connection: PgConnection,
    chance: Chance,
    /// Organisations with one of their leads each.
    known: Vec<(Uuid, Uuid)>,
}

/// One look at a crowd.
#[derive(Debug, Clone, Copy)]
enum Look {
    List,
    Get,
    ListInSql,
    GetInSql,
}

const LOOKS: [(Look, &str); 4] = [
    (Look::List, "list of 50"),
    (Look::Get, "get"),
    (Look::ListInSql, "list of 50, SQL alone"),
    (Look::GetInSql, "get, SQL alone"),
];

/// Asks both in turn, so that both suffer alike from whatever else this machine does.
pub async fn compare(few: &Crowd<'_>, many: &Crowd<'_>) -> Vec<Pace> {
    let mut views = [View::of(few).await, View::of(many).await];
    let mut paces = Vec::new();
    for (look, name) in LOOKS {
        let mut took = [Vec::new(), Vec::new()];
        for round in 0..full_or(2000, 80) {
            for (view, took) in views.iter_mut().zip(&mut took) {
                let one = view.look(look).await;
                // The first ones open connections and prepare statements.
                if round >= 20 {
                    took.push(one);
                }
            }
        }
        let [few, many] = took.map(half);
        paces.push((name, few, many));
    }
    paces
}

fn half(mut took: Vec<Duration>) -> Duration {
    took.sort();
    took[took.len() / 2]
}

impl<'c> View<'c> {
    async fn of(crowd: &'c Crowd<'c>) -> Self {
        let mut admin = crowd.world.admin().await;
        let known =
            "select distinct on (org_id) org_id, lead_id from crm.lead where delete_time is null";
        let known = sqlx::query_as(known).fetch_all(&mut admin).await.unwrap();
        let options = crowd.world.backend().options("devsphere_crm");
        let connection = options.connect().await.unwrap();
        let (channel, chance) = (crowd.world.channel("crm"), Chance::seeded());
        Self { crowd, channel, connection, chance, known }
    }

    async fn look(&mut self, look: Look) -> Duration {
        let place = self.chance.below(self.known.len() as u64);
        let (organization, lead_id) = self.known[usize::try_from(place).unwrap()];
        match look {
            Look::List => {
                let list = ListLeadsRequest { page_size: 50, ..Default::default() };
                let request = self.crowd.request(organization, Role::Ceo, list);
                let mut stub = LeadServiceClient::new(self.channel.clone());
                let begun = Instant::now();
                let answer = stub.list_leads(request).await.unwrap().into_inner();
                let took = begun.elapsed();
                assert_eq!(answer.leads.len(), 50);
                took
            }
            Look::Get => {
                let get = GetLeadRequest { lead_id: lead_id.to_string() };
                let request = self.crowd.request(organization, Role::Ceo, get);
                let mut stub = LeadServiceClient::new(self.channel.clone());
                let begun = Instant::now();
                stub.get_lead(request).await.unwrap();
                begun.elapsed()
            }
            Look::ListInSql => {
                let opening = self.opening(organization);
                let begun = Instant::now();
                self.connection.execute(raw_sql(AssertSqlSafe(opening))).await.unwrap();
                let list = sqlx::query(LIST).bind(51_i64).fetch_all(&mut self.connection).await;
                let took = begun.elapsed();
                assert_eq!(list.unwrap().len(), 51);
                took
            }
            Look::GetInSql => {
                let opening = self.opening(organization);
                let begun = Instant::now();
                self.connection.execute(raw_sql(AssertSqlSafe(opening))).await.unwrap();
                let get =
                    sqlx::query(GET).bind(vec![lead_id]).fetch_one(&mut self.connection).await;
                let took = begun.elapsed();
                get.unwrap();
                took
            }
        }
    }

    fn opening(&self, organization: Uuid) -> String {
        let ticket = self.crowd.ticket(organization);
        format!(
            "rollback; begin read only; select set_config('devsphere.ticket', '{ticket}', true)"
        )
    }
}
