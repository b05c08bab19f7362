//! One try, and all of a piece.

use devsphere_auth::Role;
use devsphere_proto::seo::v1 as pb;
use tonic::{Code, Status};

use super::{Generations, failed, generations, of};
use crate::{
    content_piece::{Desk, create, on},
    request_id, world, writer,
};

async fn page(
    generations: &mut Generations,
    piece: &str,
    page_token: &str,
) -> Result<pb::ListGenerationsResponse, Status> {
    let request = pb::ListGenerationsRequest {
        content_piece_id: piece.into(),
        page_size: 2,
        page_token: page_token.into(),
    };
    generations.list_generations(request).await.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn the_tries_at_a_piece_are_listed_newest_first_page_by_page() {
    let world = world().await;
    let north = world.org("north").await;
    let desk = Desk::of(&north).await;
    let piece = create(&mut desk.pieces(), on(&desk.site)).await;
    let other = create(&mut desk.pieces(), on(&desk.site)).await;
    let mut own = generations(&desk.writer);
    let mut tries = Vec::new();
    for _ in 0..3 {
        let (started, _) = failed(&mut own, of(&piece)).await;
        tries.insert(0, started.generation.unwrap().generation_id);
    }
    failed(&mut own, of(&other)).await;
    let viewer = north.member("vera", Role::Viewer).await;

    let first = page(&mut generations(&viewer), &piece.content_piece_id, "").await.unwrap();
    let token = &first.next_page_token;
    let second = page(&mut own, &piece.content_piece_id, token).await.unwrap();

    let ids = |page: &pb::ListGenerationsResponse| {
        page.generations.iter().map(|one| one.generation_id.clone()).collect::<Vec<_>>()
    };
    assert_eq!([ids(&first), ids(&second)].concat(), tries);
    assert_eq!((first.generations.len(), second.next_page_token.as_str()), (2, ""));
    let foreign = page(&mut own, &other.content_piece_id, token).await.unwrap_err();
    assert_eq!(foreign.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn a_piece_that_nobody_tried_has_none_and_one_that_is_not_there_is_told_so() {
    let world = world().await;
    let [north, south] = [world.org("north").await, world.org("south").await];
    let desk = Desk::of(&north).await;
    let piece = create(&mut desk.pieces(), on(&desk.site)).await;
    let id = &piece.content_piece_id;
    let mut theirs = generations(&writer(&south).await);

    let none = page(&mut generations(&desk.writer), id, "").await.unwrap();
    let unknown = page(&mut generations(&desk.writer), &request_id(), "").await.unwrap_err();
    let foreign = page(&mut theirs, id, "").await.unwrap_err();

    assert!(none.generations.is_empty());
    assert_eq!((unknown.code(), foreign.code()), (Code::NotFound, Code::NotFound));
    assert_eq!(unknown.message(), foreign.message());
}

#[tokio::test]
async fn another_organisations_try_is_not_there_and_who_may_not_read_sees_none() {
    let world = world().await;
    let [north, south] = [world.org("north").await, world.org("south").await];
    let desk = Desk::of(&north).await;
    let piece = create(&mut desk.pieces(), on(&desk.site)).await;
    let (started, _) = failed(&mut generations(&desk.writer), of(&piece)).await;
    let generation_id = started.generation.unwrap().generation_id;
    let get = || pb::GetGenerationRequest { generation_id: generation_id.clone() };
    let sales = north.member("sam", Role::Sales).await;

    let theirs = generations(&writer(&south).await).get_generation(get()).await.unwrap_err();
    let unseen = generations(&sales).get_generation(get()).await.unwrap_err();
    let seen = generations(&desk.writer).get_generation(get()).await.unwrap().into_inner();

    assert_eq!((theirs.code(), theirs.message()), (Code::NotFound, "generation not found"));
    assert_eq!(unseen.code(), Code::PermissionDenied);
    assert_eq!(seen.content_piece_id, piece.content_piece_id);
}
