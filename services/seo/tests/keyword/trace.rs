//! What a call costs, and what it leaves behind.

use devsphere_proto::seo::v1 as pb;
use devsphere_testkit::World;
use serde_json::{Value, json};

use super::{create, creations, delete, export, get, phrase, phrases, place, undelete, update};
use crate::{MODULES, cost, request_id, traces, world, writer};

#[tokio::test]
async fn each_call_takes_the_round_trips_of_its_kind() {
    let world = World::counted(&MODULES).await;
    let north = world.org("north").await;
    let (site, keywords) = place(&writer(&north).await).await;
    let keyword = create(&mut keywords.clone(), phrase(&site, "oak")).await;
    let fresh = || {
        let target_url = "https://lindqvist.example/a".into();
        pb::Keyword { target_url, ..phrase(&site, &request_id()) }
    };
    let noted = || {
        let target_url = format!("https://lindqvist.example/{}", request_id());
        update(pb::Keyword { target_url, etag: String::new(), ..keyword.clone() }, &["target_url"])
    };
    let made = async |count: usize| {
        let batch = creations((0..count).map(|_| fresh()));
        keywords.clone().batch_create_keywords(batch).await.unwrap().into_inner().keywords
    };

    let costs = [
        cost(&world, async || drop(get(&mut keywords.clone(), &keyword.keyword_id).await.unwrap()))
            .await,
        cost(&world, async || drop(phrases(&mut keywords.clone(), Default::default()).await)).await,
        cost(&world, async || drop(create(&mut keywords.clone(), fresh()).await)).await,
        cost(&world, async || drop(made(20).await)).await,
        cost(&world, async || {
            drop(keywords.clone().update_keyword(noted()).await.unwrap());
        })
        .await,
        cost(&world, async || {
            let keyword_ids = made(20).await.into_iter().map(|made| made.keyword_id).collect();
            let request = pb::BatchDeleteKeywordsRequest { keyword_ids, ..Default::default() };
            drop(keywords.clone().batch_delete_keywords(request).await.unwrap());
        })
        .await,
        cost(&world, async || {
            let made = made(1).await.remove(0);
            delete(&mut keywords.clone(), &made).await.unwrap();
            drop(undelete(&mut keywords.clone(), &made.keyword_id).await.unwrap());
        })
        .await,
        cost(&world, async || {
            let request = pb::ExportKeywordsRequest::default();
            assert_eq!(export::all(&mut keywords.clone(), request).await.tokens.len(), 1);
        })
        .await,
    ];

    assert_eq!(costs, [2, 2, 4, 4, 5, 9, 14, 2]);
}

#[tokio::test]
async fn each_change_leaves_one_event_and_one_audit_record() {
    let world = world().await;
    let north = world.org("north").await;
    let (site, mut keywords) = place(&writer(&north).await).await;
    let keyword = create(&mut keywords, phrase(&site, "oak")).await;

    let change = pb::Keyword { monthly_volume: Some(7), ..keyword.clone() };
    let changed = keywords.update_keyword(update(change, &["monthly_volume"])).await.unwrap();
    delete(&mut keywords, changed.get_ref()).await.unwrap();
    undelete(&mut keywords, &keyword.keyword_id).await.unwrap();
    let keyword_ids = vec![keyword.keyword_id];
    let request = pb::BatchDeleteKeywordsRequest { keyword_ids, ..Default::default() };
    keywords.batch_delete_keywords(request).await.unwrap();

    let names = [
        "keyword.created",
        "keyword.updated",
        "keyword.trashed",
        "keyword.restored",
        "keyword.trashed",
    ];
    let (events, audit) = traces(&world, "keyword").await;
    assert_eq!(events, names);
    assert_eq!(audit, names);
    let changed: (Value, Value) =
        sqlx::query_as("select before, after from platform.audit where action = 'keyword.updated'")
            .fetch_one(&mut world.admin().await)
            .await
            .unwrap();
    assert_eq!(changed, (json!({ "monthly_volume": null }), json!({ "monthly_volume": 7 })));
}
