//! The trash.

use devsphere_proto::seo::v1 as pb;
use devsphere_testkit::StatusExt as _;
use tonic::Code;

use super::{create, delete, get, named, names, undelete};
use crate::{mask, request_id, sites, world, writer};

fn seconds(site: &pb::Site) -> i64 {
    site.purge_time.unwrap().seconds - site.delete_time.unwrap().seconds
}

#[tokio::test]
async fn a_trashed_site_is_read_and_restored_and_nothing_else() {
    let world = world().await;
    let north = world.org("north").await;
    let mut sites = sites(&writer(&north).await);
    let site = create(&mut sites, named("lindqvist")).await;

    let etag = delete(&mut sites, &site).await.unwrap().etag;
    let trashed = get(&mut sites, &site.site_id).await.unwrap();
    let listed = names(&mut sites, pb::ListSitesRequest::default()).await;
    let again = delete(&mut sites, &trashed).await.unwrap_err();
    let change = pb::UpdateSiteRequest {
        site: Some(trashed.clone()),
        update_mask: mask(&["note"]),
        ..Default::default()
    };
    let changed = sites.update_site(change).await.unwrap_err();
    let restored = undelete(&mut sites, &site.site_id, &etag).await.unwrap();
    let twice = undelete(&mut sites, &site.site_id, "").await.unwrap_err();

    assert_eq!((etag.as_str(), trashed.etag.as_str()), ("W2", "W2"));
    assert_eq!(
        (trashed.allowed_actions.as_slice(), seconds(&trashed)),
        (&["undelete".to_owned()][..], 30 * 24 * 3600)
    );
    assert!(listed.is_empty());
    for refused in [again, changed] {
        assert_eq!(refused.code(), Code::FailedPrecondition);
        assert_eq!(
            (refused.reason().as_str(), refused.cause().as_str()),
            ("INVALID_STATE", "trashed")
        );
    }
    let etag = "W3".to_owned();
    assert_eq!(restored, pb::Site { etag, update_time: restored.update_time, ..site });
    assert_eq!(twice.cause(), "not_trashed");
}

#[tokio::test]
async fn a_stale_etag_trashes_nothing() {
    let world = world().await;
    let north = world.org("north").await;
    let mut sites = sites(&writer(&north).await);
    let site = create(&mut sites, named("lindqvist")).await;

    let stale = pb::Site { etag: "W9".into(), ..site.clone() };
    let refused = delete(&mut sites, &stale).await.unwrap_err();

    assert_eq!(
        (refused.cause().as_str(), refused.metadata_of("etag").as_str()),
        ("stale_etag", "W1")
    );
    assert_eq!(get(&mut sites, &site.site_id).await.unwrap(), site);
}

#[tokio::test]
async fn the_trash_gives_an_address_free_and_a_restored_site_names_who_has_it() {
    let world = world().await;
    let north = world.org("north").await;
    let mut sites = sites(&writer(&north).await);
    let first = create(&mut sites, named("lindqvist")).await;
    delete(&mut sites, &first).await.unwrap();
    let second = create(&mut sites, named("lindqvist")).await;

    let refused = undelete(&mut sites, &first.site_id, "").await.unwrap_err();
    delete(&mut sites, &second).await.unwrap();
    let restored = undelete(&mut sites, &first.site_id, "").await.unwrap();

    assert_eq!(
        (refused.code(), refused.reason().as_str()),
        (Code::AlreadyExists, "ALREADY_EXISTS")
    );
    assert_eq!(refused.metadata_of("holder"), format!("seo/sites/{}", second.site_id));
    assert_eq!(restored.delete_time, None);
}

#[tokio::test]
async fn a_repeated_deletion_answers_as_it_did_then() {
    let world = world().await;
    let north = world.org("north").await;
    let mut sites = sites(&writer(&north).await);
    let site = create(&mut sites, named("lindqvist")).await;
    let (site_id, request_id) = (site.site_id.clone(), request_id());
    let once = pb::DeleteSiteRequest { site_id, request_id, ..Default::default() };

    let first = sites.delete_site(once.clone()).await.unwrap().into_inner();
    undelete(&mut sites, &site.site_id, "").await.unwrap();
    let again = sites.delete_site(once).await.unwrap().into_inner();

    assert_eq!(again, first);
    assert_eq!(get(&mut sites, &site.site_id).await.unwrap().delete_time, None);
}
