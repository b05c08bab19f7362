//! A phrase belongs to one keyword of its site, country and device.

use devsphere_proto::seo::v1 as pb;
use devsphere_testkit::StatusExt as _;
use tonic::Code;

use super::{create, creation, delete, get, phrase, place, update};
use crate::{site, sites, world, writer};

#[tokio::test]
async fn a_phrase_is_taken_in_any_case_for_its_country_and_device_alone() {
    let world = world().await;
    let north = world.org("north").await;
    let signe = writer(&north).await;
    let (site, mut keywords) = place(&signe).await;
    let other = site::create(&mut sites(&signe), site::named("other")).await;
    let first = create(&mut keywords, phrase(&site, "Öl table")).await;
    let country = || "SE".to_owned();

    for free in [
        pb::Keyword { country: country(), ..phrase(&site, "öl table") },
        pb::Keyword { device: pb::Device::Mobile.into(), ..phrase(&site, "öl table") },
        phrase(&other, "öl table"),
    ] {
        create(&mut keywords, free).await;
    }
    let twin = phrase(&site, "öL  TABLE");
    let check = pb::CreateKeywordRequest { validate_only: true, ..creation(twin.clone()) };
    let moving = create(&mut keywords, phrase(&site, "moving")).await;
    let moved = pb::Keyword { keyword_id: moving.keyword_id.clone(), ..twin.clone() };
    let check_moved =
        pb::UpdateKeywordRequest { validate_only: true, ..update(moved.clone(), &["phrase"]) };

    let refused = [
        keywords.create_keyword(creation(twin)).await.unwrap_err(),
        keywords.create_keyword(check).await.unwrap_err(),
        keywords.update_keyword(update(moved, &["phrase"])).await.unwrap_err(),
        keywords.update_keyword(check_moved).await.unwrap_err(),
    ];

    for refused in refused {
        assert_eq!(
            (refused.code(), refused.reason().as_str()),
            (Code::AlreadyExists, "ALREADY_EXISTS")
        );
        assert_eq!(refused.metadata_of("field"), "keyword.phrase");
        assert_eq!(refused.metadata_of("holder"), format!("seo/keywords/{}", first.keyword_id));
    }
    assert_eq!(get(&mut keywords, &moving.keyword_id).await.unwrap(), moving);
    // Its own phrase may be written anew.
    let own = pb::Keyword { phrase: "MOVING".into(), ..moving };
    let own = keywords.update_keyword(update(own, &["phrase"])).await.unwrap().into_inner();
    assert_eq!(own.phrase, "MOVING");
}

#[tokio::test]
async fn of_two_who_take_a_phrase_at_once_one_has_it_and_the_other_hears_who() {
    let world = world().await;
    let north = world.org("north").await;
    let signe = writer(&north).await;
    let (site, mut keywords) = place(&signe).await;
    let create =
        async || crate::keywords(&signe).create_keyword(creation(phrase(&site, "oak"))).await;

    for _ in 0..5 {
        let (one, two) = tokio::join!(create(), create());
        let (made, refused) = match (one, two) {
            (Ok(made), Err(refused)) | (Err(refused), Ok(made)) => (made.into_inner(), refused),
            both => panic!("{both:?}"),
        };
        assert_eq!(refused.code(), Code::AlreadyExists);
        assert_eq!(refused.metadata_of("holder"), format!("seo/keywords/{}", made.keyword_id));
        delete(&mut keywords, &made).await.unwrap();
    }
}
