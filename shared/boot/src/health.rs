//! Readiness: serving while the database answers, on a connection of its own.

use std::sync::Arc;

use devsphere_db::Database;
use tokio::time::MissedTickBehavior;
use tonic_health::{ServingStatus, server::HealthReporter};

use crate::{Limits, Tasks};

/// A single slow probe must not take a replica out.
const FAILURES: u32 = 3;

/// Reports for the whole server and for each of its gRPC services.
#[derive(Clone)]
pub(crate) struct Health {
    reporter: HealthReporter,
    names: Arc<[String]>,
}

impl Health {
    pub(crate) fn new(reporter: HealthReporter, names: &[&str]) -> Self {
        let names = names.iter().map(|name| (*name).to_owned()).chain([String::new()]).collect();
        Self { reporter, names }
    }

    pub(crate) async fn set(&self, status: ServingStatus) {
        for name in self.names.iter() {
            self.reporter.set_service_status(name, status).await;
        }
    }

    /// Asks the database from time to time, until the process drains.
    pub(crate) fn watch(self, database: Database, limits: &Limits, tasks: &Tasks) {
        let mut ticks = tokio::time::interval(limits.probe_every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        tasks.spawn("health", async move {
            let mut failures = 0;
            loop {
                ticks.tick().await;
                match database.ping().await {
                    Ok(()) if failures >= FAILURES => {
                        failures = 0;
                        self.set(ServingStatus::Serving).await;
                    }
                    Ok(()) => failures = 0,
                    Err(error) => {
                        failures += 1;
                        if failures == FAILURES {
                            tracing::warn!(%error, "not ready");
                            self.set(ServingStatus::NotServing).await;
                        }
                    }
                }
            }
        });
    }
}
