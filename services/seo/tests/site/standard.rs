//! Create, get, update.

use devsphere_auth::Role;
use devsphere_proto::seo::v1 as pb;
use devsphere_testkit::StatusExt as _;
use tonic::Code;

use super::{create, creation, get, named, names, update};
use crate::{request_id, sites, world, writer};

fn lindqvist() -> pb::Site {
    pb::Site {
        display_name: "Lindqvist Interiors".into(),
        base_url: "https://lindqvist.example".into(),
        client_name: "Lindqvist AB".into(),
        language: "sv".into(),
        country: "SE".into(),
        voice: "Warm and plain.".into(),
        forbidden_claims: vec!["cheapest".into(), "handmade".into()],
        note: "A new shop in autumn.".into(),
        approval_gate: pb::ApprovalGate::None.into(),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_new_site_has_every_field_as_given() {
    let world = world().await;
    let north = world.org("north").await;
    let mut sites = sites(&writer(&north).await);

    let site = create(&mut sites, lindqvist()).await;

    let given = pb::Site {
        site_id: site.site_id.clone(),
        create_time: site.create_time,
        update_time: site.create_time,
        etag: "W1".into(),
        allowed_actions: ["update", "delete"].map(Into::into).into(),
        ..lindqvist()
    };
    assert_eq!(site, given);
    assert!(site.create_time.is_some());
    assert_eq!(get(&mut sites, &site.site_id).await.unwrap(), site);
}

#[tokio::test]
async fn an_address_is_written_in_one_way_and_a_gate_is_there_unless_taken_away() {
    let world = world().await;
    let north = world.org("north").await;
    let mut sites = sites(&writer(&north).await);
    let base_url = "https://Lindqvist.EXAMPLE:443/".into();

    let site = create(&mut sites, pb::Site { base_url, ..named("l") }).await;

    assert_eq!(site.base_url, "https://lindqvist.example");
    assert_eq!(site.approval_gate(), pb::ApprovalGate::Required);
}

#[tokio::test]
async fn every_field_that_breaks_a_rule_is_named_at_once() {
    let world = world().await;
    let north = world.org("north").await;
    let mut sites = sites(&writer(&north).await);
    let wrong = pb::Site {
        base_url: "lindqvist".into(),
        language: "Swedish".into(),
        country: "se".into(),
        forbidden_claims: vec![String::new()],
        approval_gate: 9,
        ..lindqvist()
    };
    let base_url = "https://lindqvist.example/shop".into();
    let deep = pb::Site { base_url, ..lindqvist() };

    let wrong = sites.create_site(creation(wrong)).await.unwrap_err();
    let bare = sites.create_site(creation(pb::Site::default())).await.unwrap_err();
    let deep = sites.create_site(creation(deep)).await.unwrap_err();

    assert_eq!((wrong.code(), wrong.reason().as_str()), (Code::InvalidArgument, "BAD_REQUEST"));
    let expected = [
        "site.base_url",
        "site.language",
        "site.country",
        "site.forbidden_claims[0]",
        "site.approval_gate",
    ];
    assert_eq!(wrong.fields(), expected);
    assert_eq!(bare.fields(), ["site.display_name", "site.base_url", "site.language"]);
    assert_eq!(deep.fields(), ["site.base_url"]);
}

#[tokio::test]
async fn a_missing_permission_is_named() {
    let world = world().await;
    let north = world.org("north").await;
    let site = create(&mut sites(&writer(&north).await), lindqvist()).await;
    let mut reader = sites(&north.caller(&["seo.sites.read", "seo.keywords.delete"]));
    let mut stranger = sites(&north.caller(&["crm.*", "seo.keywords.read"]));

    let created = reader.create_site(creation(named("new"))).await.unwrap_err();
    let updated = reader.update_site(update(site.clone(), &["note"])).await.unwrap_err();
    let deleted = super::delete(&mut reader, &site).await.unwrap_err();
    let unread = get(&mut stranger, &site.site_id).await.unwrap_err();

    assert_eq!(created.code(), Code::PermissionDenied);
    assert_eq!(created.metadata_of("permission"), "seo.sites.create");
    assert_eq!(updated.metadata_of("permission"), "seo.sites.update");
    assert_eq!(deleted.metadata_of("permission"), "seo.sites.delete");
    assert_eq!(unread.metadata_of("permission"), "seo.sites.read");
    let read = get(&mut reader, &site.site_id).await.unwrap();
    assert_eq!(read.allowed_actions, Vec::<String>::new());
}

#[tokio::test]
async fn each_role_may_do_what_it_should() {
    let world = world().await;
    let north = world.org("north").await;
    let site = create(&mut sites(&writer(&north).await), lindqvist()).await;

    for (role, reads, writes) in [
        (Role::Manager, true, true),
        (Role::Seo, true, true),
        (Role::Viewer, true, false),
        (Role::Sales, false, false),
    ] {
        let mut sites = sites(&north.member(role.as_str(), role).await);
        let read = get(&mut sites, &site.site_id).await.is_ok();
        let written = sites.create_site(creation(named(role.as_str()))).await.is_ok();
        assert_eq!((read, written), (reads, writes), "{role}");
    }
}

#[tokio::test]
async fn another_organisations_site_is_not_found() {
    let world = world().await;
    let (north, south) = (world.org("north").await, world.org("south").await);
    let site = create(&mut sites(&writer(&north).await), lindqvist()).await;
    let mut theirs = sites(&south.member("sven", Role::Ceo).await);

    let read = get(&mut theirs, &site.site_id).await.unwrap_err();
    let changed = theirs.update_site(update(site.clone(), &["note"])).await.unwrap_err();
    let deleted = super::delete(&mut theirs, &site).await.unwrap_err();
    let nowhere = get(&mut theirs, &request_id()).await.unwrap_err();

    for refused in [read, changed, deleted, nowhere] {
        assert_eq!((refused.code(), refused.message()), (Code::NotFound, "site not found"));
    }
}

#[tokio::test]
async fn an_update_writes_the_masked_fields_and_clears_the_empty_ones() {
    let world = world().await;
    let north = world.org("north").await;
    let mut sites = sites(&writer(&north).await);
    let site = create(&mut sites, lindqvist()).await;

    let change = pb::Site {
        site_id: site.site_id.clone(),
        base_url: "https://Lindqvist.se/".into(),
        client_name: "passed over".into(),
        ..Default::default()
    };
    let paths = ["base_url", "country", "forbidden_claims", "approval_gate"];
    let updated = sites.update_site(update(change, &paths)).await.unwrap().into_inner();

    let wanted = pb::Site {
        base_url: "https://lindqvist.se".into(),
        country: String::new(),
        forbidden_claims: Vec::new(),
        approval_gate: pb::ApprovalGate::Required.into(),
        etag: "W2".into(),
        update_time: updated.update_time,
        ..site.clone()
    };
    assert_eq!(updated, wanted);
    assert_ne!(updated.update_time, site.update_time);
    assert_eq!(get(&mut sites, &site.site_id).await.unwrap(), updated);
}

#[tokio::test]
async fn an_update_that_changes_nothing_is_no_new_version() {
    let world = world().await;
    let north = world.org("north").await;
    let mut sites = sites(&writer(&north).await);
    let site = create(&mut sites, lindqvist()).await;

    let base_url = "https://LINDQVIST.example/".into();
    let same = pb::Site { base_url, ..site.clone() };
    let same = sites.update_site(update(same, &["*"])).await.unwrap().into_inner();

    assert_eq!(same, site);
}

#[tokio::test]
async fn an_update_needs_an_id_and_a_known_mask_and_leaves_a_whole_site() {
    let world = world().await;
    let north = world.org("north").await;
    let mut sites = sites(&writer(&north).await);
    let site = create(&mut sites, lindqvist()).await;
    let empty = pb::Site { site_id: site.site_id.clone(), ..Default::default() };

    let no_id = sites.update_site(update(lindqvist(), &["note"])).await.unwrap_err();
    let no_field = sites.update_site(update(site.clone(), &["note", "etag"])).await.unwrap_err();
    let no_mask = sites.update_site(update(site.clone(), &[])).await.unwrap_err();
    let emptied = sites.update_site(update(empty, &["*"])).await.unwrap_err();

    assert_eq!(no_id.fields(), ["site.site_id"]);
    assert_eq!(no_field.fields(), ["update_mask"]);
    assert!(no_field.message().contains("names \"etag\""), "{}", no_field.message());
    assert_eq!(no_mask.fields(), ["update_mask"]);
    assert_eq!(emptied.fields(), ["site.display_name", "site.base_url", "site.language"]);
    assert_eq!(get(&mut sites, &site.site_id).await.unwrap(), site);
}

#[tokio::test]
async fn a_stale_etag_is_refused_with_the_current_one() {
    let world = world().await;
    let north = world.org("north").await;
    let mut sites = sites(&writer(&north).await);
    let read = create(&mut sites, lindqvist()).await;
    let first = pb::Site { note: "first".into(), ..read.clone() };
    sites.update_site(update(first, &["note"])).await.unwrap();

    let second = pb::Site { note: "second".into(), ..read.clone() };
    let refused = sites.update_site(update(second, &["note"])).await.unwrap_err();

    assert_eq!((refused.code(), refused.reason().as_str()), (Code::Aborted, "CONFLICT"));
    assert_eq!(refused.cause(), "stale_etag");
    assert_eq!(refused.metadata_of("etag"), "W2");
    assert_eq!(get(&mut sites, &read.site_id).await.unwrap().note, "first");
}

#[tokio::test]
async fn a_repeated_request_is_answered_again_and_carried_out_once() {
    let world = world().await;
    let north = world.org("north").await;
    let mut sites = sites(&writer(&north).await);
    let once = pb::CreateSiteRequest { request_id: request_id(), ..creation(lindqvist()) };

    let first = sites.create_site(once.clone()).await.unwrap().into_inner();
    let again = sites.create_site(once.clone()).await.unwrap().into_inner();
    let other = pb::CreateSiteRequest { site: Some(named("other")), ..once };
    let reused = sites.create_site(other).await.unwrap_err();

    assert_eq!(again, first);
    assert_eq!(
        (reused.code(), reused.cause().as_str()),
        (Code::InvalidArgument, "request_id_reused")
    );
    let all = names(&mut sites, pb::ListSitesRequest::default()).await;
    assert_eq!(all, [lindqvist().display_name]);
}

#[tokio::test]
async fn a_creation_and_an_update_may_be_checked_only() {
    let world = world().await;
    let north = world.org("north").await;
    let mut sites = sites(&writer(&north).await);
    let check = pb::CreateSiteRequest { validate_only: true, ..creation(lindqvist()) };

    let would_be = sites.create_site(check).await.unwrap().into_inner();
    let none = names(&mut sites, pb::ListSitesRequest::default()).await;
    let site = create(&mut sites, lindqvist()).await;
    let change = pb::Site { note: "would be".into(), ..site.clone() };
    let check = pb::UpdateSiteRequest { validate_only: true, ..update(change.clone(), &["note"]) };
    let changed = sites.update_site(check).await.unwrap().into_inner();

    assert_eq!(would_be, lindqvist());
    assert!(none.is_empty());
    assert_eq!(changed, change);
    assert_eq!(get(&mut sites, &site.site_id).await.unwrap(), site);
}
