//! Writers that send each lead under one request id until it is acknowledged, and what they were told.

use std::{
    collections::{BTreeMap, HashMap},
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use devsphere_proto::{
    crm::v1::lead_service_client::LeadServiceClient,
    identity::v1::session_service_client::SessionServiceClient,
};
use http::Uri;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use sqlx::{ConnectOptions as _, PgConnection, Row as _, postgres::PgConnectOptions};
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};
use tonic::{
    Code, Request, body::Body, service::interceptor::InterceptedService, transport::Endpoint,
};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

use crate::{
    apart::front::lead,
    clients::up::Up,
    whole::{Bearer, founding},
};

/// No call waits longer for its answer.
pub const DEADLINE: Duration = Duration::from_secs(1);
/// Whoever is told so late still counts it as told in time.
const GRACE: Duration = Duration::from_secs(1);
/// Whatever is back is back by then.
pub const BACK: Duration = Duration::from_secs(5);
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(20);
/// The service that the writers ask.
const LEADS: &str = "devsphere.crm.v1.LeadService";

/// A client that keeps no time of its own: tonic's would give up at the deadline, and hide who does not.
type Plain = Client<HttpConnector, Body>;

/// Clients at work.
pub struct Load {
    client: Plain,
    origin: Uri,
    token: String,
    over: AtomicBool,
    /// When the latest call began that was acknowledged.
    acknowledged: watch::Sender<Instant>,
}

/// What a writer was told.
#[derive(Default)]
pub struct Told {
    /// Ids by name.
    leads: HashMap<String, String>,
    /// Refusals by code and reason.
    refused: BTreeMap<String, usize>,
    longest: Duration,
}

impl Load {
    /// Signs somebody up.
    pub async fn begin(up: &Up) -> Self {
        let address = format!("http://{}", up.address());
        let request = founding("ada@example.com");
        let channel = Endpoint::from_shared(address.clone()).unwrap().connect_lazy();
        let grant = SessionServiceClient::new(channel).sign_up(request).await.unwrap();
        Self {
            client: Client::builder(TokioExecutor::new()).http2_only(true).build_http(),
            origin: address.parse().unwrap(),
            token: grant.into_inner().access_token,
            over: AtomicBool::new(false),
            acknowledged: watch::Sender::new(Instant::now()),
        }
    }

    /// Writes until it is over; what fails is sent again under the same request id.
    pub async fn write(&self) -> Told {
        let mut told = Told::default();
        while !self.over.load(Ordering::Relaxed) {
            let name = uuid::Uuid::new_v4().to_string();
            let request = lead(&name);
            loop {
                let begun = Instant::now();
                let mut call = Request::new(request.clone());
                call.set_timeout(DEADLINE);
                let signed = InterceptedService::new(self.client.clone(), Bearer::of(&self.token));
                let mut leads = LeadServiceClient::with_origin(signed, self.origin.clone());
                let answer = timeout(DEADLINE * 20, leads.create_lead(call)).await;
                told.longest = told.longest.max(begun.elapsed());
                match answer.expect("a call hangs") {
                    Ok(made) => {
                        self.acknowledged.send_if_modified(|latest| {
                            let later = begun > *latest;
                            *latest = begun.max(*latest);
                            later
                        });
                        told.leads.insert(name, made.into_inner().lead_id);
                        break;
                    }
                    Err(status) => {
                        // Anything else would tell the client not to try again.
                        let again = [Code::Unavailable, Code::DeadlineExceeded];
                        assert!(again.contains(&status.code()), "{status:?}");
                        let said = format!("{:?}, {}", status.code(), status.message());
                        *told.refused.entry(said).or_default() += 1;
                        sleep(PAUSE).await;
                    }
                }
            }
        }
        told
    }

    /// Waits for the acknowledgement of a call that began after that moment; how long it took from there.
    pub async fn acknowledges_after(&self, moment: Instant) -> Duration {
        let mut acknowledged = self.acknowledged.subscribe();
        let waited = timeout(BACK * 4, acknowledged.wait_for(|begun| *begun > moment)).await;
        drop(waited.expect("nothing is acknowledged any more"));
        moment.elapsed()
    }

    /// Waits until the writers are well at work.
    pub async fn is_at_work(&self) {
        for _ in 0..20 {
            self.acknowledges_after(Instant::now()).await;
        }
    }

    /// Waits until the gateway says that of the leads; how long it took.
    pub async fn health_becomes(&self, status: ServingStatus) -> Duration {
        let begun = Instant::now();
        let asked = async {
            loop {
                let mut health =
                    HealthClient::with_origin(self.client.clone(), self.origin.clone());
                let asked = HealthCheckRequest { service: LEADS.into() };
                if health.check(asked).await.is_ok_and(|said| said.get_ref().status() == status) {
                    return begun.elapsed();
                }
                sleep(PAUSE).await;
            }
        };
        timeout(BACK * 4, asked).await.expect("the health of the leads does not change")
    }

    pub fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

/// Compares what the writers were told with what is there.
#[expect(clippy::print_stdout, reason = "the numbers are what these tests are for")]
pub async fn compare(writers: Vec<Told>, options: &PgConnectOptions) {
    let mut admin = options.connect().await.unwrap();
    let rows = sqlx::query("select display_name, lead_id::text from crm.lead");
    let mut found: HashMap<String, Vec<String>> = HashMap::new();
    for row in rows.fetch_all(&mut admin).await.unwrap() {
        found.entry(row.get(0)).or_default().push(row.get(1));
    }
    for told in writers {
        let Told { leads, refused, longest } = told;
        println!("{} writes acknowledged, {longest:.1?} at most; {refused:?}", leads.len());
        assert!(longest < DEADLINE + GRACE, "a call took {longest:?}");
        assert!(!leads.is_empty());
        for (name, id) in leads {
            assert_eq!(found.remove(&name), Some(vec![id]), "lost, or done twice");
        }
    }
    assert!(found.is_empty(), "{found:?} was told to nobody");
    nothing_is_half_written(&mut admin).await;
}

/// A lead has its audit record, its event and its answer, and none of them stands alone.
async fn nothing_is_half_written(admin: &mut PgConnection) {
    let sides = [
        "select record_id from platform.audit where noun = 'lead'",
        "select record_id from platform.outbox where noun = 'lead'",
    ];
    for side in sides {
        let odd = format!(
            "select count(*) from (select lead_id from crm.lead) as lead
             full join ({side}) as side on lead_id = record_id
             where lead_id is null or record_id is null"
        );
        let odd = sqlx::query_scalar(sqlx::AssertSqlSafe(odd));
        let odd: i64 = odd.fetch_one(&mut *admin).await.unwrap();
        assert_eq!(odd, 0, "{side}");
    }
    let answers = "select count(*) from platform.idempotency where method like '%CreateLead'
                   and answer is not null";
    let answers: i64 = sqlx::query_scalar(answers).fetch_one(&mut *admin).await.unwrap();
    let leads = sqlx::query_scalar("select count(*) from crm.lead");
    let leads: i64 = leads.fetch_one(admin).await.unwrap();
    assert_eq!(answers, leads);
}
