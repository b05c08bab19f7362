//! What a call costs, and what it leaves behind.

use devsphere_proto::seo::v1 as pb;
use devsphere_testkit::World;
use serde_json::{Value, json};

use super::{create, delete, get, named, names, undelete};
use crate::{MODULES, cost, mask, request_id, sites, traces, world, writer};

fn update(site_id: &str, note: &str) -> pb::UpdateSiteRequest {
    let (site_id, note) = (site_id.into(), note.into());
    pb::UpdateSiteRequest {
        site: Some(pb::Site { site_id, note, ..Default::default() }),
        update_mask: mask(&["note"]),
        request_id: request_id(),
        validate_only: false,
    }
}

#[tokio::test]
async fn each_call_takes_the_round_trips_of_its_kind() {
    let world = World::counted(&MODULES).await;
    let north = world.org("north").await;
    let sites = sites(&writer(&north).await);
    let site = create(&mut sites.clone(), named("a")).await;
    let ask =
        || pb::BatchGetSitesRequest { site_ids: vec![site.site_id.clone()], allow_partial: false };

    let costs = [
        cost(&world, async || drop(get(&mut sites.clone(), &site.site_id).await.unwrap())).await,
        cost(&world, async || drop(names(&mut sites.clone(), Default::default()).await)).await,
        cost(&world, async || drop(sites.clone().batch_get_sites(ask()).await.unwrap())).await,
        cost(&world, async || {
            drop(create(&mut sites.clone(), named(&request_id())).await);
        })
        .await,
        cost(&world, async || {
            let update = update(&site.site_id, &request_id());
            drop(sites.clone().update_site(update).await.unwrap());
        })
        .await,
        cost(&world, async || {
            let read = get(&mut sites.clone(), &site.site_id).await.unwrap();
            delete(&mut sites.clone(), &read).await.unwrap();
            drop(undelete(&mut sites.clone(), &site.site_id, "").await.unwrap());
        })
        .await,
    ];

    assert_eq!(costs, [2, 2, 2, 4, 5, 12]);
}

#[tokio::test]
async fn each_change_leaves_one_event_and_one_audit_record() {
    let world = world().await;
    let north = world.org("north").await;
    let mut sites = sites(&writer(&north).await);
    let site_id = create(&mut sites, named("a")).await.site_id;

    sites.update_site(update(&site_id, "a note")).await.unwrap();
    sites.update_site(update(&site_id, "a note")).await.unwrap();
    let site = get(&mut sites, &site_id).await.unwrap();
    delete(&mut sites, &site).await.unwrap();
    undelete(&mut sites, &site_id, "").await.unwrap();

    let names = ["site.created", "site.updated", "site.trashed", "site.restored"];
    let (events, audit) = traces(&world, "site").await;
    assert_eq!(events, names);
    assert_eq!(audit, names);
    let changed: (Value, Value) =
        sqlx::query_as("select before, after from platform.audit where action = 'site.updated'")
            .fetch_one(&mut world.admin().await)
            .await
            .unwrap();
    assert_eq!(changed, (json!({ "note": "" }), json!({ "note": "a note" })));
}
