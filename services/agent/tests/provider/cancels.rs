//! Whoever gives up ends the call, and knows what it cost.

use std::time::{Duration, Instant};

use devsphere_agent::provider::Progress;
use devsphere_testkit::{
    eventually,
    provider::{Asked, Script, Wire},
};
use tokio::sync::watch;

use crate::stage::{Stage, question, soon};

/// Asks, gives up when so many characters have come, and says when that was.
async fn give_up(stage: &Stage, characters: usize) -> Instant {
    let (told, mut heard) = watch::channel(None);
    let (provider, question) = (stage.provider(), question());
    let mut on_progress = |progress: Progress<'_>| {
        let _ = told.send(Some((progress.characters, progress.usage)));
    };
    let call = provider.ask(&question, soon(), &mut on_progress);
    let enough = async {
        let far = |seen: &Option<(usize, _)>| seen.is_some_and(|(seen, _)| seen >= characters);
        let usage = heard.wait_for(far).await.unwrap().unwrap().1;
        assert!(usage.input > 0 && usage.is_estimate, "{usage:?}");
        let open = async || (stage.scripted.open() == 1).then_some(());
        eventually("the call to arrive", open).await;
    };
    tokio::select! {
        outcome = call => panic!("{outcome:?} before it was given up"),
        () = enough => {}
    }
    Instant::now()
}

#[tokio::test]
async fn a_call_that_is_given_up_ends_within_a_second() {
    let minute = Duration::from_secs(60);
    for (wire, events) in [(Wire::Anthropic, 4), (Wire::OpenAi, 2)] {
        for (script, characters) in [
            (Script::text("Once").late(minute), 0),
            (Script::text("Once").silent_after(0), 0),
            (Script::text("Once").silent_after(events), 4),
            (Script::text("Once upon a time").pieces(8).pause(Duration::from_millis(30)), 4),
        ] {
            let stage = Stage::always(wire, script).await;

            let given_up = give_up(&stage, characters).await;

            let noticed = eventually("the provider to notice", async || {
                stage.scripted.hung_up().first().copied()
            })
            .await;
            let taken = noticed.at.saturating_duration_since(given_up);
            assert!(taken < Duration::from_secs(1), "{wire:?}: {taken:?}");
            assert_eq!((stage.scripted.open(), stage.scripted.calls().len()), (0, 1));
        }
    }
}

#[tokio::test]
async fn a_pause_that_is_given_up_is_followed_by_nothing() {
    for wire in Wire::ALL {
        let busy = Script::refusal(429, "rate_limit_error", "slow down");
        let busy = busy.header("retry-after-ms", "200");
        // The next answer takes longer than the pause would have.
        let then = Script::text("At last.").late(Duration::from_millis(400));
        let script = move |asked: &Asked| if asked.number == 0 { &busy } else { &then }.clone();
        let stage = Stage::new(wire, script).await;
        let (provider, question) = (stage.provider(), question());
        let asked = async || (stage.scripted.calls().len() == 1).then_some(());
        let mut unheard = |_: Progress<'_>| {};

        tokio::select! {
            outcome = provider.ask(&question, soon(), &mut unheard) => panic!("{outcome:?}"),
            () = eventually("the first call", asked) => {}
        }
        stage.ask(&question).await.unwrap();

        assert_eq!(stage.scripted.calls().len(), 2);
    }
}
