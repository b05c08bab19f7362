//! Readiness: serving while the database answers, on a connection of its own.

use std::{sync::Arc, time::Duration};

use devsphere_db::Database;
use devsphere_error::{Error, Result};
use tokio::time::{sleep, timeout};
use tonic_health::{ServingStatus, server::HealthReporter};

use crate::Ctx;

/// A single slow probe must not take a replica out.
const FAILURES: u32 = 3;

/// A database that was stopped, or whose machine is gone, says nothing at all.
const PATIENCE: Duration = Duration::from_millis(500);

/// While the database is away it is asked so many times as often, so that its return is soon known.
const HASTE: u32 = 5;

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

    /// Asks the database from time to time, until the service drains.
    pub(crate) fn watch(self, ctx: &Ctx) {
        let (database, stop) = (ctx.database.clone(), ctx.stop.clone());
        let followed = self.follow(database, ctx.config.limits.probe_every);
        ctx.tasks().spawn("health", async move {
            stop.run_until_cancelled(followed).await;
        });
    }

    async fn follow(self, database: Database, every: Duration) {
        let mut failures = 0;
        loop {
            sleep(if failures == 0 { every } else { every / HASTE }).await;
            match asked(&database).await {
                Ok(()) => {
                    if failures >= FAILURES {
                        tracing::info!("ready again");
                        self.set(ServingStatus::Serving).await;
                    }
                    failures = 0;
                }
                Err(error) => {
                    failures += 1;
                    if failures == FAILURES {
                        tracing::error!(%error, "not ready");
                        self.set(ServingStatus::NotServing).await;
                    }
                }
            }
        }
    }
}

async fn asked(database: &Database) -> Result<()> {
    let silent = |_| Error::Unavailable {
        cause: "database",
        message: "the database says nothing",
        source: None,
    };
    timeout(PATIENCE, database.ping()).await.map_err(silent)?
}
