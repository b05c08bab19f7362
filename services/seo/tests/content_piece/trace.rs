//! What a call costs, and what it leaves behind.

use devsphere_proto::seo::v1 as pb;
use devsphere_testkit::{StatusExt as _, World};

use super::{Desk, approve, create, get, on, reject, submit, update, write};
use crate::{MODULES, cost, request_id, traces, world};

#[tokio::test]
async fn each_call_takes_the_round_trips_of_its_kind() {
    let world = World::counted(&MODULES).await;
    let north = world.org("north").await;
    let desk = Desk::of(&north).await;
    let piece = desk.draft().await;
    let retitled =
        || pb::ContentPiece { title: request_id(), etag: String::new(), ..piece.clone() };
    let list = || pb::ListContentPiecesRequest::default();

    let costs = [
        cost(&world, async || {
            drop(get(&mut desk.pieces(), &piece.content_piece_id).await.unwrap())
        })
        .await,
        cost(&world, async || drop(desk.pieces().list_content_pieces(list()).await.unwrap())).await,
        cost(&world, async || drop(create(&mut desk.pieces(), on(&desk.site)).await)).await,
        cost(&world, async || {
            let update = update(retitled(), &["title"]);
            drop(desk.pieces().update_content_piece(update).await.unwrap());
        })
        .await,
        // What surrounds the text is one more.
        cost(&world, async || drop(write(&mut desk.pieces(), &piece, "More").await.unwrap())).await,
    ];

    assert_eq!(costs, [2, 2, 4, 5, 6]);
}

#[tokio::test]
async fn each_change_leaves_one_event_and_one_audit_record() {
    let world = world().await;
    let north = world.org("north").await;
    let desk = Desk::of(&north).await;
    let piece = create(&mut desk.pieces(), on(&desk.site)).await;
    let id = &piece.content_piece_id;
    let delete = |etag: &str| pb::DeleteContentPieceRequest {
        content_piece_id: id.clone(),
        etag: etag.into(),
        ..Default::default()
    };

    write(&mut desk.pieces(), &piece, "First").await.unwrap();
    submit(&mut desk.pieces(), id).await.unwrap();
    reject(&mut desk.deciding(), id).await.unwrap();
    write(&mut desk.pieces(), &piece, "Second").await.unwrap();
    submit(&mut desk.pieces(), id).await.unwrap();
    let kept = desk.pieces().delete_content_piece(delete("")).await.unwrap_err();
    approve(&mut desk.deciding(), id).await.unwrap();

    assert_eq!(kept.reason(), "BAD_TRANSITION");
    let names = ["created", "written", "submitted", "rejected", "written", "submitted", "approved"]
        .map(|verb| format!("content_piece.{verb}"));
    let (events, audit) = traces(&world, "content_piece").await;
    assert_eq!(events, names);
    assert_eq!(audit, names);
}
