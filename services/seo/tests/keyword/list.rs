//! Lists: filter, order, pages, totals.

use devsphere_proto::seo::v1 as pb;
use devsphere_testkit::StatusExt as _;
use tonic::Code;

use super::{create, creations, delete, phrase, phrases, place};
use crate::{Keywords, site, sites, world, writer};

fn filtered(filter: &str) -> pb::ListKeywordsRequest {
    pb::ListKeywordsRequest { filter: filter.into(), ..Default::default() }
}

/// 120 keywords: volumes come in threes, every fourth has none.
async fn fill(keywords: &mut Keywords, site: &pb::Site) {
    let keyword = |n: i32| pb::Keyword {
        monthly_volume: (n % 4 > 0).then_some(n / 3 * 100),
        ..phrase(site, &format!("phrase {n:03}"))
    };
    keywords.batch_create_keywords(creations((0..120).map(keyword))).await.unwrap();
}

#[tokio::test]
async fn pages_show_each_keyword_exactly_once_in_any_order() {
    let world = world().await;
    let north = world.org("north").await;
    let (site, mut keywords) = place(&writer(&north).await).await;
    fill(&mut keywords, &site).await;
    let expected: Vec<_> = (0..120).map(|n| format!("phrase {n:03}")).collect();

    for order_by in ["", "monthly_volume desc, phrase", "intent, device desc", "phrase"] {
        let (mut all, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = pb::ListKeywordsRequest {
                page_size: 37,
                page_token,
                order_by: order_by.into(),
                filter: format!("site_id = {}", site.site_id),
                ..Default::default()
            };
            let page = keywords.list_keywords(request).await.unwrap().into_inner();
            assert!(page.keywords.len() <= 37);
            all.extend(page.keywords.into_iter().map(|keyword| keyword.phrase));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        if order_by == "phrase" {
            assert_eq!(all, expected);
        }
        all.sort();
        assert_eq!(all, expected, "{order_by}");
    }
}

#[tokio::test]
async fn filters_find_by_every_kind_of_field() {
    let world = world().await;
    let north = world.org("north").await;
    let signe = writer(&north).await;
    let (site, mut keywords) = place(&signe).await;
    let other = site::create(&mut sites(&signe), site::named("other")).await;
    let oak = pb::Keyword {
        country: "SE".into(),
        device: pb::Device::Mobile.into(),
        intent: pb::SearchIntent::Commercial.into(),
        target_url: "https://lindqvist.example/oak".into(),
        monthly_volume: Some(320),
        ..phrase(&site, "Oak 100% table")
    };
    create(&mut keywords, oak).await;
    create(&mut keywords, phrase(&other, "elm")).await;
    let trashed = create(&mut keywords, phrase(&other, "ash")).await;
    delete(&mut keywords, &trashed).await.unwrap();
    let of_site = format!("site_id = {}", site.site_id);

    for (filter, found) in [
        (of_site.as_str(), &["Oak 100% table"][..]),
        ("phrase: \"oak 100%\"", &["Oak 100% table"]),
        ("country = \"\"", &["elm"]),
        ("device = MOBILE AND intent = commercial", &["Oak 100% table"]),
        ("intent = null", &["elm"]),
        ("monthly_volume >= 320", &["Oak 100% table"]),
        ("monthly_volume = null", &["elm"]),
        ("target_url: \"/oak\" OR phrase = elm", &["elm", "Oak 100% table"]),
        ("delete_time != null", &[]),
    ] {
        assert_eq!(phrases(&mut keywords, filtered(filter)).await, found, "{filter}");
    }
    let all = pb::ListKeywordsRequest { show_deleted: true, ..filtered("delete_time != null") };
    assert_eq!(phrases(&mut keywords, all).await, ["ash"]);
}

#[tokio::test]
async fn an_unknown_field_is_refused_and_a_token_is_good_for_its_own_query() {
    let world = world().await;
    let north = world.org("north").await;
    let (site, mut keywords) = place(&writer(&north).await).await;
    fill(&mut keywords, &site).await;

    let filter = keywords.list_keywords(filtered("tags = oak")).await.unwrap_err();
    let order_by = "note".into();
    let order = pb::ListKeywordsRequest { order_by, ..Default::default() };
    let order = keywords.list_keywords(order).await.unwrap_err();
    let page = pb::ListKeywordsRequest { page_size: 1, ..Default::default() };
    let page_token = keywords.list_keywords(page).await.unwrap().into_inner().next_page_token;
    let other = pb::ListKeywordsRequest { page_token, ..filtered("device = mobile") };
    let other = keywords.list_keywords(other).await.unwrap_err();

    assert_eq!((filter.code(), filter.fields()), (Code::InvalidArgument, vec!["filter".into()]));
    assert!(filter.message().contains("the fields are keyword_id, site_id"), "{filter}");
    assert_eq!(order.fields(), ["order_by"]);
    assert_eq!(other.fields(), ["page_token"]);
}

#[tokio::test]
async fn a_total_counts_what_the_filter_finds_on_all_pages() {
    let world = world().await;
    let (north, south) = (world.org("north").await, world.org("south").await);
    let (site, mut keywords) = place(&writer(&north).await).await;
    fill(&mut keywords, &site).await;
    let (theirs, mut their_keywords) = place(&writer(&south).await).await;
    create(&mut their_keywords, phrase(&theirs, "theirs")).await;

    let filter = filtered("monthly_volume = null");
    let request = pb::ListKeywordsRequest { page_size: 10, include_total: true, ..filter };
    let page = keywords.list_keywords(request).await.unwrap().into_inner();

    assert_eq!((page.total_size, page.total_at_least, page.keywords.len()), (Some(30), false, 10));
}
