//! Who sees which questions.

use devsphere_auth::Role;
use devsphere_proto::administration::v1::{self as pb, ApprovalsOf};
use devsphere_testkit::StatusExt as _;
use tonic::Code;

use super::{DECIDE, Desk, approvals, approve, get, list, submit, waiting, withdraw, world, write};

fn titles(approvals: &[pb::Approval]) -> Vec<&str> {
    approvals.iter().map(|approval| approval.title.as_str()).collect()
}

#[tokio::test]
async fn a_question_says_what_a_decider_needs_to_know() {
    let world = world().await;
    let north = world.org("north").await;
    let desk = Desk::of(&north).await;
    let piece = desk.submitted("Accessible web design").await;

    let approval = waiting(&desk.manager).await;

    assert_eq!(
        approval,
        pb::Approval {
            approval_id: approval.approval_id.clone(),
            noun: "content_piece".into(),
            record: format!("seo/contentPieces/{}", piece.content_piece_id),
            record_etag: piece.etag,
            title: "Accessible web design".into(),
            permission: DECIDE.into(),
            asked_by: desk.writer.person_id().to_string(),
            required: true,
            state: pb::ApprovalState::Pending.into(),
            create_time: approval.create_time,
            allowed_actions: vec!["approve".into(), "reject".into()],
            ..Default::default()
        }
    );
    assert!(approval.create_time.is_some());
    assert_eq!(get(&desk.manager, &approval.approval_id).await.unwrap(), approval);
}

#[tokio::test]
async fn a_question_is_for_those_who_may_decide_it_and_for_who_asked() {
    let world = world().await;
    let (north, south) = (world.org("north").await, world.org("south").await);
    let desk = Desk::of(&north).await;
    desk.submitted("Accessible web design").await;
    let approval = waiting(&desk.manager).await;

    for role in Role::ALL.into_iter().filter(|role| *role != Role::Client) {
        let member = north.member(role.as_str(), role).await;
        let listed = list(&member, ApprovalsOf::All, "").await;
        let got = get(&member, &approval.approval_id).await;
        match role {
            Role::Ceo | Role::Admin | Role::Manager => {
                assert_eq!((listed.unwrap().len(), got.is_ok()), (1, true), "{role}");
            }
            Role::Viewer => {
                let refused = listed.unwrap_err();
                assert_eq!(refused.metadata_of("permission"), "administration.approvals.read");
                assert_eq!(got.unwrap_err().code(), Code::PermissionDenied);
            }
            _ => {
                assert!(listed.unwrap().is_empty(), "{role}");
                assert_eq!(got.unwrap_err().code(), Code::NotFound, "{role}");
            }
        }
    }
    let stranger = south.member("olga", Role::Ceo).await;
    assert!(list(&stranger, ApprovalsOf::All, "").await.unwrap().is_empty());
    let theirs = get(&stranger, &approval.approval_id).await.unwrap_err();
    let nothings = get(&stranger, &super::request_id()).await.unwrap_err();
    assert_eq!((theirs.code(), theirs.message()), (Code::NotFound, nothings.message()));
    let own = get(&desk.writer, &approval.approval_id).await.unwrap();
    assert_eq!((own.asked_by, own.allowed_actions.len()), (approval.asked_by, 0));
}

#[tokio::test]
async fn nobodys_own_work_waits_for_them() {
    let world = world().await;
    let north = world.org("north").await;
    let desk = Desk::of(&north).await;
    north.member("maria", Role::Manager).await;
    let (by_writer, by_admin) = (desk.draft("By the writer").await, desk.draft("Edited").await);
    submit(&desk.manager, &by_writer).await;
    write(&desk.admin, &by_admin).await;
    submit(&desk.manager, &by_admin).await;

    let of_manager = list(&desk.manager, ApprovalsOf::Unspecified, "").await.unwrap();
    let of_admin = list(&desk.admin, ApprovalsOf::Unspecified, "").await.unwrap();
    let seen_by_admin = list(&desk.admin, ApprovalsOf::All, "").await.unwrap();
    let asked = list(&desk.manager, ApprovalsOf::Mine, "").await.unwrap();

    assert!(of_manager.is_empty());
    assert_eq!(titles(&of_admin), ["By the writer"]);
    assert_eq!(titles(&seen_by_admin), ["By the writer"]);
    assert_eq!(titles(&asked), ["Edited", "By the writer"]);
    let edited = &asked[0].approval_id;
    assert_eq!(get(&desk.admin, edited).await.unwrap_err().code(), Code::NotFound);
    assert!(get(&desk.manager, edited).await.unwrap().allowed_actions.is_empty());
}

#[tokio::test]
async fn what_is_decided_waits_no_more_and_is_still_seen() {
    let world = world().await;
    let north = world.org("north").await;
    let desk = Desk::of(&north).await;
    let first = desk.submitted("First").await;
    approve(&desk.manager, &waiting(&desk.manager).await).await.unwrap();
    write(&desk.writer, &first.content_piece_id).await;
    let second = desk.submitted("Second").await;
    withdraw(&desk.writer, &second.content_piece_id).await;
    desk.submitted("Third").await;

    let states = |approvals: Vec<pb::Approval>| -> Vec<_> {
        let shown = |approval: &pb::Approval| (approval.title.clone(), approval.state());
        approvals.iter().map(shown).collect()
    };
    let now = states(list(&desk.manager, ApprovalsOf::Unspecified, "").await.unwrap());
    let all = states(list(&desk.manager, ApprovalsOf::All, "").await.unwrap());
    let mine = states(list(&desk.writer, ApprovalsOf::Mine, "").await.unwrap());

    use pb::ApprovalState::{Cancelled, Pending, Superseded};
    assert_eq!(now, [("Third".into(), Pending)]);
    let every = [("Third", Pending), ("Second", Cancelled), ("First", Superseded)];
    assert_eq!(all, every.map(|(title, state)| (title.to_owned(), state)));
    assert_eq!(mine, all);
    assert!(list(&desk.manager, ApprovalsOf::Mine, "").await.unwrap().is_empty());
    assert!(list(&desk.writer, ApprovalsOf::Unspecified, "").await.unwrap().is_empty());
}

#[tokio::test]
async fn lists_are_filtered_by_noun_state_persons_and_times() {
    let world = world().await;
    let north = world.org("north").await;
    let desk = Desk::of(&north).await;
    desk.submitted("First").await;
    approve(&desk.manager, &waiting(&desk.manager).await).await.unwrap();
    desk.submitted("Second").await;
    let filtered = async |filter: &str| {
        let found = list(&desk.admin, ApprovalsOf::All, filter).await.unwrap();
        titles(&found).join(" ")
    };

    let (writer, manager) = (desk.writer.person_id(), desk.manager.person_id());
    assert_eq!(filtered("noun = content_piece").await, "Second First");
    assert_eq!(filtered("noun = lead").await, "");
    assert_eq!(filtered("state = approved").await, "First");
    assert_eq!(filtered(&format!("asked_by = {writer} AND decided_by = null")).await, "Second");
    assert_eq!(filtered(&format!("decided_by = {manager}")).await, "First");
    assert_eq!(filtered("decide_time > \"2026-01-01T00:00:00Z\"").await, "First");
    assert_eq!(filtered("create_time < \"2026-01-01T00:00:00Z\"").await, "");
    for unknown in ["mood = good", "state = done", "permission = x", "barred = null"] {
        let refused = list(&desk.admin, ApprovalsOf::All, unknown).await.unwrap_err();
        assert_eq!(
            (refused.code(), refused.fields()),
            (Code::InvalidArgument, vec!["filter".into()])
        );
    }
}

#[tokio::test]
async fn pages_are_of_one_list_and_miss_nothing() {
    let world = world().await;
    let north = world.org("north").await;
    let desk = Desk::of(&north).await;
    for title in ["First", "Second", "Third"] {
        desk.submitted(title).await;
    }
    let mut manager = approvals(&desk.manager);
    let mut page = async |of: ApprovalsOf, page_token: &str| {
        let (of, page_token) = (of.into(), page_token.into());
        let request =
            pb::ListApprovalsRequest { page_size: 2, of, page_token, ..Default::default() };
        manager.list_approvals(request).await.map(tonic::Response::into_inner)
    };

    let first = page(ApprovalsOf::Unspecified, "").await.unwrap();
    let last = page(ApprovalsOf::Unspecified, &first.next_page_token).await.unwrap();
    let other = page(ApprovalsOf::All, &first.next_page_token).await.unwrap_err();

    assert_eq!(titles(&first.approvals), ["Third", "Second"]);
    assert_eq!((titles(&last.approvals), last.next_page_token.as_str()), (vec!["First"], ""));
    assert_eq!(other.fields(), ["page_token"]);
}
