//! Submission and decision: nobody decides on their own work, and an edit takes an approval back.

use devsphere_auth::Role;
use devsphere_proto::seo::v1 as pb;
use devsphere_testkit::{StatusExt as _, World};
use sqlx::Row as _;
use tonic::Code;

use super::{Desk, approve, create, get, on, reject, submit, write};
use crate::{pieces, site, sites, world};

/// The approvals of a piece, the oldest first: state, and whether a decision was asked for.
async fn approvals(world: &World, id: &str) -> Vec<(String, bool)> {
    let found = sqlx::query(
        "select state, required from platform.approval where record_id = $1::uuid order by create_time",
    );
    let found = found.bind(id).fetch_all(&mut world.admin().await).await.unwrap();
    found.iter().map(|row| (row.get(0), row.get(1))).collect()
}

#[tokio::test]
async fn what_one_submits_another_approves() {
    let world = world().await;
    let north = world.org("north").await;
    let desk = Desk::of(&north).await;
    let piece = desk.submitted().await;

    let seen = get(&mut desk.deciding(), &piece.content_piece_id).await.unwrap();
    let approved = approve(&mut desk.deciding(), &piece.content_piece_id).await.unwrap();

    assert_eq!(piece.state(), pb::ContentPieceState::InReview);
    assert_eq!(piece.allowed_actions, ["withdraw"]);
    assert_eq!(seen.allowed_actions, ["withdraw", "approve", "reject"]);
    assert_eq!(approved.state(), pb::ContentPieceState::Approved);
    assert_eq!(approved.decided_by, desk.manager.person_id().to_string());
    assert_eq!(approved.decision_note, "Well argued.");
    let given = [("approved".to_owned(), true)];
    assert_eq!(approvals(&world, &piece.content_piece_id).await, given);
}

#[tokio::test]
async fn nobody_decides_on_what_they_submitted_or_wrote() {
    let world = world().await;
    let north = world.org("north").await;
    let desk = Desk::of(&north).await;
    let other = north.member("maria", Role::Manager).await;
    let third = north.member("tove", Role::Admin).await;
    let draft = desk.draft().await;
    let id = draft.content_piece_id;
    write(&mut desk.deciding(), &get(&mut desk.pieces(), &id).await.unwrap(), "Mine")
        .await
        .unwrap();
    submit(&mut pieces(&other), &id).await.unwrap();

    for mut own in [desk.deciding(), pieces(&other)] {
        let refused = approve(&mut own, &id).await.unwrap_err();
        assert_eq!(
            (refused.code(), refused.cause().as_str()),
            (Code::FailedPrecondition, "own_work")
        );
        assert_eq!(reject(&mut own, &id).await.unwrap_err().cause(), "own_work");
    }
    let may_not = approve(&mut desk.pieces(), &id).await.unwrap_err();
    let approved = approve(&mut pieces(&third), &id).await.unwrap();

    assert_eq!(may_not.code(), Code::PermissionDenied);
    assert_eq!(approved.state(), pb::ContentPieceState::Approved);
}

#[tokio::test]
async fn the_database_itself_lets_nobody_decide_on_their_own() {
    let world = world().await;
    let north = world.org("north").await;
    let desk = Desk::of(&north).await;
    let piece = desk.submitted().await;
    // As if the service had forgotten whose work it is.
    let forget = sqlx::query("update seo.content_piece set submitted_by = null, edited_by = null");
    forget.execute(&mut world.admin().await).await.unwrap();
    let bar = sqlx::query("update platform.approval set barred = barred || $1::uuid");
    bar.bind(desk.manager.person_id().to_string()).execute(&mut world.admin().await).await.unwrap();

    let refused = approve(&mut desk.deciding(), &piece.content_piece_id).await.unwrap_err();

    assert_eq!(refused.cause(), "own_work");
    let piece = get(&mut desk.pieces(), &piece.content_piece_id).await.unwrap();
    assert_eq!(piece.state(), pb::ContentPieceState::InReview);
}

#[tokio::test]
async fn an_edit_takes_the_approval_back() {
    let world = world().await;
    let north = world.org("north").await;
    let desk = Desk::of(&north).await;
    let piece = desk.submitted().await;
    let id = &piece.content_piece_id;
    approve(&mut desk.deciding(), id).await.unwrap();

    write(&mut desk.pieces(), &piece, "Better").await.unwrap();
    let edited = get(&mut desk.pieces(), id).await.unwrap();
    let again = submit(&mut desk.pieces(), id).await.unwrap();

    assert_eq!(edited.state(), pb::ContentPieceState::Draft);
    assert_eq!((again.decided_by.as_str(), again.decision_note.as_str()), ("", ""));
    let states = ["superseded", "pending"].map(|state| (state.to_owned(), true));
    assert_eq!(approvals(&world, id).await, states);
}

#[tokio::test]
async fn a_rejected_piece_says_why_and_is_taken_up_again() {
    let world = world().await;
    let north = world.org("north").await;
    let desk = Desk::of(&north).await;
    let id = desk.submitted().await.content_piece_id;

    let rejected = reject(&mut desk.deciding(), &id).await.unwrap();
    let silent =
        pb::RejectContentPieceRequest { content_piece_id: id.clone(), ..Default::default() };
    let silent = desk.deciding().reject_content_piece(silent).await.unwrap_err();
    write(&mut desk.pieces(), &rejected, "Better").await.unwrap();
    let revised = get(&mut desk.pieces(), &id).await.unwrap();

    assert_eq!(rejected.state(), pb::ContentPieceState::Rejected);
    assert_eq!(rejected.decision_note, "Two prices lack a source.");
    assert_eq!(silent.fields(), ["note"]);
    assert_eq!(revised.state(), pb::ContentPieceState::Draft);
    assert_eq!(approvals(&world, &id).await, [("rejected".to_owned(), true)]);
}

#[tokio::test]
async fn a_submission_is_withdrawn_and_cannot_be_decided_any_more() {
    let world = world().await;
    let north = world.org("north").await;
    let desk = Desk::of(&north).await;
    let id = desk.submitted().await.content_piece_id;
    let withdraw =
        pb::WithdrawContentPieceRequest { content_piece_id: id.clone(), ..Default::default() };

    let withdrawn = desk.pieces().withdraw_content_piece(withdraw).await.unwrap().into_inner();
    let late = approve(&mut desk.deciding(), &id).await.unwrap_err();

    assert_eq!(withdrawn.state(), pb::ContentPieceState::Draft);
    assert_eq!(late.reason(), "BAD_TRANSITION");
    assert_eq!(approvals(&world, &id).await, [("cancelled".to_owned(), true)]);
}

#[tokio::test]
async fn without_anybody_else_to_decide_it_is_not_submitted() {
    let world = world().await;
    let north = world.org("north").await;
    let founder = north.member("frida", Role::Manager).await;
    let site = site::create(&mut sites(&founder), site::named("alone")).await;
    let mut own = pieces(&founder);
    let piece = create(&mut own, on(&site)).await;
    write(&mut own, &piece, "First").await.unwrap();

    let refused = submit(&mut own, &piece.content_piece_id).await.unwrap_err();

    assert_eq!(refused.cause(), "no_decider");
    let piece = get(&mut own, &piece.content_piece_id).await.unwrap();
    assert_eq!(piece.state(), pb::ContentPieceState::Draft);
}

#[tokio::test]
async fn where_the_site_has_no_gate_a_submission_is_approved_and_says_so() {
    let world = world().await;
    let north = world.org("north").await;
    let writer = crate::writer(&north).await;
    let open = pb::Site { approval_gate: pb::ApprovalGate::None.into(), ..site::named("open") };
    let site = site::create(&mut sites(&writer), open).await;
    let mut own = pieces(&writer);
    let piece = create(&mut own, on(&site)).await;
    write(&mut own, &piece, "First").await.unwrap();

    let approved = submit(&mut own, &piece.content_piece_id).await.unwrap();

    assert_eq!(approved.state(), pb::ContentPieceState::Approved);
    assert_eq!(approved.decided_by, "");
    let waived = [("approved".to_owned(), false)];
    assert_eq!(approvals(&world, &piece.content_piece_id).await, waived);
}

#[tokio::test]
async fn of_two_who_decide_at_once_one_is_heard() {
    let world = world().await;
    let north = world.org("north").await;
    let desk = Desk::of(&north).await;
    let other = north.member("maria", Role::Manager).await;
    let id = desk.submitted().await.content_piece_id;
    let (mut one, mut two) = (desk.deciding(), pieces(&other));

    let (approved, rejected) = tokio::join!(approve(&mut one, &id), reject(&mut two, &id));

    assert_eq!(usize::from(approved.is_ok()) + usize::from(rejected.is_ok()), 1);
    let lost = approved.err().or_else(|| rejected.err()).unwrap();
    assert_eq!(lost.reason(), "BAD_TRANSITION");
    assert_eq!(approvals(&world, &id).await.len(), 1);
}
