//! Who waits, who is refused, and when.

use futures_util::future::join_all;

use super::*;

#[tokio::test]
async fn who_finds_no_slot_waits_a_moment_and_then_nobody_does_for_a_while() {
    let shed = Shed::new(2);
    let _kept = (shed.enter().await.unwrap(), shed.enter().await.unwrap());
    let begun = Instant::now();
    assert!(shed.check().is_ok() && shed.enter().await.is_err());
    assert!(begun.elapsed() >= PATIENCE);
    let begun = Instant::now();
    assert!(shed.check().is_err() && shed.enter().await.is_err());
    assert!(begun.elapsed() < PATIENCE);
}

#[tokio::test]
async fn one_too_many_in_the_queue_ends_it_at_once_and_whoever_comes_next_is_served() {
    let shed = Shed::new(1);
    let kept = shed.enter().await.unwrap();
    let begun = Instant::now();
    let crowd = join_all((0..=QUEUE).map(|_| shed.enter())).await;
    assert!(crowd.iter().all(Result::is_err) && begun.elapsed() < PATIENCE);
    drop(kept);
    assert!(shed.enter().await.is_ok());
}

#[tokio::test]
async fn while_calls_are_shed_no_more_are_let_through_than_there_are_slots_for() {
    let shed = Shed::new(8);
    let kept: Vec<_> =
        join_all((0..7).map(|_| shed.enter())).await.into_iter().map(Result::unwrap).collect();
    shed.lock().shed = Some(Instant::now());
    // One slot is free, and two may wait.
    let through = (0..10).filter(|_| shed.check().is_ok()).count();
    assert_eq!(through, 8 - kept.len() + 8 / SLOTS_PER_HEIR);
    // Who never comes for it keeps nobody else out for long.
    tokio::time::sleep(APPROACH * 2).await;
    assert!(shed.check().is_ok());
    assert_eq!(shed.lock().coming.len(), 1);
}

#[tokio::test]
async fn a_slot_that_becomes_free_is_taken_by_who_waits() {
    let shed = Shed::new(1);
    let first = shed.enter().await.unwrap();
    let waits = shed.enter();
    let frees = async { drop(first) };
    let (second, ()) = tokio::join!(waits, frees);
    assert!(second.is_ok());
}

#[tokio::test]
async fn a_limit_counts_from_the_first_refusal_until_nobody_is_refused_any_more() {
    let shed = Shed::new(64);
    let slow = |millis| Sample {
        method: "a",
        begun: Instant::now(),
        took: Duration::from_millis(millis),
        at_work: 1,
    };
    let learn = |millis| {
        for _ in 0..16 {
            shed.learn(slow(millis));
        }
    };
    learn(1);
    while shed.lock().limit.slots() >= EASY {
        learn(100);
    }
    let learned = shed.lock().limit.slots();
    assert!(learned < EASY && shed.slots.available_permits() == EASY);

    shed.refuse();
    assert_eq!(shed.slots.available_permits(), learned);

    shed.lock().shed = None;
    learn(100);
    assert_eq!(shed.slots.available_permits(), EASY);
}

#[tokio::test]
async fn slots_follow_the_limit_down_and_up() {
    let shed = Shed::new(64);
    let all = shed.slots.available_permits();
    let mut slots = Vec::new();
    for _ in 0..all {
        slots.push(shed.enter().await.unwrap());
    }
    shed.lock().surplus = 3;
    slots.truncate(all - 3);
    assert_eq!((shed.slots.available_permits(), shed.lock().surplus), (0, 0));
    drop(slots);
    assert_eq!(shed.slots.available_permits(), all - 3);
    assert_eq!(shed.lock().at_work, 0);
}
