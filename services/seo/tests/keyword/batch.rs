//! Batches: all or none, or with `allow_partial` those that can be.

use devsphere_auth::Role;
use devsphere_proto::seo::v1 as pb;
use devsphere_testkit::StatusExt as _;
use tonic::Code;

use super::{create, creations, delete, phrase, phrases, place};
use crate::{Keywords, keywords, request_id, site, sites, world, writer};

async fn all(keywords: &mut Keywords) -> Vec<String> {
    phrases(keywords, pb::ListKeywordsRequest::default()).await
}

/// Three keywords: the second in the trash.
async fn three(keywords: &mut Keywords, site: &pb::Site) -> Vec<String> {
    let batch = creations(["a", "b", "c"].map(|name| phrase(site, name)));
    let made = keywords.batch_create_keywords(batch).await.unwrap().into_inner().keywords;
    delete(keywords, &made[1]).await.unwrap();
    made.into_iter().map(|keyword| keyword.keyword_id).collect()
}

#[tokio::test]
async fn keywords_are_created_in_the_order_of_the_requests() {
    let world = world().await;
    let north = world.org("north").await;
    let signe = writer(&north).await;
    let (site, mut keywords) = place(&signe).await;
    let other = site::create(&mut sites(&signe), site::named("other")).await;
    let tags = |n| (0..n).map(|tag| tag.to_string()).collect::<Vec<_>>();
    let wanted = (0..200).map(|n| {
        let site = if n % 2 == 0 { &site } else { &other };
        pb::Keyword { tags: tags(n % 4), ..phrase(site, &format!("phrase {n}")) }
    });

    let batch = creations(wanted.clone());
    let batch = keywords.batch_create_keywords(batch).await.unwrap().into_inner();

    let told = |keyword: pb::Keyword| (keyword.site_id, keyword.phrase, keyword.tags);
    assert!(batch.keywords.into_iter().map(told).eq(wanted.map(told)));
}

#[tokio::test]
async fn one_bad_item_creates_nothing_and_every_bad_field_has_its_place() {
    let world = world().await;
    let north = world.org("north").await;
    let (site, mut keywords) = place(&writer(&north).await).await;
    let target_url = "https://other.example/".to_owned();
    let bad = [
        phrase(&site, "a"),
        pb::Keyword { site_id: request_id(), ..phrase(&site, "b") },
        pb::Keyword { target_url, ..phrase(&site, "c") },
    ];
    let mut broken = creations([phrase(&site, "a"), phrase(&site, " "), phrase(&site, "c")]);
    broken.requests[0].request_id = request_id();
    broken.requests[2].validate_only = true;

    let bad = keywords.batch_create_keywords(creations(bad)).await.unwrap_err();
    let broken = keywords.batch_create_keywords(broken).await.unwrap_err();

    assert_eq!(bad.fields(), ["requests[1].keyword.site_id", "requests[2].keyword.target_url"]);
    assert_eq!(
        broken.fields(),
        ["requests[0].request_id", "requests[1].keyword.phrase", "requests[2].validate_only"]
    );
    assert!(all(&mut keywords).await.is_empty());
}

#[tokio::test]
async fn a_phrase_that_stands_twice_is_named_at_both_places() {
    let world = world().await;
    let north = world.org("north").await;
    let (site, mut keywords) = place(&writer(&north).await).await;
    let country = "SE".to_owned();
    let batch = creations([
        phrase(&site, "Öl"),
        phrase(&site, "oak"),
        pb::Keyword { country, ..phrase(&site, "oak") },
        phrase(&site, " öl "),
    ]);

    let refused = keywords.batch_create_keywords(batch).await.unwrap_err();

    assert_eq!((refused.code(), refused.reason().as_str()), (Code::InvalidArgument, "BAD_REQUEST"));
    assert_eq!(refused.fields(), ["requests[0].keyword.phrase", "requests[3].keyword.phrase"]);
    assert!(all(&mut keywords).await.is_empty());
}

#[tokio::test]
async fn a_taken_phrase_is_told_with_its_place_and_holder() {
    let world = world().await;
    let north = world.org("north").await;
    let (site, mut keywords) = place(&writer(&north).await).await;
    let oak = create(&mut keywords, phrase(&site, "oak")).await;

    let batch = creations(["ash", "OAK", "elm"].map(|name| phrase(&site, name)));
    let refused = keywords.batch_create_keywords(batch).await.unwrap_err();

    assert_eq!(refused.code(), Code::AlreadyExists);
    assert_eq!(refused.metadata_of("field"), "requests[1].keyword.phrase");
    assert_eq!(refused.metadata_of("holder"), format!("seo/keywords/{}", oak.keyword_id));
    assert_eq!(all(&mut keywords).await, ["oak"]);
}

#[tokio::test]
async fn a_repeated_batch_creates_once() {
    let world = world().await;
    let north = world.org("north").await;
    let (site, mut keywords) = place(&writer(&north).await).await;
    let mut batch = creations(["a", "b"].map(|name| phrase(&site, name)));
    batch.request_id = request_id();

    let first = keywords.batch_create_keywords(batch.clone()).await.unwrap().into_inner();
    let again = keywords.batch_create_keywords(batch).await.unwrap().into_inner();

    assert_eq!(again, first);
    assert_eq!(all(&mut keywords).await, ["b", "a"]);
}

#[tokio::test]
async fn keywords_are_read_in_the_order_asked_for() {
    let world = world().await;
    let (north, south) = (world.org("north").await, world.org("south").await);
    let (site, mut keywords) = place(&writer(&north).await).await;
    let mut keyword_ids = three(&mut keywords, &site).await;
    keyword_ids.reverse();
    let (theirs, mut their_keywords) = place(&south.member("sven", Role::Ceo).await).await;
    let theirs = create(&mut their_keywords, phrase(&theirs, "theirs")).await;
    keyword_ids.insert(1, theirs.keyword_id);
    let ask = |allow_partial| pb::BatchGetKeywordsRequest {
        keyword_ids: keyword_ids.clone(),
        allow_partial,
    };

    let all = keywords.batch_get_keywords(ask(false)).await.unwrap_err();
    let part = keywords.batch_get_keywords(ask(true)).await.unwrap().into_inner();

    assert_eq!((all.code(), all.message()), (Code::NotFound, "keyword not found"));
    let read: Vec<_> = part.keywords.iter().map(|keyword| keyword.phrase.as_str()).collect();
    assert_eq!(read, ["c", "b", "a"]);
    let [error] = part.errors.as_slice() else { panic!("{:?}", part.errors) };
    assert_eq!((error.index, error.reason.as_str()), (1, "NOT_FOUND"));
}

#[tokio::test]
async fn a_batch_is_trashed_whole_or_in_the_parts_that_can_be() {
    let world = world().await;
    let north = world.org("north").await;
    let (site, mut keywords) = place(&writer(&north).await).await;
    let mut keyword_ids = three(&mut keywords, &site).await;
    keyword_ids.push(request_id());
    let ask = |allow_partial| pb::BatchDeleteKeywordsRequest {
        keyword_ids: keyword_ids.clone(),
        allow_partial,
        ..Default::default()
    };

    let whole = keywords.batch_delete_keywords(ask(false)).await.unwrap_err();
    let kept = all(&mut keywords).await;
    let part = keywords.batch_delete_keywords(ask(true)).await.unwrap().into_inner();

    assert_eq!((whole.reason().as_str(), whole.cause().as_str()), ("INVALID_STATE", "trashed"));
    assert_eq!(kept, ["c", "a"]);
    assert_eq!(part.keyword_ids, [keyword_ids[0].clone(), keyword_ids[2].clone()]);
    let errors: Vec<_> = part.errors.iter().map(|e| (e.index, e.reason.as_str())).collect();
    assert_eq!(errors, [(1, "INVALID_STATE"), (3, "NOT_FOUND")]);
    assert!(all(&mut keywords).await.is_empty());
}

#[tokio::test]
async fn a_batch_needs_its_permission() {
    let world = world().await;
    let north = world.org("north").await;
    let (site, _) = place(&writer(&north).await).await;
    let mut reader = keywords(&north.member("victor", Role::Viewer).await);

    let batch = creations([phrase(&site, "a")]);
    let created = reader.batch_create_keywords(batch).await.unwrap_err();
    let keyword_ids = vec![request_id()];
    let ask = pb::BatchDeleteKeywordsRequest { keyword_ids, ..Default::default() };
    let deleted = reader.batch_delete_keywords(ask).await.unwrap_err();

    assert_eq!(created.metadata_of("permission"), "seo.keywords.create");
    assert_eq!(deleted.metadata_of("permission"), "seo.keywords.delete");
}
