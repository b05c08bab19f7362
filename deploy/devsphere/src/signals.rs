//! Ctrl-C and SIGTERM: the first one asks for an orderly end, the second one ends at once.

use anyhow::Result;
use devsphere_boot::Tasks;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// What a shell shows for a process that Ctrl-C ended.
const INTERRUPTED: i32 = 130;

/// A token that the first signal cancels.
pub(crate) fn watch(tasks: &Tasks) -> Result<CancellationToken> {
    let (mut interrupt, mut terminate) =
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let asked = CancellationToken::new();
    let token = asked.clone();
    tasks.spawn("signals", async move {
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if asked.is_cancelled() {
                end_at_once();
            }
            asked.cancel();
        }
    });
    Ok(token)
}

/// PostgreSQL hears of its parent's death and shuts down by itself.
#[expect(clippy::exit, reason = "somebody insists")]
fn end_at_once() -> ! {
    std::process::exit(INTERRUPTED)
}
