//! Requests that repeat: the same answer, whatever broke in between.

use devsphere_proto::administration::v1 as pb;
use devsphere_testkit::StatusExt as _;
use sqlx::Executor as _;
use tonic::Code;

use super::{
    Desk, approvals, approve, get, no, request_id, submit, waiting, withdraw, world, write, yes,
};

#[tokio::test]
async fn a_repeated_request_gets_the_same_answer_even_when_the_record_has_moved_on() {
    let world = world().await;
    let north = world.org("north").await;
    let desk = Desk::of(&north).await;
    let id = desk.submitted("Accessible web design").await.content_piece_id;
    let asked = waiting(&desk.manager).await;
    let once = pb::ApproveApprovalRequest { request_id: request_id(), ..yes(&asked) };
    let mut manager = approvals(&desk.manager);

    let first = manager.approve_approval(once.clone()).await.unwrap().into_inner();
    let again = manager.approve_approval(once.clone()).await.unwrap().into_inner();
    write(&desk.writer, &id).await;
    let late = manager.approve_approval(once.clone()).await.unwrap().into_inner();

    assert_eq!(first.state(), pb::ApprovalState::Approved);
    assert_eq!((&again, &late), (&first, &first));
    let now = get(&desk.manager, &asked.approval_id).await.unwrap();
    assert_eq!(now.state(), pb::ApprovalState::Superseded);
    let other = pb::ApproveApprovalRequest { note: "Otherwise.".into(), ..once.clone() };
    assert_eq!(manager.approve_approval(other).await.unwrap_err().cause(), "request_id_reused");
    let fresh = pb::ApproveApprovalRequest { request_id: request_id(), ..once };
    assert_eq!(manager.approve_approval(fresh).await.unwrap_err().cause(), "decided");
}

#[tokio::test]
async fn what_the_owner_decided_is_answered_though_the_first_answer_was_lost() {
    let world = world().await;
    let north = world.org("north").await;
    let desk = Desk::of(&north).await;
    desk.submitted("Accessible web design").await;
    let asked = waiting(&desk.manager).await;
    let once = pb::RejectApprovalRequest { request_id: request_id(), ..no(&asked) };
    let mut manager = approvals(&desk.manager);
    let first = manager.reject_approval(once.clone()).await.unwrap().into_inner();
    // As if administration had gone down between the owner's answer and its own.
    let lose = "delete from platform.idempotency where method like '%ApprovalService%'";
    assert_eq!(world.admin().await.execute(lose).await.unwrap().rows_affected(), 1);

    let by_another = approvals(&desk.admin).reject_approval(once.clone()).await.unwrap_err();
    let fresh = pb::RejectApprovalRequest { request_id: request_id(), ..once.clone() };
    let fresh = manager.reject_approval(fresh).await.unwrap_err();
    let other = pb::RejectApprovalRequest { note: "Otherwise.".into(), ..once.clone() };
    let other = manager.reject_approval(other).await.unwrap_err();
    let again = manager.reject_approval(once).await.unwrap().into_inner();

    assert_eq!((by_another.cause(), fresh.cause()), ("decided".into(), "decided".into()));
    assert_eq!(other.cause(), "request_id_reused");
    assert_eq!(again, first);
}

#[tokio::test]
async fn an_owner_that_is_away_leaves_the_question_open_and_a_retry_decides_it() {
    let world = world().await;
    let north = world.org("north").await;
    let desk = Desk::of(&north).await;
    desk.submitted("Accessible web design").await;
    let asked = waiting(&desk.manager).await;
    let once = pb::ApproveApprovalRequest { request_id: request_id(), ..yes(&asked) };
    let mut manager = approvals(&desk.manager);
    let seo = world.stop_one("seo").await;

    let away = manager.approve_approval(once.clone()).await.unwrap_err();
    let still = waiting(&desk.manager).await;
    world.start_one(seo).await;
    let approved = manager.approve_approval(once).await.unwrap().into_inner();

    assert_eq!((away.code(), away.cause()), (Code::Unavailable, "peer".into()));
    assert_eq!(still, asked);
    assert_eq!(approved.state(), pb::ApprovalState::Approved);
}

#[tokio::test]
async fn a_record_that_comes_again_is_another_question() {
    let world = world().await;
    let north = world.org("north").await;
    let desk = Desk::of(&north).await;
    let id = desk.submitted("Accessible web design").await.content_piece_id;
    let first = waiting(&desk.manager).await;
    withdraw(&desk.writer, &id).await;
    let again = submit(&desk.writer, &id).await;

    let second = waiting(&desk.manager).await;
    let approved = approve(&desk.manager, &second).await.unwrap();

    assert_ne!(second.approval_id, first.approval_id);
    assert_eq!((second.record.as_str(), second.record_etag), (first.record.as_str(), again.etag));
    assert_eq!(approved.state(), pb::ApprovalState::Approved);
    let first = get(&desk.manager, &first.approval_id).await.unwrap();
    assert_eq!(first.state(), pb::ApprovalState::Cancelled);
}
