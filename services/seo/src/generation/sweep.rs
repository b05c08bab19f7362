//! Ends what nobody holds any more: tries whose driver died, was stopped, or may not go on.

use std::time::Duration;

use devsphere_boot::Ctx;
use tokio::time::{MissedTickBehavior, interval};

use super::store;

const EVERY: Duration = Duration::from_secs(5);

/// Looks again and again, as long as this service runs. Several replicas may look at once.
pub(crate) async fn sweep(ctx: Ctx) {
    let (functions, clock) = (ctx.background_db(), ctx.clock());
    let looks = async {
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            match store::release(&functions, &clock).await {
                Ok(0) => {}
                Ok(released) => tracing::warn!(released, "generations were left by their drivers"),
                Err(error) => tracing::warn!(%error, "generations cannot be released"),
            }
        }
    };
    ctx.stopping().run_until_cancelled(looks).await;
}
