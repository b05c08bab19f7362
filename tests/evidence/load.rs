//! Five hundred audited writes a second for one organisation, and what its neighbour notices of them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant, SystemTime},
};

use devsphere_auth::{Kind, Role, TicketFields};
use devsphere_db::{migrate::SEALER, seal::Sealer};
use devsphere_proto::crm::v1::{self as pb, lead_service_client::LeadServiceClient};
use devsphere_testkit::{Caller, CallerChannel, Org, World};
use sqlx::{
    AssertSqlSafe, Connection as _, Executor as _, PgConnection, postgres::PgConnectOptions,
};
use tokio::{
    runtime::Builder,
    time::{MissedTickBehavior, interval},
};
use uuid::Uuid;

use super::history::History;
use crate::{
    cores::{Cores, LOAD, MEASURED, pin, pin_this_thread},
    counts::{full_or, is_soak},
};

/// A second's writes, over so many connections.
const WRITES: u32 = 500;
const CONNECTIONS: u32 = 2;
const FLOOD: &str = "flood";
/// The neighbour's calls are measured in turn without and with them; the best turn of each counts, since
/// whatever else the machine does only makes a turn worse.
const TURNS: usize = 5;

type Leads = LeadServiceClient<CallerChannel>;

/// The slowest but one in a hundred of so many calls, one after the other.
async fn p99(leads: &mut Leads, calls: usize) -> Duration {
    let mut took = Vec::new();
    for _ in 0..calls {
        let lead = pb::Lead { display_name: "Maria".into(), ..Default::default() };
        let request = pb::CreateLeadRequest { lead: Some(lead), ..Default::default() };
        let begun = Instant::now();
        leads.create_lead(request).await.unwrap();
        took.push(begun.elapsed());
    }
    took.sort();
    took[calls * 99 / 100 - 1]
}

/// Writes for one organisation at its rate, and seals them, until it is dropped: from threads and over connections on
/// another core, so that the neighbour waits for locks if for anything.
struct Flood {
    stop: Arc<AtomicBool>,
    written: Arc<AtomicU32>,
    threads: Vec<JoinHandle<()>>,
}

impl Flood {
    fn begin(history: &History, org: &Org<'_>) -> Self {
        let world = &history.world;
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let ticket = world.backend().keys.ticket.ticket(&TicketFields {
            expires: now.as_secs().cast_signed() + 60,
            kind: Kind::User,
            org: Some(org.id().uuid()),
            sub: Uuid::now_v7(),
            session: None,
            client: None,
            all: 0,
        });
        let (stop, written): (Arc<AtomicBool>, Arc<AtomicU32>) = Default::default();
        let sealer = {
            let (sealer, stop) = (history.sealer.clone(), stop.clone());
            on_its_core(async move { seal(&sealer, &stop).await })
        };
        let writer = || {
            let options = world.backend().options("devsphere_crm").application_name(FLOOD);
            let (ticket, stop, written) =
                (ticket.as_str().to_owned(), stop.clone(), written.clone());
            on_its_core(async move { write(&options, &ticket, &stop, &written).await })
        };
        let threads = (0..CONNECTIONS).map(|_| writer()).chain([sealer]).collect();
        Self { stop, written, threads }
    }

    fn written(&self) -> u32 {
        self.written.load(Ordering::Relaxed)
    }
}

impl Drop for Flood {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            assert!(thread.join().is_ok() || thread::panicking());
        }
    }
}

/// A thread of the load.
fn on_its_core(work: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
    thread::spawn(move || {
        pin_this_thread(LOAD);
        Builder::new_current_thread().enable_all().build().unwrap().block_on(work);
    })
}

/// As the sealer does it.
async fn seal(sealer: &Sealer, stop: &AtomicBool) {
    let mut connection = sealer.connect().await.unwrap();
    let mut tick = interval(Duration::from_secs(1));
    while !stop.load(Ordering::Relaxed) {
        tick.tick().await;
        Sealer::seal(&mut connection).await.unwrap();
    }
}

/// Leads with their events and audit records, each in a transaction as the service opens it.
#[expect(clippy::disallowed_methods, reason = "more writes than a build for tests could serve")]
async fn write(options: &PgConnectOptions, ticket: &str, stop: &AtomicBool, written: &AtomicU32) {
    let mut connection = PgConnection::connect_with(options).await.unwrap();
    let mut tick = interval(Duration::from_secs(1) * CONNECTIONS / WRITES);
    tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
    while !stop.load(Ordering::Relaxed) {
        tick.tick().await;
        let lead = Uuid::now_v7();
        let write = format!(
            r#"begin; select set_config('devsphere.ticket', '{ticket}', true);
               insert into crm.lead (lead_id, display_name) values ('{lead}', 'Maria');
               select platform.record('[{{"name": "lead.created", "noun": "lead", "record_id": "{lead}", "version": 1,
                   "before": null, "after": {{"display_name": "Maria"}}}}]', '/CreateLead', '{lead}', null, null, null);
               commit"#
        );
        connection.execute(sqlx::raw_sql(AssertSqlSafe(write))).await.unwrap();
        written.fetch_add(1, Ordering::Relaxed);
    }
}

/// The connections of the flood on their core, and all others on the one that is measured.
async fn part(world: &World) {
    let mut admin = world.admin().await;
    let found: Vec<(i32, String)> = sqlx::query_as(
        "select pid, application_name from pg_stat_activity where datname = current_database()",
    )
    .fetch_all(&mut admin)
    .await
    .unwrap();
    for (process, name) in found {
        let is_load = [FLOOD, SEALER].contains(&name.as_str());
        pin(process, if is_load { LOAD } else { MEASURED });
    }
}

fn leads(caller: &Caller<'_>) -> Leads {
    LeadServiceClient::new(caller.channel("crm"))
}

#[tokio::test]
async fn five_hundred_audited_writes_a_second_are_not_felt_next_door() {
    let history = History::empty(0).await;
    let world = &history.world;
    let (busy, calm) = (world.org("north").await, world.org("south").await);
    let calls = full_or(1_000, 100);
    let (mut alone, mut beside) = (Duration::MAX, Duration::MAX);
    let (mut written, mut busy_for) = (0, Duration::ZERO);
    let _cores = Cores::measured();

    for turn in 0..TURNS {
        // An assertion lives for a minute: each turn has its own.
        let mut own = leads(&calm.member(&format!("sven{turn}"), Role::Ceo).await);
        p99(&mut own, 20).await;
        part(world).await;
        alone = alone.min(p99(&mut own, calls).await);
        let mut own = leads(&calm.member(&format!("siri{turn}"), Role::Ceo).await);
        let flood = Flood::begin(&history, &busy);
        p99(&mut own, 20).await;
        part(world).await;
        let (begun, before) = (Instant::now(), flood.written());
        beside = beside.min(p99(&mut own, calls).await);
        busy_for += begun.elapsed();
        written += flood.written() - before;
    }
    history.seal().await;
    history.sign().await;
    let report = history.verify().await;

    let rate = f64::from(written) / busy_for.as_secs_f64();
    let ratio = beside.as_secs_f64() / alone.as_secs_f64();
    println!(
        "p99 {alone:.2?} alone, {beside:.2?} beside {rate:.0} audited writes a second: {ratio:.2}"
    );
    assert_eq!((report.broken.len(), report.unsealed), (0, 0));
    // A short run on a machine that also builds says little more than that nobody waits in line.
    let (most, least) = if is_soak() { (1.1, 475.0) } else { (2.0, 250.0) };
    assert!(ratio < most, "{ratio:.2}");
    assert!(rate >= least, "{rate:.0} writes a second");
}
