//! What is not decided here: one's own, what others may decide, what is decided, what has changed.

use std::time::SystemTime;

use devsphere_auth::{Kind, Role, Subject};
use devsphere_proto::{administration::v1 as pb, seo::v1 as seo};
use devsphere_testkit::{StatusExt as _, organization};
use sqlx::Executor as _;
use tonic::Code;
use uuid::Uuid;

use super::{
    Approvals, DECIDE, Desk, approvals, approve, get, no, piece, reject, request_id, submit,
    waiting, withdraw, world, write, yes,
};

#[tokio::test]
async fn nobody_decides_on_what_they_asked_or_wrote() {
    let world = world().await;
    let north = world.org("north").await;
    let desk = Desk::of(&north).await;
    let maria = north.member("maria", Role::Manager).await;
    let id = desk.draft("Accessible web design").await;
    write(&desk.admin, &id).await;
    submit(&desk.manager, &id).await;
    let asked = waiting(&maria).await;

    let by_asker = approve(&desk.manager, &asked).await.unwrap_err();
    let no_by_asker = reject(&desk.manager, &asked).await.unwrap_err();
    let by_author = approve(&desk.admin, &asked).await.unwrap_err();

    for own in [by_asker, no_by_asker] {
        assert_eq!((own.code(), own.cause().as_str()), (Code::FailedPrecondition, "own_work"));
    }
    assert_eq!(by_author.code(), Code::NotFound);
    assert_eq!(get(&maria, &asked.approval_id).await.unwrap(), asked);
    assert_eq!(approve(&maria, &asked).await.unwrap().state(), pb::ApprovalState::Approved);
}

#[tokio::test]
async fn deciding_takes_both_permissions() {
    let world = world().await;
    let (north, south) = (world.org("north").await, world.org("south").await);
    let desk = Desk::of(&north).await;
    desk.submitted("Accessible web design").await;
    let asked = waiting(&desk.manager).await;
    let elsewhere = south.member("olga", Role::Ceo).await;
    let of_pieces_alone = north.caller(&[DECIDE, "administration.approvals.read"]);
    let of_approvals_alone = north.caller(&["administration.approvals.*"]);

    let here = approve(&of_pieces_alone, &asked).await.unwrap_err();
    let there = approve(&of_approvals_alone, &asked).await.unwrap_err();
    let own = approve(&desk.writer, &asked).await.unwrap_err();
    let theirs = reject(&elsewhere, &asked).await.unwrap_err();

    assert_eq!(here.metadata_of("permission"), "administration.approvals.decide");
    assert!(get(&of_pieces_alone, &asked.approval_id).await.unwrap().allowed_actions.is_empty());
    assert_eq!(there.code(), Code::NotFound);
    assert_eq!(
        (own.code(), own.metadata_of("permission")),
        (Code::PermissionDenied, DECIDE.into())
    );
    assert_eq!(theirs.code(), Code::NotFound);
    assert_eq!(waiting(&desk.manager).await, asked);
}

#[tokio::test]
async fn a_key_sees_what_waits_and_decides_nothing() {
    let world = world().await;
    let north = world.org("north").await;
    let desk = Desk::of(&north).await;
    desk.submitted("Accessible web design").await;
    let asked = waiting(&desk.manager).await;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let key = Subject {
        kind: Kind::Key,
        id: Uuid::new_v4(),
        session: None,
        organization: Some(organization(north.id().uuid(), Some(Role::Manager))),
        client: None,
        permissions: Role::Manager.permissions(),
    };
    let (assertion, _) = world.minter().assertion(&key, now.cast_signed()).unwrap();
    let mut by_key = Approvals::new(world.with_assertion("administration", &assertion));

    let seen = by_key
        .get_approval(pb::GetApprovalRequest { approval_id: asked.approval_id.clone() })
        .await
        .unwrap()
        .into_inner();
    let refused = by_key.approve_approval(yes(&asked)).await.unwrap_err();

    assert!(seen.allowed_actions.is_empty());
    assert_eq!(
        (refused.code(), refused.metadata_of("permission")),
        (Code::PermissionDenied, DECIDE.into())
    );
    assert_eq!(waiting(&desk.manager).await, asked);
}

#[tokio::test]
async fn what_waits_no_more_is_not_decided_again() {
    let world = world().await;
    let north = world.org("north").await;
    let desk = Desk::of(&north).await;
    let first = desk.submitted("First").await.content_piece_id;
    let approved = approve(&desk.manager, &waiting(&desk.manager).await).await.unwrap();
    let second = desk.submitted("Second").await.content_piece_id;
    let cancelled = waiting(&desk.manager).await;
    withdraw(&desk.writer, &second).await;
    submit(&desk.writer, &second).await;

    let once_more = [
        approve(&desk.manager, &approved).await.unwrap_err(),
        approve(&desk.admin, &approved).await.unwrap_err(),
        reject(&desk.manager, &approved).await.unwrap_err(),
        approve(&desk.manager, &cancelled).await.unwrap_err(),
    ];
    write(&desk.writer, &first).await;
    let superseded = approve(&desk.manager, &approved).await.unwrap_err();

    for refused in once_more.into_iter().chain([superseded]) {
        assert_eq!((refused.reason(), refused.cause()), ("INVALID_STATE".into(), "decided".into()));
    }
    let second = piece(&desk.writer, &second).await;
    assert_eq!(second.state(), seo::ContentPieceState::InReview);
}

#[tokio::test]
async fn another_version_than_was_asked_about_is_not_decided() {
    let world = world().await;
    let north = world.org("north").await;
    let desk = Desk::of(&north).await;
    let id = desk.submitted("Accessible web design").await.content_piece_id;
    let asked = waiting(&desk.manager).await;
    // As if the record had changed between the question and the decision.
    let moved = "update seo.content_piece set version = version + 1";
    world.admin().await.execute(moved).await.unwrap();

    let refused = approve(&desk.manager, &asked).await.unwrap_err();

    assert_eq!((refused.code(), refused.reason()), (Code::Aborted, "CONFLICT".into()));
    assert_eq!(refused.metadata_of("etag"), piece(&desk.writer, &id).await.etag);
    assert_eq!(waiting(&desk.manager).await, asked);
}

#[tokio::test]
async fn a_no_without_a_note_is_none() {
    let world = world().await;
    let north = world.org("north").await;
    let desk = Desk::of(&north).await;
    desk.submitted("Accessible web design").await;
    let asked = waiting(&desk.manager).await;
    let silent = pb::RejectApprovalRequest { note: String::new(), ..no(&asked) };
    let unnamed = pb::RejectApprovalRequest { approval_id: "one".into(), ..no(&asked) };
    let unknown = pb::RejectApprovalRequest { approval_id: request_id(), ..no(&asked) };

    let silent = approvals(&desk.manager).reject_approval(silent).await.unwrap_err();
    let unnamed = approvals(&desk.manager).reject_approval(unnamed).await.unwrap_err();
    let unknown = approvals(&desk.manager).reject_approval(unknown).await.unwrap_err();

    assert_eq!(
        (silent.fields(), unnamed.fields()),
        (vec!["note".into()], vec!["approval_id".into()])
    );
    assert_eq!(unknown.code(), Code::NotFound);
    assert_eq!(waiting(&desk.manager).await, asked);
}

#[tokio::test]
async fn of_two_who_decide_at_once_one_is_heard() {
    let world = world().await;
    let north = world.org("north").await;
    let desk = Desk::of(&north).await;
    desk.submitted("Accessible web design").await;
    let asked = waiting(&desk.manager).await;

    let (yes, no) = tokio::join!(approve(&desk.manager, &asked), reject(&desk.admin, &asked));

    assert_eq!(usize::from(yes.is_ok()) + usize::from(no.is_ok()), 1);
    let lost = yes.as_ref().err().or(no.as_ref().err()).unwrap();
    assert!(["decided", "stale_etag"].contains(&lost.cause().as_str()), "{lost:?}");
    let heard = yes.or(no).unwrap();
    assert_eq!(get(&desk.writer, &asked.approval_id).await.unwrap(), heard);
}
