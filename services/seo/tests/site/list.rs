//! Lists and batches: filter, order, pages, totals.

use devsphere_proto::seo::v1 as pb;
use devsphere_testkit::StatusExt as _;
use tonic::Code;

use super::{create, delete, named, names};
use crate::{sites, world, writer};

fn filtered(filter: &str) -> pb::ListSitesRequest {
    pb::ListSitesRequest { filter: filter.into(), ..Default::default() }
}

#[tokio::test]
async fn filters_find_by_every_kind_of_field() {
    let world = world().await;
    let north = world.org("north").await;
    let mut sites = sites(&writer(&north).await);
    let (client_name, country) = ("Lindqvist AB".into(), "SE".into());
    let approval_gate = pb::ApprovalGate::None.into();
    create(&mut sites, pb::Site { client_name, country, approval_gate, ..named("a") }).await;
    create(&mut sites, pb::Site { language: "pt-BR".into(), ..named("b") }).await;
    let trashed = create(&mut sites, named("c")).await;
    delete(&mut sites, &trashed).await.unwrap();

    for (filter, found) in [
        ("", &["b", "a"][..]),
        ("display_name = a", &["a"]),
        ("base_url = \"https://b.example\"", &["b"]),
        ("client_name: lindqvist", &["a"]),
        ("client_name = \"\"", &["b"]),
        ("language = (en OR \"pt-BR\") AND country = SE", &["a"]),
        ("approval_gate = required", &["b"]),
        ("create_time > 2020-01-01T00:00:00Z AND NOT country = SE", &["b"]),
    ] {
        assert_eq!(names(&mut sites, filtered(filter)).await, found, "{filter}");
    }
    let all = pb::ListSitesRequest { show_deleted: true, ..filtered("delete_time != null") };
    assert_eq!(names(&mut sites, all).await, ["c"]);
}

#[tokio::test]
async fn an_unknown_field_is_refused_with_those_there_are() {
    let world = world().await;
    let north = world.org("north").await;
    let mut sites = sites(&writer(&north).await);

    let filter = sites.list_sites(filtered("voice = warm")).await.unwrap_err();
    let order_by = "note".into();
    let order = pb::ListSitesRequest { order_by, ..Default::default() };
    let order = sites.list_sites(order).await.unwrap_err();

    assert_eq!((filter.code(), filter.fields()), (Code::InvalidArgument, vec!["filter".into()]));
    assert!(filter.message().contains("the fields are site_id, display_name"), "{filter}");
    assert_eq!(order.fields(), ["order_by"]);
}

#[tokio::test]
async fn pages_show_each_site_once_in_any_order_and_a_total_counts_them() {
    let world = world().await;
    let (north, south) = (world.org("north").await, world.org("south").await);
    let mut sites = sites(&writer(&north).await);
    let all: Vec<_> = (0..9).map(|n| format!("site{n}")).collect();
    for name in &all {
        create(&mut sites, named(name)).await;
    }
    create(&mut crate::sites(&writer(&south).await), named("theirs")).await;

    for order_by in ["", "language, display_name desc", "display_name"] {
        let (mut found, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = pb::ListSitesRequest {
                page_size: 4,
                page_token,
                order_by: order_by.into(),
                include_total: true,
                ..Default::default()
            };
            let page = sites.list_sites(request).await.unwrap().into_inner();
            assert_eq!((page.total_size, page.total_at_least), (Some(9), false));
            found.extend(page.sites.into_iter().map(|site| site.display_name));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        found.sort();
        assert_eq!(found, all, "{order_by}");
    }
}

#[tokio::test]
async fn sites_are_read_in_the_order_asked_for() {
    let world = world().await;
    let (north, south) = (world.org("north").await, world.org("south").await);
    let mut sites = sites(&writer(&north).await);
    let (a, b) = (create(&mut sites, named("a")).await, create(&mut sites, named("b")).await);
    let theirs = create(&mut crate::sites(&writer(&south).await), named("t")).await;
    delete(&mut sites, &a).await.unwrap();
    let site_ids = vec![b.site_id, theirs.site_id, a.site_id];
    let ask =
        |allow_partial| pb::BatchGetSitesRequest { site_ids: site_ids.clone(), allow_partial };

    let all = sites.batch_get_sites(ask(false)).await.unwrap_err();
    let part = sites.batch_get_sites(ask(true)).await.unwrap().into_inner();

    assert_eq!((all.code(), all.message()), (Code::NotFound, "site not found"));
    let read: Vec<_> = part.sites.iter().map(|site| site.display_name.as_str()).collect();
    assert_eq!(read, ["b", "a"]);
    let [error] = part.errors.as_slice() else { panic!("{:?}", part.errors) };
    assert_eq!((error.index, error.reason.as_str()), (1, "NOT_FOUND"));
}
