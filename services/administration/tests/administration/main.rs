//! Administration, through the wire.

#![expect(clippy::unwrap_used, reason = "what arranges a test fails it")]

mod access;
mod agents;
mod ai_provider;
mod approvals;
mod audit;
mod plan;
mod resolve;
mod settings;

use devsphere_testkit::World;

/// What this binary starts.
const EVERYTHING: [devsphere_boot::Module; 3] =
    [devsphere_identity::MODULE, devsphere_administration::MODULE, devsphere_crm::MODULE];

async fn world() -> World {
    World::start(&EVERYTHING).await
}
