//! Tries that nobody holds any more: the sweep ends them, and only them.

use devsphere_auth::{Kind, PermissionSet, Role, Subject};
use devsphere_proto::seo::v1 as pb;
use devsphere_testkit::{StatusExt as _, World, eventually, organization};
use sqlx::Row as _;
use tonic::Code;
use uuid::Uuid;

use super::{
    Told, generation, generations, of, piece_of,
    stranger::{Beside, draft},
};
use crate::content_piece::{Desk, create, on};

/// Lets the leases of a piece's tries run out.
async fn lapse(world: &World, piece: &pb::ContentPiece) {
    let lapse = sqlx::query(
        "update seo.generation set lease_time = now() - interval '1 second' where content_piece_id = $1::uuid",
    );
    lapse.bind(&piece.content_piece_id).execute(&mut world.admin().await).await.unwrap();
}

/// The piece, once it is no longer at work.
async fn released(desk: &Desk<'_>, piece: &pb::ContentPiece) -> pb::ContentPiece {
    eventually("the piece", async || {
        let found = piece_of(desk, piece).await;
        (found.state() != pb::ContentPieceState::Generating).then_some(found)
    })
    .await
}

#[tokio::test]
async fn what_nobody_holds_fails_and_whoever_still_writes_it_is_too_late() {
    let beside = Beside::start().await;
    let north = beside.world.org("north").await;
    let desk = Desk::of(&north).await;
    let piece = create(&mut desk.pieces(), on(&desk.site)).await;
    let mut own = generations(&desk.writer);
    let mut told = Told::begin(&mut own, of(&piece)).await.unwrap();
    let started = told.started().await;
    let call = beside.called().await;

    lapse(&beside.world, &piece).await;
    let back = released(&desk, &piece).await;
    call.draft(draft());
    call.end();
    let late = told.ended().await.unwrap_err();

    assert_eq!(back.state(), pb::ContentPieceState::Brief);
    assert_eq!(back.generation_failure, "the agent was stopped, try again");
    let ended = generation(&mut own, &started).await;
    assert_eq!(
        (ended.state(), ended.failure.as_str()),
        (pb::GenerationState::Failed, "interrupted")
    );
    assert_eq!((late.code(), late.cause().as_str()), (Code::Unavailable, "interrupted"));
    assert_eq!(piece_of(&desk, &piece).await, back);
}

#[tokio::test]
async fn what_is_held_stays_whosever_it_is() {
    let beside = Beside::start().await;
    let [north, south] = [beside.world.org("north").await, beside.world.org("south").await];
    let [desk, theirs] = [Desk::of(&north).await, Desk::of(&south).await];
    let [lost, held] = [desk.draft().await, desk.draft().await];
    let foreign = create(&mut theirs.pieces(), on(&theirs.site)).await;
    let mut told = Vec::new();
    for (desk, piece) in [(&desk, &lost), (&desk, &held), (&theirs, &foreign)] {
        told.push(Told::begin(&mut generations(&desk.writer), of(piece)).await.unwrap());
        beside.called().await;
    }
    drop(told);
    let mut told = Vec::new();
    for (desk, piece) in [(&desk, &lost), (&desk, &held), (&theirs, &foreign)] {
        released(desk, piece).await;
        told.push(Told::begin(&mut generations(&desk.writer), of(piece)).await.unwrap());
    }

    lapse(&beside.world, &lost).await;
    let back = released(&desk, &lost).await;

    assert_eq!((back.state(), back.version_number), (pb::ContentPieceState::Draft, 1));
    assert_eq!(piece_of(&desk, &held).await.state(), pb::ContentPieceState::Generating);
    assert_eq!(piece_of(&theirs, &foreign).await.state(), pb::ContentPieceState::Generating);
}

#[tokio::test]
async fn a_release_is_noted_once_in_its_own_organisation_as_a_jobs() {
    let beside = Beside::start().await;
    let north = beside.world.org("north").await;
    let desk = Desk::of(&north).await;
    let piece = create(&mut desk.pieces(), on(&desk.site)).await;
    let _told = Told::begin(&mut generations(&desk.writer), of(&piece)).await.unwrap();
    let _call = beside.called().await;
    lapse(&beside.world, &piece).await;

    // Beside the service's own sweep, two more at once.
    let sweep = async || {
        let mut admin = beside.world.admin().await;
        let released = sqlx::query_scalar::<_, i32>("select seo.release_generations()");
        released.fetch_one(&mut admin).await.unwrap()
    };
    let (one, two) = tokio::join!(sweep(), sweep());
    let back = released(&desk, &piece).await;

    assert!(one + two <= 1);
    for (table, name) in [("outbox", "name"), ("audit", "action")] {
        let noted = sqlx::AssertSqlSafe(format!(
            "select {name}, org_id, principal_id from platform.{table} where principal_kind = 'job' order by 1"
        ));
        let rows = sqlx::query(noted).fetch_all(&mut beside.world.admin().await).await.unwrap();
        let names: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        assert_eq!(names, ["content_piece.generation_failed", "generation.failed"]);
        for row in rows {
            assert_eq!((row.get(1), row.get(2)), (north.id().uuid(), Uuid::nil()));
        }
    }
    let version = sqlx::query_scalar::<_, i64>(
        "select version from platform.outbox where name = 'content_piece.generation_failed'",
    );
    let version = version.fetch_one(&mut beside.world.admin().await).await.unwrap();
    assert_eq!(back.etag, format!("W{version}"));
}

#[tokio::test]
async fn of_whoever_may_not_go_on_nothing_is_written_and_the_piece_comes_back() {
    let beside = Beside::start().await;
    let north = beside.world.org("north").await;
    let desk = Desk::of(&north).await;
    let piece = create(&mut desk.pieces(), on(&desk.site)).await;
    // An assertion that has to be renewed soon, of a session that has ended.
    let subject = Subject {
        kind: Kind::User,
        id: Uuid::now_v7(),
        session: Some(Uuid::now_v7()),
        organization: Some(organization(north.id().uuid(), None)),
        client: None,
        permissions: PermissionSet::matching(&["seo.contentPieces.generate"]),
    };
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let begun = now.as_secs().cast_signed() - 45;
    let (assertion, _) = beside.world.minter().assertion(&subject, begun).unwrap();
    let channel = beside.world.with_assertion("seo", &assertion);

    let mut ended = super::Generations::new(channel);
    let refused = super::failed(&mut ended, of(&piece)).await.1;
    let left = piece_of(&desk, &piece).await;
    lapse(&beside.world, &piece).await;
    let back = released(&desk, &piece).await;

    assert_eq!(refused.code(), Code::Unauthenticated);
    assert_eq!(left.state(), pb::ContentPieceState::Generating);
    assert_eq!((back.state(), back.version_number), (pb::ContentPieceState::Brief, 0));
    assert!(!beside.was_called().await, "an agent was asked");
    let viewer = north.member("vera", Role::Viewer).await;
    let seen =
        crate::content_piece::get(&mut crate::pieces(&viewer), &piece.content_piece_id).await;
    assert_eq!(seen.unwrap().generation_failure, "the agent was stopped, try again");
}
