//! Lists: filter, order, pages, totals.

use devsphere_auth::Role;
use devsphere_proto::{crm::v1 as pb, r#type::v1::Money};
use devsphere_testkit::StatusExt as _;
use tonic::Code;

use super::{Leads, create, creation, leads, named, names, world};

fn filtered(filter: &str) -> pb::ListLeadsRequest {
    pb::ListLeadsRequest { filter: filter.into(), ..Default::default() }
}

/// 120 leads, in two batches: company and value come in threes, every fourth has no value.
pub(super) async fn fill(leads: &mut Leads) {
    let lead = |n: i64| pb::Lead {
        company: format!("Company {}", n / 3),
        value: (n % 4 > 0).then(|| Money { minor_units: n / 3 * 100, currency_code: "EUR".into() }),
        ..named(&format!("Lead {n:03}"))
    };
    for half in [0..60, 60..120] {
        let requests = half.map(|n| creation(lead(n))).collect();
        let batch = pb::BatchCreateLeadsRequest { requests, request_id: String::new() };
        leads.batch_create_leads(batch).await.unwrap();
    }
}

/// Every name, page by page.
async fn paged(leads: &mut Leads, order_by: &str, page_size: i32) -> Vec<String> {
    let (mut all, mut page_token) = (Vec::new(), String::new());
    loop {
        let order_by = order_by.into();
        let request =
            pb::ListLeadsRequest { page_size, page_token, order_by, ..Default::default() };
        let page = leads.list_leads(request).await.unwrap().into_inner();
        assert!(page.leads.len() <= page_size as usize);
        all.extend(page.leads.into_iter().map(|lead| lead.display_name));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return all;
        }
    }
}

#[tokio::test]
async fn pages_show_each_lead_exactly_once_in_any_order() {
    let world = world().await;
    let north = world.org("north").await;
    let mut leads = leads(&north.member("anna", Role::Sales).await);
    fill(&mut leads).await;
    let expected: Vec<_> = (0..120).map(|n| format!("Lead {n:03}")).collect();

    for order_by in
        ["", "company desc, value.minor_units", "value.minor_units desc", "display_name"]
    {
        let mut all = paged(&mut leads, order_by, 7).await;
        if order_by == "display_name" {
            assert_eq!(all, expected);
        }
        all.sort();
        assert_eq!(all, expected, "{order_by}");
    }
}

#[tokio::test]
async fn a_page_of_long_leads_is_cut_to_what_a_message_holds_and_loses_none() {
    let world = world().await;
    let north = world.org("north").await;
    let mut leads = leads(&north.member("anna", Role::Sales).await);
    let long =
        |n: i32| creation(pb::Lead { note: "長".repeat(10_000), ..named(&format!("{n:03}")) });
    for hundred in [0..100, 100..200] {
        let requests = hundred.map(long).collect();
        let batch = pb::BatchCreateLeadsRequest { requests, request_id: String::new() };
        leads.batch_create_leads(batch).await.unwrap();
    }

    let first = leads
        .list_leads(pb::ListLeadsRequest { page_size: 200, ..Default::default() })
        .await
        .unwrap()
        .into_inner();
    let mut all = paged(&mut leads, "display_name", 200).await;

    assert!(first.leads.len() < 200 && !first.next_page_token.is_empty());
    all.dedup();
    assert_eq!(all.len(), 200);
}

#[tokio::test]
async fn the_newest_come_first() {
    let world = world().await;
    let north = world.org("north").await;
    let mut leads = leads(&north.member("anna", Role::Sales).await);
    for name in ["first", "second", "third"] {
        create(&mut leads, named(name)).await;
    }

    let listed = names(&mut leads, pb::ListLeadsRequest::default()).await;

    assert_eq!(listed, ["third", "second", "first"]);
}

#[tokio::test]
async fn filters_find_by_every_kind_of_field() {
    let world = world().await;
    let north = world.org("north").await;
    let anna = north.member("anna", Role::Manager).await;
    let mut leads = leads(&anna);
    let value = Some(Money { minor_units: 250_000, currency_code: "SEK".into() });
    let company = "Lindqvist 100%".into();
    create(&mut leads, pb::Lead { company, value, source: "fair".into(), ..named("Maria") }).await;
    create(&mut leads, named("Nils")).await;
    let mine = format!("owner_id = {}", anna.person_id());

    for (filter, found) in [
        ("display_name = Maria", &["Maria"][..]),
        ("company: \"100%\"", &["Maria"]),
        ("company = \"\"", &["Nils"]),
        ("value.minor_units >= 250000 AND value.currency_code = SEK", &["Maria"]),
        ("value.minor_units = null", &["Nils"]),
        ("state = NEW AND source != fair", &["Nils"]),
        ("state = (won OR lost)", &[]),
        ("owner_id = null OR delete_time != null", &[]),
        ("create_time > 2020-01-01T00:00:00Z AND NOT display_name = Nils", &["Maria"]),
        (&mine, &["Nils", "Maria"]),
    ] {
        assert_eq!(names(&mut leads, filtered(filter)).await, found, "{filter}");
    }
}

#[tokio::test]
async fn an_unknown_field_is_refused_with_those_there_are() {
    let world = world().await;
    let north = world.org("north").await;
    let mut leads = leads(&north.member("anna", Role::Sales).await);

    let filter = leads.list_leads(filtered("stage = new")).await.unwrap_err();
    let order_by = "note".into();
    let order = pb::ListLeadsRequest { order_by, ..Default::default() };
    let order = leads.list_leads(order).await.unwrap_err();

    assert_eq!((filter.code(), filter.fields()), (Code::InvalidArgument, vec!["filter".into()]));
    assert!(filter.message().contains("the fields are lead_id, display_name"), "{filter}");
    assert_eq!((order.code(), order.fields()), (Code::InvalidArgument, vec!["order_by".into()]));
    assert!(order.message().contains("the fields are display_name"), "{order}");
}

#[tokio::test]
async fn a_page_token_is_good_for_its_own_query_only() {
    let world = world().await;
    let north = world.org("north").await;
    let mut leads = leads(&north.member("anna", Role::Sales).await);
    for name in ["first", "second"] {
        create(&mut leads, named(name)).await;
    }
    let page = pb::ListLeadsRequest { page_size: 1, ..Default::default() };
    let page_token = leads.list_leads(page).await.unwrap().into_inner().next_page_token;

    let other = pb::ListLeadsRequest { page_token, ..filtered("state = new") };
    let refused = leads.list_leads(other).await.unwrap_err();

    assert_eq!(refused.fields(), ["page_token"]);
}

#[tokio::test]
async fn a_total_counts_what_the_filter_finds_on_all_pages() {
    let world = world().await;
    let (north, south) = (world.org("north").await, world.org("south").await);
    let mut leads = leads(&north.member("anna", Role::Sales).await);
    fill(&mut leads).await;
    create(&mut super::leads(&south.member("sven", Role::Sales).await), named("Sven's")).await;

    let (page_size, include_total) = (10, true);
    let filter = filtered("value.minor_units = null");
    let request = pb::ListLeadsRequest { page_size, include_total, ..filter.clone() };
    let page = leads.list_leads(request).await.unwrap().into_inner();
    let unasked = leads.list_leads(filter).await.unwrap().into_inner();

    assert_eq!((page.total_size, page.total_at_least, page.leads.len()), (Some(30), false, 10));
    assert_eq!(unasked.total_size, None);
}
