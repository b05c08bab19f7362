//! Create, get and update.

use devsphere_auth::Role;
use devsphere_proto::{seo::v1 as pb, r#type::v1::Brief};
use devsphere_testkit::StatusExt as _;
use tonic::Code;

use super::{Desk, create, creation, get, on, update};
use crate::{pieces, request_id, site, sites, world};

#[tokio::test]
async fn a_piece_begins_as_a_brief() {
    let world = world().await;
    let north = world.org("north").await;
    let desk = Desk::of(&north).await;

    let piece = create(&mut desk.pieces(), on(&desk.site)).await;

    assert_eq!(piece.state(), pb::ContentPieceState::Brief);
    assert_eq!(piece.kind(), pb::ContentKind::Article);
    assert_eq!((piece.version_number, piece.score), (0, None));
    assert_eq!(piece.brief.as_ref().unwrap().topic, "What it costs");
    assert_eq!(piece.allowed_actions, ["update", "write", "generate", "delete"]);
    assert_eq!(get(&mut desk.pieces(), &piece.content_piece_id).await.unwrap(), piece);
}

#[tokio::test]
async fn a_piece_stands_on_a_site_that_is_there_with_keywords_of_it() {
    let world = world().await;
    let north = world.org("north").await;
    let desk = Desk::of(&north).await;
    let other = site::create(&mut desk.sites(), site::named("other")).await;
    let own = desk.keyword(&desk.site, "web design").await;
    let foreign = desk.keyword(&other, "boats").await;
    let with = |site_id: &str, keywords: &[&pb::Keyword]| pb::ContentPiece {
        site_id: site_id.into(),
        keyword_ids: keywords.iter().map(|one| one.keyword_id.clone()).collect(),
        ..on(&desk.site)
    };
    let refused = async |piece| {
        let refused = desk.pieces().create_content_piece(creation(piece)).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        refused.fields()
    };

    let nowhere = refused(with(&request_id(), &[])).await;
    let wrong = refused(with(&desk.site.site_id, &[&own, &foreign])).await;
    site::delete(&mut desk.sites(), &other).await.unwrap();
    let on_trash = with(&other.site_id, &[]);
    let on_trash = desk.pieces().create_content_piece(creation(on_trash)).await.unwrap_err();
    let fine = create(&mut desk.pieces(), with(&desk.site.site_id, &[&own])).await;

    assert_eq!(nowhere, ["content_piece.site_id"]);
    assert_eq!(wrong, ["content_piece.keyword_ids[1]"]);
    assert_eq!(on_trash.cause(), "trashed");
    assert_eq!(fine.keyword_ids, [own.keyword_id]);
}

#[tokio::test]
async fn a_check_says_what_creating_would_and_creates_nothing() {
    let world = world().await;
    let north = world.org("north").await;
    let desk = Desk::of(&north).await;
    let check = |piece| pb::CreateContentPieceRequest { validate_only: true, ..creation(piece) };
    let nowhere = pb::ContentPiece { site_id: request_id(), ..on(&desk.site) };

    let fine = desk.pieces().create_content_piece(check(on(&desk.site))).await.unwrap();
    let refused = desk.pieces().create_content_piece(check(nowhere)).await.unwrap_err();
    let listed = desk.pieces().list_content_pieces(pb::ListContentPiecesRequest::default()).await;

    assert_eq!(fine.into_inner().content_piece_id, "");
    assert_eq!(refused.fields(), ["content_piece.site_id"]);
    assert!(listed.unwrap().into_inner().content_pieces.is_empty());
}

#[tokio::test]
async fn an_update_writes_what_its_mask_names_while_nobody_reviews_it() {
    let world = world().await;
    let north = world.org("north").await;
    let desk = Desk::of(&north).await;
    let piece = desk.draft().await;
    let brief = Brief { topic: "Another".into(), target_words: 300, ..Default::default() };
    let other = pb::ContentPiece {
        content_piece_id: piece.content_piece_id.clone(),
        title: "Other".into(),
        brief: Some(brief.clone()),
        ..Default::default()
    };

    let changed = update(other.clone(), &["brief"]);
    let changed = desk.pieces().update_content_piece(changed).await.unwrap().into_inner();
    super::submit(&mut desk.pieces(), &piece.content_piece_id).await.unwrap();
    let late = desk.pieces().update_content_piece(update(other, &["title"])).await.unwrap_err();

    assert_eq!((changed.title, changed.brief), (piece.title, Some(brief)));
    assert_eq!(late.reason(), "BAD_TRANSITION");
    assert_eq!(late.metadata_of("state"), "in_review");
}

#[tokio::test]
async fn a_stale_etag_and_a_title_that_is_missing_change_nothing() {
    let world = world().await;
    let north = world.org("north").await;
    let desk = Desk::of(&north).await;
    let piece = create(&mut desk.pieces(), on(&desk.site)).await;
    let stale = pb::ContentPiece { etag: "W9".into(), ..piece.clone() };
    let bare = pb::ContentPiece { title: String::new(), ..piece.clone() };

    let stale = desk.pieces().update_content_piece(update(stale, &["title"])).await.unwrap_err();
    let bare = desk.pieces().update_content_piece(update(bare, &["title"])).await.unwrap_err();

    assert_eq!(stale.cause(), "stale_etag");
    assert_eq!(bare.fields(), ["content_piece.title"]);
    assert_eq!(get(&mut desk.pieces(), &piece.content_piece_id).await.unwrap(), piece);
}

#[tokio::test]
async fn the_same_request_id_creates_one_piece() {
    let world = world().await;
    let north = world.org("north").await;
    let desk = Desk::of(&north).await;
    let once =
        pb::CreateContentPieceRequest { request_id: request_id(), ..creation(on(&desk.site)) };

    let first = desk.pieces().create_content_piece(once.clone()).await.unwrap().into_inner();
    let again = desk.pieces().create_content_piece(once).await.unwrap().into_inner();

    assert_eq!(again, first);
}

#[tokio::test]
async fn another_organisation_and_who_may_not_see_and_write_nothing() {
    let world = world().await;
    let [north, south] = [world.org("north").await, world.org("south").await];
    let desk = Desk::of(&north).await;
    let piece = create(&mut desk.pieces(), on(&desk.site)).await;
    let stranger = crate::writer(&south).await;
    let viewer = north.member("vera", Role::Viewer).await;
    let sales = north.member("sam", Role::Sales).await;

    let theirs = get(&mut pieces(&stranger), &piece.content_piece_id).await.unwrap_err();
    let foreign = create_error(&mut pieces(&stranger), on(&desk.site)).await;
    let written = create_error(&mut pieces(&viewer), on(&desk.site)).await;
    let unseen = get(&mut pieces(&sales), &piece.content_piece_id).await.unwrap_err();
    let seen = get(&mut pieces(&viewer), &piece.content_piece_id).await.unwrap();

    assert_eq!(theirs.code(), Code::NotFound);
    assert_eq!(foreign.fields(), ["content_piece.site_id"]);
    assert_eq!(written.code(), Code::PermissionDenied);
    assert_eq!(unseen.code(), Code::PermissionDenied);
    assert!(seen.allowed_actions.is_empty());
    assert!(
        sites(&viewer).get_site(pb::GetSiteRequest { site_id: desk.site.site_id }).await.is_ok()
    );
}

async fn create_error(pieces: &mut crate::Pieces, piece: pb::ContentPiece) -> tonic::Status {
    pieces.create_content_piece(creation(piece)).await.unwrap_err()
}
