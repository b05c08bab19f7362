//! Listener to drain: binds first, serves, and ends without cutting anybody off.

use std::sync::Arc;

use devsphere_error::Result;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic_health::{ServingStatus, server::HealthReporter};

use crate::{
    Listen, Revocations, Service,
    health::Health,
    listen::{Listener, Serving},
    reflection, stack,
};

/// A service at work.
pub struct Running {
    /// Where it listens; with a port that the system chose, where it was asked to.
    pub place: Listen,
    health: HealthReporter,
    stop: CancellationToken,
    done: CancellationToken,
}

impl Running {
    /// What it says of itself, for whoever probes the process.
    pub fn health(&self) -> HealthReporter {
        self.health.clone()
    }

    /// Stops taking calls, lets those at work end, and waits.
    pub async fn stop(&self) {
        self.stop.cancel();
        self.done.cancelled().await;
    }
}

/// Binds, checks the database, and serves until stopped.
///
/// # Errors
/// When the listener cannot be bound, or the database is not as this build needs it.
pub async fn serve(service: Service) -> Result<Running> {
    let Service { ctx, names, routes, verifier, renewal } = service;
    let limits = ctx.config.limits.clone();
    let listener = Listener::bind(&ctx.config.listen).await?;
    ctx.database.check().await?;

    let (reporter, health_server) = tonic_health::server::health_reporter();
    let health = Health::new(reporter.clone(), &names);
    health.set(ServingStatus::Serving).await;
    health.clone().watch(&ctx);

    let revocations = Revocations::default();
    if let Some(identity) = ctx.config.peers.get("identity").cloned() {
        let followed = revocations.clone().follow(ctx.name, identity, Some(verifier.clone()));
        ctx.tasks().spawn("revocations", followed);
    }
    let shared = stack::Shared::new(&ctx, verifier, renewal, revocations);
    let mut stacked = stack::wrap(routes.into_axum_router(), &Arc::new(shared));
    // Health and reflection stand outside the stack: a probe has no caller.
    stacked = stacked.merge(Routes::new(health_server).into_axum_router().reset_fallback());
    let router = reflection::add(&names, stacked)?;

    let done = CancellationToken::new();
    let running = Running {
        place: listener.place.clone(),
        health: reporter,
        stop: ctx.stop.clone(),
        done: done.clone(),
    };
    tracing::info!(service = ctx.name, place = %running.place, "serving");

    let leave = CancellationToken::new();
    let serving = Serving { router, limits: limits.clone(), leave: leave.clone() };
    let tasks = ctx.tasks().clone();
    // Drained by its own signal, so the tracker waits for it but never cuts it off.
    tasks.tracker.spawn(async move {
        let drain = async {
            ctx.stop.cancelled().await;
            health.set(ServingStatus::NotServing).await;
            tokio::time::sleep(limits.linger).await;
            leave.cancel();
            tokio::time::sleep(limits.drain).await;
        };
        tokio::select! {
            () = listener.run(serving) => {}
            () = drain => tracing::warn!(service = ctx.name, "drain cut short"),
        }
        ctx.writers.finish().await;
        ctx.database.close().await;
        done.cancel();
    });
    Ok(running)
}
