//! Create, get, update.

use devsphere_auth::Role;
use devsphere_proto::seo::v1 as pb;
use devsphere_testkit::StatusExt as _;
use tonic::Code;

use super::{create, creation, get, phrase, phrases, place, update};
use crate::{keywords, request_id, world, writer};

fn oak(site: &pb::Site) -> pb::Keyword {
    pb::Keyword {
        country: "SE".into(),
        device: pb::Device::Mobile.into(),
        intent: pb::SearchIntent::Commercial.into(),
        target_url: "https://lindqvist.example/tables/oak".into(),
        monthly_volume: Some(320),
        tags: vec!["tables".into(), "oak".into()],
        note: "Two rivals have a guide.".into(),
        ..phrase(site, "Oak dining table")
    }
}

#[tokio::test]
async fn a_new_keyword_has_every_field_as_given() {
    let world = world().await;
    let north = world.org("north").await;
    let (site, mut keywords) = place(&writer(&north).await).await;

    let keyword = create(&mut keywords, oak(&site)).await;

    let given = pb::Keyword {
        keyword_id: keyword.keyword_id.clone(),
        create_time: keyword.create_time,
        update_time: keyword.create_time,
        etag: "W1".into(),
        allowed_actions: ["update", "delete"].map(Into::into).into(),
        ..oak(&site)
    };
    assert_eq!(keyword, given);
    assert!(keyword.create_time.is_some());
    assert_eq!(get(&mut keywords, &keyword.keyword_id).await.unwrap(), keyword);
}

#[tokio::test]
async fn blanks_are_tidied_a_device_is_there_and_nothing_else_is_made_up() {
    let world = world().await;
    let north = world.org("north").await;
    let (site, mut keywords) = place(&writer(&north).await).await;
    let zero = pb::Keyword { monthly_volume: Some(0), ..phrase(&site, "no volume") };

    let keyword = create(&mut keywords, phrase(&site, "  Oak \t dining\u{a0}table ")).await;
    let zero = create(&mut keywords, zero).await;

    assert_eq!(keyword.phrase, "Oak dining table");
    assert_eq!(keyword.device(), pb::Device::Desktop);
    assert_eq!(keyword.intent(), pb::SearchIntent::Unspecified);
    assert_eq!((keyword.monthly_volume, zero.monthly_volume), (None, Some(0)));
    assert_eq!((keyword.country, keyword.target_url), (String::new(), String::new()));
}

#[tokio::test]
async fn every_field_that_breaks_a_rule_is_named_at_once() {
    let world = world().await;
    let north = world.org("north").await;
    let (site, mut keywords) = place(&writer(&north).await).await;
    let wrong = pb::Keyword {
        country: "Sweden".into(),
        device: 7,
        target_url: "/tables".into(),
        monthly_volume: Some(-1),
        tags: vec!["a".into(), "a".into()],
        ..phrase(&site, "oak")
    };
    let blank = pb::Keyword { site_id: String::new(), ..phrase(&site, " \t ") };
    let target_url = "https://somebody@lindqvist.example/".into();
    let somebody = pb::Keyword { target_url, ..phrase(&site, "oak") };

    let wrong = keywords.create_keyword(creation(wrong)).await.unwrap_err();
    let blank = keywords.create_keyword(creation(blank)).await.unwrap_err();
    let somebody = keywords.create_keyword(creation(somebody)).await.unwrap_err();

    let expected = [
        "keyword.country",
        "keyword.device",
        "keyword.target_url",
        "keyword.monthly_volume",
        "keyword.tags",
    ];
    assert_eq!(
        (wrong.code(), wrong.fields()),
        (Code::InvalidArgument, expected.map(Into::into).into())
    );
    assert_eq!(blank.fields(), ["keyword.site_id", "keyword.phrase"]);
    assert_eq!(somebody.fields(), ["keyword.target_url"]);
}

#[tokio::test]
async fn a_missing_permission_is_named() {
    let world = world().await;
    let north = world.org("north").await;
    let (site, mut writing) = place(&writer(&north).await).await;
    let keyword = create(&mut writing, oak(&site)).await;
    let mut reader = keywords(&north.caller(&["seo.keywords.read", "seo.sites.delete"]));

    let created = reader.create_keyword(creation(phrase(&site, "new"))).await.unwrap_err();
    let updated = reader.update_keyword(update(keyword.clone(), &["note"])).await.unwrap_err();
    let deleted = super::delete(&mut reader, &keyword).await.unwrap_err();

    assert_eq!(created.code(), Code::PermissionDenied);
    assert_eq!(created.metadata_of("permission"), "seo.keywords.create");
    assert_eq!(updated.metadata_of("permission"), "seo.keywords.update");
    assert_eq!(deleted.metadata_of("permission"), "seo.keywords.delete");
    let read = get(&mut reader, &keyword.keyword_id).await.unwrap();
    assert_eq!(read.allowed_actions, Vec::<String>::new());
}

#[tokio::test]
async fn another_organisations_keyword_is_not_found_and_its_site_is_none() {
    let world = world().await;
    let (north, south) = (world.org("north").await, world.org("south").await);
    let (site, mut own) = place(&writer(&north).await).await;
    let keyword = create(&mut own, oak(&site)).await;
    let mut theirs = keywords(&south.member("sven", Role::Ceo).await);

    let read = get(&mut theirs, &keyword.keyword_id).await.unwrap_err();
    let changed = theirs.update_keyword(update(keyword.clone(), &["note"])).await.unwrap_err();
    let deleted = super::delete(&mut theirs, &keyword).await.unwrap_err();
    let attached = theirs.create_keyword(creation(phrase(&site, "oak"))).await.unwrap_err();
    let nowhere = pb::Keyword { site_id: request_id(), ..phrase(&site, "oak") };
    let nowhere = theirs.create_keyword(creation(nowhere)).await.unwrap_err();

    for refused in [read, changed, deleted] {
        assert_eq!((refused.code(), refused.message()), (Code::NotFound, "keyword not found"));
    }
    assert_eq!(attached.fields(), ["keyword.site_id"]);
    assert_eq!((attached.code(), attached.message()), (nowhere.code(), nowhere.message()));
}

#[tokio::test]
async fn an_update_writes_the_masked_fields_and_clears_the_empty_ones() {
    let world = world().await;
    let north = world.org("north").await;
    let (site, mut keywords) = place(&writer(&north).await).await;
    let keyword = create(&mut keywords, oak(&site)).await;

    let change = pb::Keyword {
        keyword_id: keyword.keyword_id.clone(),
        phrase: " oak  table ".into(),
        // For good, and passed over.
        site_id: request_id(),
        note: "passed over".into(),
        ..Default::default()
    };
    let paths = ["phrase", "device", "intent", "target_url", "monthly_volume", "tags"];
    let updated = keywords.update_keyword(update(change, &paths)).await.unwrap().into_inner();

    let wanted = pb::Keyword {
        phrase: "oak table".into(),
        device: pb::Device::Desktop.into(),
        intent: pb::SearchIntent::Unspecified.into(),
        target_url: String::new(),
        monthly_volume: None,
        tags: Vec::new(),
        etag: "W2".into(),
        update_time: updated.update_time,
        ..keyword.clone()
    };
    assert_eq!(updated, wanted);
    assert_eq!(get(&mut keywords, &keyword.keyword_id).await.unwrap(), updated);
}

#[tokio::test]
async fn an_update_that_changes_nothing_is_no_new_version_and_one_needs_a_known_mask() {
    let world = world().await;
    let north = world.org("north").await;
    let (site, mut keywords) = place(&writer(&north).await).await;
    let keyword = create(&mut keywords, oak(&site)).await;

    let same = keywords.update_keyword(update(keyword.clone(), &["*"])).await.unwrap();
    let moved = keywords.update_keyword(update(keyword.clone(), &["site_id"])).await.unwrap_err();
    let bare = pb::Keyword { keyword_id: keyword.keyword_id.clone(), ..Default::default() };
    let bare = keywords.update_keyword(update(bare, &["phrase"])).await.unwrap_err();
    let no_id = keywords.update_keyword(update(oak(&site), &["note"])).await.unwrap_err();

    assert_eq!(same.into_inner(), keyword);
    assert_eq!(moved.fields(), ["update_mask"]);
    assert_eq!(bare.fields(), ["keyword.phrase"]);
    assert_eq!(no_id.fields(), ["keyword.keyword_id"]);
}

#[tokio::test]
async fn a_stale_etag_is_refused_with_the_current_one() {
    let world = world().await;
    let north = world.org("north").await;
    let (site, mut keywords) = place(&writer(&north).await).await;
    let read = create(&mut keywords, oak(&site)).await;
    let first = pb::Keyword { note: "first".into(), ..read.clone() };
    keywords.update_keyword(update(first, &["note"])).await.unwrap();

    let second = pb::Keyword { note: "second".into(), ..read.clone() };
    let refused = keywords.update_keyword(update(second, &["note"])).await.unwrap_err();
    let deleted = super::delete(&mut keywords, &read).await.unwrap_err();

    for refused in [refused, deleted] {
        assert_eq!((refused.code(), refused.cause().as_str()), (Code::Aborted, "stale_etag"));
        assert_eq!(refused.metadata_of("etag"), "W2");
    }
    assert_eq!(get(&mut keywords, &read.keyword_id).await.unwrap().note, "first");
}

#[tokio::test]
async fn a_repeated_request_is_answered_again_and_carried_out_once() {
    let world = world().await;
    let north = world.org("north").await;
    let (site, mut keywords) = place(&writer(&north).await).await;
    let once = pb::CreateKeywordRequest { request_id: request_id(), ..creation(oak(&site)) };

    let first = keywords.create_keyword(once.clone()).await.unwrap().into_inner();
    let again = keywords.create_keyword(once.clone()).await.unwrap().into_inner();
    let other = pb::CreateKeywordRequest { keyword: Some(phrase(&site, "other")), ..once };
    let reused = keywords.create_keyword(other).await.unwrap_err();

    assert_eq!(again, first);
    assert_eq!(
        (reused.code(), reused.cause().as_str()),
        (Code::InvalidArgument, "request_id_reused")
    );
    let all = phrases(&mut keywords, pb::ListKeywordsRequest::default()).await;
    assert_eq!(all, ["Oak dining table"]);
}

#[tokio::test]
async fn a_creation_and_an_update_may_be_checked_only() {
    let world = world().await;
    let north = world.org("north").await;
    let (site, mut keywords) = place(&writer(&north).await).await;
    let check = |keyword| pb::CreateKeywordRequest { validate_only: true, ..creation(keyword) };

    let would_be = keywords.create_keyword(check(oak(&site))).await.unwrap().into_inner();
    let none = phrases(&mut keywords, pb::ListKeywordsRequest::default()).await;
    let nowhere = pb::Keyword { site_id: request_id(), ..oak(&site) };
    let nowhere = keywords.create_keyword(check(nowhere)).await.unwrap_err();
    let keyword = create(&mut keywords, oak(&site)).await;
    let change = pb::Keyword { note: "would be".into(), ..keyword.clone() };
    let check = update(change.clone(), &["note"]);
    let check = pb::UpdateKeywordRequest { validate_only: true, ..check };
    let changed = keywords.update_keyword(check).await.unwrap().into_inner();

    assert_eq!(would_be, oak(&site));
    assert!(none.is_empty());
    assert_eq!(nowhere.fields(), ["keyword.site_id"]);
    assert_eq!(changed, change);
    assert_eq!(get(&mut keywords, &keyword.keyword_id).await.unwrap(), keyword);
}
