//! Lists and batches.

use devsphere_proto::seo::v1 as pb;
use devsphere_testkit::StatusExt as _;
use tonic::Code;

use super::{Desk, create, on};
use crate::{pieces, request_id, world};

async fn titles(pieces: &mut crate::Pieces, request: pb::ListContentPiecesRequest) -> Vec<String> {
    let page = pieces.list_content_pieces(request).await.unwrap().into_inner();
    page.content_pieces.into_iter().map(|piece| piece.title).collect()
}

fn filtered(filter: &str) -> pb::ListContentPiecesRequest {
    pb::ListContentPiecesRequest { filter: filter.into(), ..Default::default() }
}

#[tokio::test]
async fn pieces_are_listed_newest_first_without_their_briefs() {
    let world = world().await;
    let [north, south] = [world.org("north").await, world.org("south").await];
    let desk = Desk::of(&north).await;
    for title in ["a", "b", "c"] {
        create(&mut desk.pieces(), pb::ContentPiece { title: title.into(), ..on(&desk.site) })
            .await;
    }
    let all = pb::ListContentPiecesRequest { include_total: true, ..Default::default() };

    let page = desk.pieces().list_content_pieces(all).await.unwrap().into_inner();
    let theirs = titles(&mut pieces(&crate::writer(&south).await), filtered("")).await;

    let titles: Vec<_> = page.content_pieces.iter().map(|piece| piece.title.as_str()).collect();
    assert_eq!((titles.as_slice(), page.total_size), (&["c", "b", "a"][..], Some(3)));
    assert!(page.content_pieces.iter().all(|piece| piece.brief.is_none()));
    assert!(theirs.is_empty());
}

#[tokio::test]
async fn lists_are_filtered_by_site_state_and_score() {
    let world = world().await;
    let north = world.org("north").await;
    let desk = Desk::of(&north).await;
    let draft = desk.draft().await;
    create(&mut desk.pieces(), pb::ContentPiece { title: "Brief".into(), ..on(&desk.site) }).await;
    let mut own = desk.pieces();

    assert_eq!(
        titles(&mut own, filtered("state = draft")).await,
        std::slice::from_ref(&draft.title)
    );
    assert_eq!(titles(&mut own, filtered("score = null")).await, ["Brief"]);
    let here = format!("site_id = {} AND kind = article", desk.site.site_id);
    assert_eq!(titles(&mut own, filtered(&here)).await.len(), 2);
    let unknown = own.list_content_pieces(filtered("mood = good")).await.unwrap_err();
    assert_eq!((unknown.code(), unknown.fields()), (Code::InvalidArgument, vec!["filter".into()]));
}

#[tokio::test]
async fn a_batch_answers_in_order_and_names_what_is_not_there() {
    let world = world().await;
    let north = world.org("north").await;
    let desk = Desk::of(&north).await;
    let [one, two] = [desk.draft().await, desk.draft().await];
    let ask = |allow_partial| pb::BatchGetContentPiecesRequest {
        content_piece_ids: [&two.content_piece_id, &request_id(), &one.content_piece_id]
            .map(Clone::clone)
            .to_vec(),
        allow_partial,
    };

    let all = desk.pieces().batch_get_content_pieces(ask(false)).await.unwrap_err();
    let some = desk.pieces().batch_get_content_pieces(ask(true)).await.unwrap().into_inner();

    assert_eq!(all.code(), Code::NotFound);
    let ids: Vec<_> = some.content_pieces.iter().map(|piece| &piece.content_piece_id).collect();
    assert_eq!(ids, [&two.content_piece_id, &one.content_piece_id]);
    assert_eq!((some.errors.len(), some.errors[0].index), (1, 1));
}
