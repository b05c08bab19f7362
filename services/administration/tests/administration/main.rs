//! Administration, through the wire.

#![expect(clippy::panic, clippy::unwrap_used, reason = "what arranges a test fails it")]

mod audit;
mod plan;
mod settings;

use devsphere_testkit::World;

/// What this binary starts.
const MODULES: [devsphere_boot::Module; 2] =
    [devsphere_identity::MODULE, devsphere_administration::MODULE];

async fn world() -> World {
    World::start(&MODULES).await
}
