//! Decisions, by the owner's own verbs.

use devsphere_proto::{administration::v1 as pb, seo::v1::ContentPieceState};
use devsphere_testkit::World;
use sqlx::Row as _;

use super::{Desk, MODULES, approve, get, list, piece, reject, request_id, waiting, world, yes};

#[tokio::test]
async fn a_yes_approves_the_record_and_is_the_deciders_own() {
    let world = world().await;
    let north = world.org("north").await;
    let desk = Desk::of(&north).await;
    let submitted = desk.submitted("Accessible web design").await;
    let asked = waiting(&desk.manager).await;

    let approved = approve(&desk.manager, &asked).await.unwrap();

    assert_eq!(
        approved,
        pb::Approval {
            state: pb::ApprovalState::Approved.into(),
            decided_by: desk.manager.person_id().to_string(),
            note: "Well argued.".into(),
            decide_time: approved.decide_time,
            allowed_actions: Vec::new(),
            ..asked
        }
    );
    assert!(approved.decide_time.is_some());
    assert_eq!(get(&desk.writer, &approved.approval_id).await.unwrap(), approved);
    let piece = piece(&desk.writer, &submitted.content_piece_id).await;
    assert_eq!(piece.state(), ContentPieceState::Approved);
    assert_eq!((piece.decided_by, piece.decision_note), (approved.decided_by, approved.note));
}

#[tokio::test]
async fn a_no_sends_the_record_back_with_its_note() {
    let world = world().await;
    let north = world.org("north").await;
    let desk = Desk::of(&north).await;
    let submitted = desk.submitted("Accessible web design").await;
    let asked = waiting(&desk.manager).await;

    let rejected = reject(&desk.manager, &asked).await.unwrap();

    assert_eq!(rejected.state(), pb::ApprovalState::Rejected);
    assert_eq!(rejected.note, "Two prices lack a source.");
    assert_eq!(rejected.decided_by, desk.manager.person_id().to_string());
    let piece = piece(&desk.writer, &submitted.content_piece_id).await;
    assert_eq!(piece.state(), ContentPieceState::Rejected);
    assert_eq!(piece.decision_note, "Two prices lack a source.");
}

#[tokio::test]
async fn a_decision_is_one_change_of_the_owners_and_none_of_administrations() {
    let world = world().await;
    let north = world.org("north").await;
    let desk = Desk::of(&north).await;
    desk.submitted("Accessible web design").await;
    let asked = waiting(&desk.manager).await;
    let before = "select count(*) from platform.audit";
    let before: i64 = sqlx::query_scalar(before).fetch_one(&mut world.admin().await).await.unwrap();

    approve(&desk.manager, &asked).await.unwrap();

    let audit = sqlx::query(
        "select action, method, principal_id::text from platform.audit order by create_time offset $1",
    );
    let audit = audit.bind(before).fetch_all(&mut world.admin().await).await.unwrap();
    let [record] = audit.as_slice() else { panic!("{} audit records", audit.len()) };
    let said: [String; 3] = [record.get(0), record.get(1), record.get(2)];
    let method = "/devsphere.seo.v1.ContentPieceService/ApproveContentPiece";
    assert_eq!(said, ["content_piece.approved", method, &desk.manager.person_id().to_string()]);
}

/// The round trips of administration in a call's second run: a statement's first use on a connection
/// costs one more.
async fn cost(world: &World, mut call: impl AsyncFnMut()) -> usize {
    call().await;
    let before = world.counter("administration").round_trips();
    call().await;
    world.counter("administration").round_trips() - before
}

#[tokio::test]
async fn each_call_takes_the_round_trips_of_its_kind() {
    let world = World::counted(&MODULES).await;
    let north = world.org("north").await;
    let desk = Desk::of(&north).await;
    for title in ["First", "Second", "Third", "Fourth"] {
        desk.submitted(title).await;
    }
    let mut asked = list(&desk.manager, pb::ApprovalsOf::Unspecified, "").await.unwrap();
    let shown = asked[0].approval_id.clone();
    let (repeated, mut manager) = (request_id(), super::approvals(&desk.manager));
    let last = asked.pop().unwrap();
    let repeat = || pb::ApproveApprovalRequest { request_id: repeated.clone(), ..yes(&last) };
    manager.approve_approval(repeat()).await.unwrap();

    let costs = [
        cost(&world, async || drop(get(&desk.manager, &shown).await.unwrap())).await,
        cost(&world, async || {
            drop(list(&desk.manager, pb::ApprovalsOf::Unspecified, "").await.unwrap());
        })
        .await,
        // A question is found before its owner decides, and the answer kept after: nothing is held open.
        cost(&world, async || drop(approve(&desk.manager, &asked.pop().unwrap()).await.unwrap()))
            .await,
        cost(&world, async || drop(manager.approve_approval(repeat()).await.unwrap())).await,
    ];

    assert_eq!(costs, [2, 2, 6, 3]);
}
