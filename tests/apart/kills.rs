//! Processes that lose their power under writes: what was acknowledged is there, and there once.

use std::{
    collections::{BTreeMap, HashMap},
    time::{Duration, Instant},
};

use devsphere_boot::channel;
use devsphere_proto::{crm::v1::lead_service_client::LeadServiceClient, identity::v1::Grant};
use devsphere_testkit::eventually;
use sqlx::{ConnectOptions as _, Row as _};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use uuid::Uuid;

use super::{
    front::{Front, lead},
    set::{GATEWAY, Process, SEALER, Set},
};
use crate::counts::full_or;

/// A service is back by then, and so is whoever waits for it.
const BACK: Duration = Duration::from_secs(5);

/// What a writer was told.
#[derive(Default)]
struct Told {
    /// Ids by name.
    leads: HashMap<String, String>,
    retried: usize,
    longest: Duration,
}

/// Writes until it is over; what fails is sent again under the same request id until it is answered.
async fn write(front: &Front, grant: &Grant) -> Told {
    let mut told = Told::default();
    while !front.is_over() {
        let name = Uuid::new_v4().to_string();
        let (request, begun, mut tries) = (lead(&name), Instant::now(), 0);
        let made = eventually("an acknowledged write", async || {
            tries += 1;
            let mut leads = LeadServiceClient::new(front.signed(grant));
            leads.create_lead(request.clone()).await.ok()
        })
        .await;
        told.retried += tries - 1;
        told.longest = told.longest.max(begun.elapsed());
        told.leads.insert(name, made.into_inner().lead_id);
    }
    told
}

/// Whether one instance says that it serves.
async fn serves(set: &Set, process: &Process) {
    let (name, number) = (process.name, process.number);
    if name == SEALER {
        // It listens nowhere: what it has sealed is looked at in the end.
        return;
    }
    eventually("the service's return", async || {
        let asked = HealthCheckRequest::default();
        let said = if name == GATEWAY {
            let address = format!("http://{}", set.gateway(number));
            let gateway = tonic::transport::Endpoint::from_shared(address).unwrap();
            HealthClient::new(gateway.connect_lazy()).check(asked).await
        } else {
            let own = set.certificates(GATEWAY);
            let endpoint = set.endpoint(name, set.listener(name, number), &own);
            HealthClient::new(channel(&endpoint)).check(asked).await
        };
        said.ok().filter(|said| said.get_ref().status() == ServingStatus::Serving)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_die_under_writes_and_nothing_that_was_acknowledged_is_lost_or_done_twice() {
    let set = Set::arrange("1h").await;
    let mut running = set.start_all().await;
    running.push(set.start(SEALER, 1).await);
    let mut running: BTreeMap<_, _> =
        running.into_iter().map(|process| ((process.name, process.number), process)).collect();
    let front = Front::of(&set);
    let grant = front.sign_up("ada@example.com").await;

    let kill = async {
        for _ in 0..full_or(20, 2) {
            let all: Vec<_> = running.keys().copied().collect();
            for (name, number) in all {
                let died = Instant::now();
                running.remove(&(name, number)).unwrap().kill().await;
                let process = set.start(name, number).await;
                serves(&set, &process).await;
                let away = died.elapsed();
                println!("{name}{number} was away for {away:.1?}");
                assert!(away < BACK, "{name}{number}: {away:?}");
                running.insert((name, number), process);
            }
        }
        front.end();
    };
    let (one, two, three, (), ()) = tokio::join!(
        write(&front, &grant),
        write(&front, &grant),
        write(&front, &grant),
        front.balance(),
        kill
    );

    let mut admin = set.backend.admin().connect().await.unwrap();
    let rows = sqlx::query("select display_name, lead_id::text from crm.lead");
    let mut found: HashMap<String, Vec<String>> = HashMap::new();
    for row in rows.fetch_all(&mut admin).await.unwrap() {
        found.entry(row.get(0)).or_default().push(row.get(1));
    }
    for told in [one, two, three] {
        let Told { leads, retried, longest } = told;
        println!("{} writes acknowledged, {retried} retries, {longest:.1?} at most", leads.len());
        assert!(!leads.is_empty() && longest < BACK, "{longest:?}");
        for (name, id) in leads {
            assert_eq!(found.remove(&name), Some(vec![id]));
        }
    }
    assert!(found.is_empty(), "{found:?} was told to nobody");
    println!("{}", set.verify());
}
