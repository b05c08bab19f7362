//! A keyword and its site: pages below it, and its trash.

use devsphere_proto::seo::v1 as pb;
use devsphere_testkit::{StatusExt as _, eventually};
use sqlx::Executor as _;
use tonic::Code;

use super::{create, creation, delete, phrase, phrases, place, undelete, update};
use crate::{mask, site, sites, world, writer};

#[tokio::test]
async fn a_page_lies_below_its_site_when_it_is_set() {
    let world = world().await;
    let north = world.org("north").await;
    let signe = writer(&north).await;
    let (site, mut keywords) = place(&signe).await;
    let at = |url: &str| pb::Keyword { target_url: url.into(), ..phrase(&site, "oak") };

    for outside in [
        "https://lindqvist.example.evil.example/",
        "https://lindqvist.example:8443/",
        "http://lindqvist.example/",
        "https://other.example/?https://lindqvist.example",
    ] {
        let refused = keywords.create_keyword(creation(at(outside))).await.unwrap_err();
        assert_eq!(refused.fields(), ["keyword.target_url"], "{outside}");
    }
    let keyword = create(&mut keywords, at("https://Lindqvist.example?a=b")).await;
    let moved = pb::Keyword { target_url: "https://other.example/".into(), ..keyword.clone() };
    let refused = keywords.update_keyword(update(moved, &["target_url"])).await.unwrap_err();

    assert_eq!(keyword.target_url, "https://lindqvist.example/?a=b");
    assert_eq!(refused.fields(), ["keyword.target_url"]);

    // The site moves away; what stood stays, what is set anew is looked at anew.
    let moved = pb::Site { base_url: "https://new.example".into(), ..site.clone() };
    let change = pb::UpdateSiteRequest {
        site: Some(moved),
        update_mask: mask(&["base_url"]),
        ..Default::default()
    };
    sites(&signe).update_site(change).await.unwrap();
    let noted = pb::Keyword { note: "stays".into(), ..keyword.clone() };
    let noted = keywords.update_keyword(update(noted, &["note", "target_url"])).await.unwrap();
    let noted = noted.into_inner();
    let target_url = "https://new.example/oak".into();
    let new = pb::Keyword { target_url, ..noted.clone() };
    let new = keywords.update_keyword(update(new, &["target_url"])).await.unwrap().into_inner();
    let old =
        pb::Keyword { target_url: keyword.target_url.clone(), etag: String::new(), ..keyword };
    let old = keywords.update_keyword(update(old, &["target_url"])).await.unwrap_err();

    assert_eq!(
        (noted.note.as_str(), new.target_url.as_str()),
        ("stays", "https://new.example/oak")
    );
    assert_eq!(old.fields(), ["keyword.target_url"]);
}

#[tokio::test]
async fn a_trashed_site_gets_no_more_keywords_and_keeps_those_it_has() {
    let world = world().await;
    let north = world.org("north").await;
    let signe = writer(&north).await;
    let (site, mut keywords) = place(&signe).await;
    let oak = create(&mut keywords, phrase(&site, "oak")).await;
    let elm = create(&mut keywords, phrase(&site, "elm")).await;
    delete(&mut keywords, &elm).await.unwrap();
    site::delete(&mut sites(&signe), &site).await.unwrap();

    let one = keywords.create_keyword(creation(phrase(&site, "ash"))).await.unwrap_err();
    let check = creation(phrase(&site, "ash"));
    let check = pb::CreateKeywordRequest { validate_only: true, ..check };
    let checked = keywords.create_keyword(check).await.unwrap_err();
    let several = super::creations([phrase(&site, "ash"), phrase(&site, "fir")]);
    let several = keywords.batch_create_keywords(several).await.unwrap_err();

    for refused in [one, checked, several] {
        assert_eq!(refused.code(), Code::FailedPrecondition);
        assert_eq!(
            (refused.reason().as_str(), refused.cause().as_str()),
            ("INVALID_STATE", "trashed")
        );
    }
    // The others go on as before.
    undelete(&mut keywords, &elm.keyword_id).await.unwrap();
    let noted = pb::Keyword { note: "kept".into(), ..oak };
    keywords.update_keyword(update(noted, &["note"])).await.unwrap();
    let listed = phrases(&mut keywords, pb::ListKeywordsRequest::default()).await;
    assert_eq!(listed, ["elm", "oak"]);
}

#[tokio::test]
async fn a_site_that_is_just_being_trashed_is_waited_for() {
    let world = world().await;
    let north = world.org("north").await;
    let (site, mut keywords) = place(&writer(&north).await).await;
    let (mut trashing, mut watching) = (world.admin().await, world.admin().await);
    let trash = "begin; update seo.site set delete_time = now()";
    trashing.execute(sqlx::raw_sql(trash)).await.unwrap();

    let end = async {
        eventually("the creation to wait", async || {
            let waits = "select 1 from pg_stat_activity where datname = current_database()
                         and usename = 'devsphere_seo' and wait_event_type = 'Lock'";
            watching.fetch_optional(waits).await.unwrap()
        })
        .await;
        trashing.execute("commit").await.unwrap();
    };
    let (made, ()) = tokio::join!(keywords.create_keyword(creation(phrase(&site, "oak"))), end);

    assert_eq!(made.unwrap_err().cause(), "trashed");
    assert!(phrases(&mut keywords, pb::ListKeywordsRequest::default()).await.is_empty());
}
