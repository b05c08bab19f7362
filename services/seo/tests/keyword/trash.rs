//! The trash.

use devsphere_proto::seo::v1 as pb;
use devsphere_testkit::StatusExt as _;
use tonic::Code;

use super::{create, delete, get, phrase, phrases, place, undelete, update};
use crate::{world, writer};

#[tokio::test]
async fn a_trashed_keyword_is_read_and_restored_and_nothing_else() {
    let world = world().await;
    let north = world.org("north").await;
    let (site, mut keywords) = place(&writer(&north).await).await;
    let keyword = create(&mut keywords, phrase(&site, "oak")).await;

    let etag = delete(&mut keywords, &keyword).await.unwrap().etag;
    let trashed = get(&mut keywords, &keyword.keyword_id).await.unwrap();
    let listed = phrases(&mut keywords, pb::ListKeywordsRequest::default()).await;
    let again = delete(&mut keywords, &trashed).await.unwrap_err();
    let changed = keywords.update_keyword(update(trashed.clone(), &["note"])).await.unwrap_err();
    let restored = undelete(&mut keywords, &keyword.keyword_id).await.unwrap();
    let twice = undelete(&mut keywords, &keyword.keyword_id).await.unwrap_err();

    assert_eq!((etag.as_str(), trashed.etag.as_str()), ("W2", "W2"));
    assert_eq!(trashed.allowed_actions, ["undelete"]);
    assert!(trashed.purge_time.unwrap().seconds > trashed.delete_time.unwrap().seconds);
    assert!(listed.is_empty());
    for refused in [again, changed] {
        assert_eq!(
            (refused.code(), refused.cause().as_str()),
            (Code::FailedPrecondition, "trashed")
        );
    }
    let etag = "W3".to_owned();
    assert_eq!(restored, pb::Keyword { etag, update_time: restored.update_time, ..keyword });
    assert_eq!(twice.cause(), "not_trashed");
}

#[tokio::test]
async fn the_trash_gives_a_phrase_free_and_a_restored_keyword_names_who_has_it() {
    let world = world().await;
    let north = world.org("north").await;
    let (site, mut keywords) = place(&writer(&north).await).await;
    let first = create(&mut keywords, phrase(&site, "Oak")).await;
    delete(&mut keywords, &first).await.unwrap();
    let second = create(&mut keywords, phrase(&site, "oak")).await;

    let refused = undelete(&mut keywords, &first.keyword_id).await.unwrap_err();
    delete(&mut keywords, &second).await.unwrap();
    let restored = undelete(&mut keywords, &first.keyword_id).await.unwrap();

    assert_eq!(refused.code(), Code::AlreadyExists);
    assert_eq!(refused.metadata_of("holder"), format!("seo/keywords/{}", second.keyword_id));
    assert_eq!((restored.phrase.as_str(), restored.delete_time), ("Oak", None));
}
