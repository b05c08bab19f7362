//! An address belongs to one site.

use devsphere_proto::seo::v1 as pb;
use devsphere_testkit::StatusExt as _;
use tonic::Code;

use super::{create, creation, delete, get, named, update};
use crate::{sites, world, writer};

#[tokio::test]
async fn an_address_belongs_to_one_site_of_an_organisation() {
    let world = world().await;
    let (north, south) = (world.org("north").await, world.org("south").await);
    let mut sites = sites(&writer(&north).await);
    let first = create(&mut sites, named("lindqvist")).await;
    let other = create(&mut sites, named("other")).await;
    let base_url = "https://LINDQVIST.example".into();
    let twin = pb::Site { base_url, ..named("twin") };

    let check = pb::CreateSiteRequest { validate_only: true, ..creation(twin.clone()) };
    let created = sites.create_site(creation(twin.clone())).await.unwrap_err();
    let checked = sites.create_site(check).await.unwrap_err();
    let moved = pb::Site { site_id: other.site_id.clone(), ..twin };
    let check =
        pb::UpdateSiteRequest { validate_only: true, ..update(moved.clone(), &["base_url"]) };
    let moved = sites.update_site(update(moved, &["base_url"])).await.unwrap_err();
    let would_be = sites.update_site(check).await.unwrap_err();

    for refused in [created, checked, moved, would_be] {
        assert_eq!(refused.code(), Code::AlreadyExists);
        assert_eq!(refused.reason(), "ALREADY_EXISTS");
        assert_eq!(refused.metadata_of("field"), "site.base_url");
        assert_eq!(refused.metadata_of("holder"), format!("seo/sites/{}", first.site_id));
    }
    assert_eq!(get(&mut sites, &other.site_id).await.unwrap(), other);
    // It is nobody's business elsewhere.
    create(&mut crate::sites(&writer(&south).await), named("lindqvist")).await;
}

#[tokio::test]
async fn of_two_who_take_an_address_at_once_one_has_it_and_the_other_hears_who() {
    let world = world().await;
    let north = world.org("north").await;
    let signe = writer(&north).await;
    let create = async || crate::sites(&signe).create_site(creation(named("lindqvist"))).await;

    for _ in 0..5 {
        let (one, two) = tokio::join!(create(), create());
        let (made, refused) = match (one, two) {
            (Ok(made), Err(refused)) | (Err(refused), Ok(made)) => (made.into_inner(), refused),
            both => panic!("{both:?}"),
        };
        assert_eq!(refused.code(), Code::AlreadyExists);
        assert_eq!(refused.metadata_of("holder"), format!("seo/sites/{}", made.site_id));
        delete(&mut sites(&signe), &made).await.unwrap();
    }
}
