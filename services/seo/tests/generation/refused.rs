//! Who may not ask for a draft, and of which piece: refused before anything begins.

use devsphere_auth::Role;
use devsphere_proto::{seo::v1 as pb, r#type::v1::Brief};
use devsphere_testkit::{Caller, StatusExt as _};
use tonic::{Code, Status};

use super::{Told, generations, names, of, piece_of};
use crate::{
    content_piece::{Desk, create, on, update},
    request_id, world, writer,
};

async fn refused(caller: &Caller<'_>, request: pb::GenerateDraftRequest) -> Status {
    Told::begin(&mut generations(caller), request).await.err().unwrap()
}

#[tokio::test]
async fn another_organisation_and_who_may_not_begin_nothing() {
    let world = world().await;
    let [north, south] = [world.org("north").await, world.org("south").await];
    let desk = Desk::of(&north).await;
    let piece = create(&mut desk.pieces(), on(&desk.site)).await;
    let viewer = north.member("vera", Role::Viewer).await;
    let almost = north.caller(&["seo.contentPieces.update", "seo.contentPieces.read"]);

    let theirs = refused(&writer(&south).await, of(&piece)).await;
    let viewing = refused(&viewer, of(&piece)).await;
    let writing = refused(&almost, of(&piece)).await;

    assert_eq!(theirs.code(), Code::NotFound);
    for refused in [viewing, writing] {
        assert_eq!(refused.code(), Code::PermissionDenied);
        assert_eq!(refused.metadata_of("permission"), "seo.contentPieces.generate");
    }
    assert_eq!(piece_of(&desk, &piece).await, piece);
    assert!(names(&world, "generation").await.is_empty());
}

#[tokio::test]
async fn a_stale_etag_begins_nothing() {
    let world = world().await;
    let north = world.org("north").await;
    let desk = Desk::of(&north).await;
    let piece = create(&mut desk.pieces(), on(&desk.site)).await;

    let stale = pb::GenerateDraftRequest { etag: "W9".into(), ..of(&piece) };
    let stale = refused(&desk.writer, stale).await;

    assert_eq!((stale.code(), stale.cause().as_str()), (Code::Aborted, "stale_etag"));
    assert_eq!(piece_of(&desk, &piece).await, piece);
}

#[tokio::test]
async fn a_piece_in_the_trash_or_in_review_is_not_written() {
    let world = world().await;
    let north = world.org("north").await;
    let desk = Desk::of(&north).await;
    let trashed = create(&mut desk.pieces(), on(&desk.site)).await;
    let content_piece_id = trashed.content_piece_id.clone();
    let delete = pb::DeleteContentPieceRequest { content_piece_id, ..Default::default() };
    desk.pieces().delete_content_piece(delete).await.unwrap();

    let trashed = refused(&desk.writer, of(&trashed)).await;
    let in_review = refused(&desk.writer, of(&desk.submitted().await)).await;

    assert_eq!((trashed.code(), trashed.cause().as_str()), (Code::FailedPrecondition, "trashed"));
    assert_eq!(in_review.reason(), "BAD_TRANSITION");
    assert_eq!(in_review.metadata_of("state"), "in_review");
}

#[tokio::test]
async fn a_piece_about_nothing_is_not_written_and_a_title_is_something() {
    let world = world().await;
    let north = world.org("north").await;
    let desk = Desk::of(&north).await;
    let piece = create(&mut desk.pieces(), on(&desk.site)).await;
    let brief = Some(Brief { topic: " ".into(), ..Default::default() });
    let bare = pb::ContentPiece { brief, etag: String::new(), ..piece.clone() };
    desk.pieces().update_content_piece(update(bare, &["brief"])).await.unwrap();

    let titled = Told::begin(&mut generations(&desk.writer), of(&piece)).await.is_ok();
    let untitled = create(
        &mut desk.pieces(),
        pb::ContentPiece { title: " ".into(), brief: None, ..on(&desk.site) },
    )
    .await;
    let untitled = refused(&desk.writer, of(&untitled)).await;

    assert!(titled);
    assert_eq!(
        (untitled.code(), untitled.cause().as_str()),
        (Code::FailedPrecondition, "no_topic")
    );
}

#[tokio::test]
async fn a_try_that_is_not_there_is_not_gone_on_with() {
    let world = world().await;
    let [north, south] = [world.org("north").await, world.org("south").await];
    let [desk, theirs] = [Desk::of(&north).await, Desk::of(&south).await];
    let piece = create(&mut desk.pieces(), on(&desk.site)).await;
    let foreign = create(&mut theirs.pieces(), on(&theirs.site)).await;
    let (foreign, _) = super::failed(&mut generations(&theirs.writer), of(&foreign)).await;
    let from = |id: String| pb::GenerateDraftRequest { resume_generation_id: id, ..of(&piece) };

    let unknown = refused(&desk.writer, from(request_id())).await;
    let foreign = from(foreign.generation.unwrap().generation_id);
    let foreign = refused(&desk.writer, foreign).await;

    for refused in [&unknown, &foreign] {
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert_eq!(refused.fields(), ["resume_generation_id"]);
    }
    assert_eq!(unknown.message(), foreign.message());
    assert_eq!(piece_of(&desk, &piece).await, piece);
}
