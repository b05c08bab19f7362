//! What a call costs, and what a try leaves behind.

use devsphere_proto::seo::v1 as pb;
use devsphere_testkit::World;
use serde_json::{Value, json};

use super::{failed, generation, generations, names, of};
use crate::{
    MODULES,
    content_piece::{Desk, create, on},
    cost, traces, world,
};

#[tokio::test]
async fn each_read_takes_the_round_trips_of_its_kind() {
    let world = World::counted(&MODULES).await;
    let north = world.org("north").await;
    let desk = Desk::of(&north).await;
    let piece = create(&mut desk.pieces(), on(&desk.site)).await;
    let mut own = generations(&desk.writer);
    let (started, _) = failed(&mut own, of(&piece)).await;
    let list = || pb::ListGenerationsRequest {
        content_piece_id: piece.content_piece_id.clone(),
        ..Default::default()
    };

    let costs = [
        cost(&world, async || drop(generation(&mut own.clone(), &started).await)).await,
        cost(&world, async || drop(own.clone().list_generations(list()).await.unwrap())).await,
    ];

    assert_eq!(costs, [2, 2]);
}

#[tokio::test]
async fn a_try_begins_and_fails_in_as_many_round_trips_as_it_needs() {
    let world = World::counted(&MODULES).await;
    let north = world.org("north").await;
    let desk = Desk::of(&north).await;
    let piece = create(&mut desk.pieces(), on(&desk.site)).await;

    let all = cost(&world, async || {
        drop(failed(&mut generations(&desk.writer), of(&piece)).await);
    })
    .await;

    // It begins: open, piece, what surrounds it, piece, try, record, commit. It fails: open, piece,
    // piece, try, record, commit.
    assert_eq!(all, 7 + 6);
}

#[tokio::test]
async fn each_step_leaves_one_event_and_one_audit_record_of_try_and_piece() {
    let world = world().await;
    let north = world.org("north").await;
    let desk = Desk::of(&north).await;
    let piece = create(&mut desk.pieces(), on(&desk.site)).await;

    failed(&mut generations(&desk.writer), of(&piece)).await;

    let (events, audit) = traces(&world, "generation").await;
    assert_eq!(events, ["generation.queued", "generation.failed"]);
    assert_eq!(audit, events);
    let piece = ["created", "generation_started", "generation_failed"];
    let piece = piece.map(|verb| format!("content_piece.{verb}"));
    let (events, audit) = traces(&world, "content_piece").await;
    assert_eq!(events, piece);
    assert_eq!(audit, piece);
    assert_eq!(names(&world, "generation").await.len(), 2);
    let changed: (Value, Value) = sqlx::query_as(
        "select before, after from platform.audit where action = 'generation.failed'",
    )
    .fetch_one(&mut world.admin().await)
    .await
    .unwrap();
    assert_eq!((&changed.0["state"], &changed.1["state"]), (&json!("queued"), &json!("failed")));
    assert_eq!(changed.1["failure"], json!("no_peer"));
    assert!(changed.1.get("outline").is_none(), "what did not change is not kept");
}
