//! Versions of a text.

use devsphere_proto::{
    seo::v1 as pb,
    r#type::v1::{Content, Severity},
};
use devsphere_testkit::StatusExt as _;
use tonic::Code;

use super::{Desk, approve, create, get, on, text, write};
use crate::{pieces, request_id, world};

async fn version(
    pieces: &mut crate::Pieces,
    piece: &pb::ContentPiece,
    number: i32,
) -> Result<pb::ContentVersion, tonic::Status> {
    let content_piece_id = piece.content_piece_id.clone();
    let request = pb::GetContentVersionRequest { content_piece_id, number };
    pieces.get_content_version(request).await.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn each_write_is_a_version_and_none_ever_changes() {
    let world = world().await;
    let north = world.org("north").await;
    let desk = Desk::of(&north).await;
    let piece = create(&mut desk.pieces(), on(&desk.site)).await;

    let first = write(&mut desk.pieces(), &piece, "First").await.unwrap();
    let second = write(&mut desk.pieces(), &piece, "Second").await.unwrap();
    let now = get(&mut desk.pieces(), &piece.content_piece_id).await.unwrap();

    assert_eq!((first.number, second.number, now.version_number), (1, 2, 2));
    assert_eq!(now.state(), pb::ContentPieceState::Draft);
    assert_eq!(now.edited_by, desk.writer.person_id().to_string());
    assert_eq!(now.score, Some(second.score));
    assert_eq!(version(&mut desk.pieces(), &piece, 1).await.unwrap(), first);
    assert_eq!(version(&mut desk.pieces(), &piece, 0).await.unwrap(), second);
    assert_eq!(version(&mut desk.pieces(), &piece, 3).await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn an_older_version_comes_back_as_the_newest() {
    let world = world().await;
    let north = world.org("north").await;
    let desk = Desk::of(&north).await;
    let piece = desk.draft().await;
    write(&mut desk.pieces(), &piece, "Second").await.unwrap();
    let restore = |number| pb::RestoreContentRequest {
        content_piece_id: piece.content_piece_id.clone(),
        number,
        ..Default::default()
    };

    let restored = desk.pieces().restore_content(restore(1)).await.unwrap().into_inner();
    let unknown = desk.pieces().restore_content(restore(9)).await.unwrap_err();

    assert_eq!((restored.number, restored.origin()), (3, pb::ContentOrigin::Restored));
    assert_eq!(restored.content.unwrap().title, "First");
    assert_eq!(unknown.code(), Code::NotFound);
}

#[tokio::test]
async fn a_text_is_measured_by_its_brief_its_keywords_and_its_site() {
    let world = world().await;
    let north = world.org("north").await;
    let desk = Desk::of(&north).await;
    let main = desk.keyword(&desk.site, "web design").await;
    let rare = desk.keyword(&desk.site, "rowing boats").await;
    let keyword_ids = vec![main.keyword_id.clone(), rare.keyword_id];
    let piece =
        create(&mut desk.pieces(), pb::ContentPiece { keyword_ids, ..on(&desk.site) }).await;
    let request = pb::WriteContentRequest {
        content_piece_id: piece.content_piece_id.clone(),
        content: Some(Content { json_ld: "{".into(), ..text("Web design") }),
        ..Default::default()
    };

    let written = desk.pieces().write_content(request).await.unwrap().into_inner();

    let checks = written.checks.unwrap();
    let uses: Vec<_> = checks.keyword_uses.iter().map(|one| (&*one.phrase, one.count)).collect();
    assert_eq!(uses, [("web design", 1), ("rowing boats", 0)]);
    assert_eq!(checks.keyword_uses[0].keyword_id, main.keyword_id);
    assert_eq!(checks.findings[0].rule, "structured_data");
    assert_eq!(checks.findings[0].severity(), Severity::Error);
    assert!(checks.findings.iter().any(|found| found.rule == "length"));
    assert_eq!(checks.score, written.score);
    assert!(checks.reading_ease.is_some());
}

#[tokio::test]
async fn what_is_approved_on_the_site_is_suggested_to_link_to() {
    let world = world().await;
    let north = world.org("north").await;
    let desk = Desk::of(&north).await;
    let known = pb::ContentPiece { title: "keyboard".into(), ..on(&desk.site) };
    let known = create(&mut desk.pieces(), known).await;
    write(&mut desk.pieces(), &known, "Keyboards").await.unwrap();
    super::submit(&mut desk.pieces(), &known.content_piece_id).await.unwrap();

    let before = write(&mut desk.pieces(), &desk.draft().await, "Before").await.unwrap();
    approve(&mut desk.deciding(), &known.content_piece_id).await.unwrap();
    let after = write(&mut desk.pieces(), &desk.draft().await, "After").await.unwrap();

    assert!(before.checks.unwrap().suggested_links.is_empty());
    let links = after.checks.unwrap().suggested_links;
    assert_eq!(links.len(), 1);
    assert_eq!(links[0].url, "https://north.example/accessible-web-design");
}

#[tokio::test]
async fn versions_are_listed_without_their_texts_page_by_page() {
    let world = world().await;
    let north = world.org("north").await;
    let desk = Desk::of(&north).await;
    let piece = desk.draft().await;
    for title in ["Second", "Third"] {
        write(&mut desk.pieces(), &piece, title).await.unwrap();
    }
    let page = async |page_token: String| {
        let request = pb::ListContentVersionsRequest {
            content_piece_id: piece.content_piece_id.clone(),
            page_size: 2,
            page_token,
        };
        desk.pieces().list_content_versions(request).await.unwrap().into_inner()
    };

    let first = page(String::new()).await;
    let second = page(first.next_page_token.clone()).await;

    let numbers = |page: &pb::ListContentVersionsResponse| {
        page.content_versions.iter().map(|version| version.number).collect::<Vec<_>>()
    };
    assert_eq!((numbers(&first), numbers(&second)), (vec![3, 2], vec![1]));
    assert!(first.content_versions.iter().all(|version| version.content.is_none()));
    assert_eq!(second.next_page_token, "");
}

#[tokio::test]
async fn a_repeated_write_adds_one_version_and_a_stale_one_none() {
    let world = world().await;
    let north = world.org("north").await;
    let desk = Desk::of(&north).await;
    let piece = create(&mut desk.pieces(), on(&desk.site)).await;
    let once = pb::WriteContentRequest {
        content_piece_id: piece.content_piece_id.clone(),
        content: Some(text("Once")),
        request_id: request_id(),
        etag: piece.etag.clone(),
        ..Default::default()
    };

    let first = desk.pieces().write_content(once.clone()).await.unwrap().into_inner();
    let again = desk.pieces().write_content(once.clone()).await.unwrap().into_inner();
    let stale = pb::WriteContentRequest { request_id: String::new(), ..once };
    let stale = desk.pieces().write_content(stale).await.unwrap_err();

    assert_eq!((again.number, again), (1, first));
    assert_eq!(stale.cause(), "stale_etag");
}

#[tokio::test]
async fn another_organisations_text_is_not_there() {
    let world = world().await;
    let [north, south] = [world.org("north").await, world.org("south").await];
    let desk = Desk::of(&north).await;
    let piece = desk.draft().await;
    let mut theirs = pieces(&crate::writer(&south).await);

    let read = version(&mut theirs, &piece, 0).await.unwrap_err();
    let written = write(&mut theirs, &piece, "Theirs").await.unwrap_err();
    let request = pb::ListContentVersionsRequest {
        content_piece_id: piece.content_piece_id.clone(),
        ..Default::default()
    };
    let listed = theirs.list_content_versions(request).await.unwrap_err();

    for refused in [read, written, listed] {
        assert_eq!(refused.code(), Code::NotFound);
    }
}
