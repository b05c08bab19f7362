//! Whom the attacks go against: the binary in a process of its own, and somebody who only wants to work.

use std::{
    fs,
    net::SocketAddr,
    time::{Duration, Instant},
};

use devsphere_proto::{
    crm::v1::{
        BatchCreateLeadsRequest, CreateLeadRequest, Lead, ListLeadsRequest,
        lead_service_client::LeadServiceClient,
    },
    identity::v1::session_service_client::SessionServiceClient,
};
use tonic::{
    Request,
    transport::{Channel, Endpoint},
};

use crate::{
    clients::up::{Folder, Up},
    counts::is_soak,
    whole::founding,
};

/// Calls of one measurement.
const CALLS: usize = 60;

/// The mesh under attack.
pub struct Victim {
    up: Up,
    pub address: SocketAddr,
    pub bearer: String,
    channel: Channel,
    _folder: Folder,
}

impl Victim {
    pub async fn start(more: &[&str]) -> Self {
        let folder = Folder::fresh();
        let unlimited = ["--rate-per-principal", "0", "--rate-per-organization", "0"];
        let up = Up::start(&folder.0, &[&unlimited, more].concat());
        let address: SocketAddr = up.address().parse().unwrap();
        let channel = Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy();
        let request = founding("ada@example.com");
        let mut sessions = SessionServiceClient::new(channel.clone());
        let grant = sessions.sign_up(request).await.unwrap().into_inner();
        let bearer = format!("Bearer {}", grant.access_token);
        let victim = Self { up, address, bearer, channel, _folder: folder };
        // The first calls prepare statements and fill caches.
        victim.median().await;
        victim
    }

    /// One ordinary call.
    pub async fn call(&self) -> Duration {
        let mut request = Request::new(ListLeadsRequest::default());
        request.metadata_mut().insert("authorization", self.bearer.parse().unwrap());
        let begun = Instant::now();
        LeadServiceClient::new(self.channel.clone()).list_leads(request).await.unwrap();
        begun.elapsed()
    }

    /// So many leads, for lists that say something.
    pub async fn add_leads(&self, count: usize) {
        let lead = |number| Lead {
            display_name: format!("Lead {number}"),
            company: format!("Northwind {number}"),
            email: format!("lead-{number}@example.com"),
            ..Lead::default()
        };
        let requests = (0..count)
            .map(|number| CreateLeadRequest { lead: Some(lead(number)), ..Default::default() });
        let batch = BatchCreateLeadsRequest { requests: requests.collect(), ..Default::default() };
        let mut request = Request::new(batch);
        request.metadata_mut().insert("authorization", self.bearer.parse().unwrap());
        LeadServiceClient::new(self.channel.clone()).batch_create_leads(request).await.unwrap();
    }

    /// What an ordinary call takes now, in the middle of several.
    pub async fn median(&self) -> Duration {
        let mut took = Vec::with_capacity(CALLS);
        for _ in 0..CALLS {
            took.push(self.call().await);
        }
        took.sort();
        took[CALLS / 2]
    }

    /// Megabytes of memory that the process holds.
    pub fn memory(&self) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.up.pid())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
    }

    /// Calls on while the attack lasts, again and again if it is a short one: an ordinary call stays
    /// below twice its idle time, and memory below its bound. The end of the last attack.
    #[expect(clippy::disallowed_methods, reason = "an attacker is no task of the mesh")]
    #[expect(clippy::print_stdout, reason = "what was measured stands in the test's output")]
    pub async fn bears<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
        &self,
        name: &str,
        megabytes: f64,
        attack: impl Fn() -> F,
    ) -> T {
        let (before, memory) = (self.median().await, self.memory());
        let mut during = Vec::new();
        let mut most = memory;
        let mut attacks = 0;
        let done = loop {
            let attack = tokio::spawn(attack());
            attacks += 1;
            while !attack.is_finished() {
                during.push(self.call().await);
                most = most.max(self.memory());
            }
            let done = attack.await.unwrap();
            // Whoever was cut off is not back before a call is over; what lingers slows this one.
            during.push(self.call().await);
            if during.len() >= CALLS {
                break done;
            }
        };
        let after = self.median().await;
        during.sort();
        let idle = before.max(after);
        let middle = during[during.len() / 2];
        println!(
            "{name}, {attacks} times: {} calls during it, median {middle:.2?}; idle {before:.2?} \
             before and {after:.2?} after; memory {memory:.1} MB, {most:.1} MB at most",
            during.len(),
        );
        // So few calls are soon disturbed: the promise itself is held to in a soak.
        let times = if is_soak() { 2 } else { 3 };
        assert!(middle < times * idle, "{name}: {middle:?}, {idle:?}");
        assert!(most - memory < megabytes, "{name}: {memory} MB became {most} MB");
        done
    }
}
