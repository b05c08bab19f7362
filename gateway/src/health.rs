//! Health, as the gateway sees it: itself, and each service as its module speaks of itself.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use devsphere_boot::{Channel, Tasks};
use devsphere_proto::Contract;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic_health::{
    ServingStatus,
    pb::{
        HealthCheckRequest,
        health_check_response::ServingStatus as Said,
        health_client::HealthClient,
        health_server::{Health as HealthService, HealthServer},
    },
    server::{HealthReporter, health_reporter},
};

use crate::{reflection, upstreams::Upstreams};

/// A single slow answer must not take a module out.
const FAILURES: u32 = 3;

/// How long a module may take to say whether it serves.
const PATIENCE: Duration = Duration::from_secs(2);

/// A module that is out is asked so many times as often, so that it is soon back.
const HASTE: u32 = 5;

/// Reports for the gateway and for every service that clients may know.
pub(crate) struct Health {
    reporter: HealthReporter,
    modules: BTreeMap<&'static str, BTreeSet<String>>,
}

impl Health {
    /// The gateway serves; of the modules nothing is known yet.
    pub(crate) async fn new(
        contract: &'static Contract,
    ) -> (Self, HealthServer<impl HealthService>) {
        let (reporter, server) = health_reporter();
        let mut modules: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for (module, service) in reflection::services(contract) {
            modules.entry(module).or_default().insert(service);
        }
        for names in modules.values() {
            report(&reporter, names, ServingStatus::NotServing).await;
        }
        (Self { reporter, modules }, server)
    }

    /// Asks every module from time to time, until the gateway drains.
    pub(crate) fn watch(
        &self,
        upstreams: &Upstreams,
        every: Duration,
        stop: &CancellationToken,
        tasks: &Tasks,
    ) {
        for (module, names) in &self.modules {
            let Ok(channel) = upstreams.unary(module) else { continue };
            let followed = follow(module, channel, names.clone(), self.reporter.clone(), every);
            let stop = stop.clone();
            tasks.spawn("health", async move {
                stop.run_until_cancelled(followed).await;
            });
        }
    }

    /// What the gateway says of itself and of every module, for whoever probes the process.
    pub(crate) fn reporter(&self) -> HealthReporter {
        self.reporter.clone()
    }

    /// From now on nothing serves here.
    pub(crate) async fn leave(&self) {
        self.reporter.set_service_status("", ServingStatus::NotServing).await;
        for names in self.modules.values() {
            report(&self.reporter, names, ServingStatus::NotServing).await;
        }
    }
}

async fn follow(
    module: &'static str,
    channel: Channel,
    names: BTreeSet<String>,
    reporter: HealthReporter,
    every: Duration,
) {
    let mut stub = HealthClient::new(channel);
    let (mut serving, mut failures) = (false, 0);
    loop {
        let begun = Instant::now();
        let asked = stub.check(HealthCheckRequest::default());
        let now = match tokio::time::timeout(PATIENCE, asked).await {
            Ok(Ok(said)) => {
                failures = 0;
                said.into_inner().status() == Said::Serving
            }
            // Silence is not yet an answer.
            _ => {
                failures += 1;
                serving && failures < FAILURES
            }
        };
        if now != serving {
            serving = now;
            tracing::info!(module, serving, "health");
            let status = if now { ServingStatus::Serving } else { ServingStatus::NotServing };
            report(&reporter, &names, status).await;
        }
        tokio::time::sleep_until(begun + if serving { every } else { every / HASTE }).await;
    }
}

async fn report(reporter: &HealthReporter, names: &BTreeSet<String>, status: ServingStatus) {
    for name in names {
        reporter.set_service_status(name, status).await;
    }
}
