//! A million leads of a thousand organisations: each list begins at its own organisation, and takes no
//! longer than with a tenth of them.

mod crowd;
mod pace;
mod plans;

use devsphere_auth::Role;
use devsphere_proto::{
    administration::v1::{
        ListAiUsageRequest, ListAuditRecordsRequest,
        ai_provider_service_client::AiProviderServiceClient,
        audit_service_client::AuditServiceClient,
    },
    crm::v1::{ListLeadsRequest, lead_service_client::LeadServiceClient},
    identity::v1::{ListMembersRequest, member_service_client::MemberServiceClient},
    seo::v1::{
        ListKeywordsRequest, ListSitesRequest, keyword_service_client::KeywordServiceClient,
        site_service_client::SiteServiceClient,
    },
};
use devsphere_testkit::World;

use crate::{
    counts::{full_or, is_soak},
    matrix::stage::MODULES,
    queries::{OPERATORS, try_all, try_filters},
};

use crowd::Crowd;
use plans::{Mode, Plans};

/// What a list may take more with ten times the organisations.
const MOST: f64 = 1.3;

/// All of them in a soak, otherwise one of each kind.
fn operators() -> Vec<&'static str> {
    if is_soak() { OPERATORS.to_vec() } else { vec!["=", "<", ":"] }
}

/// Asks for leads by every field, operator and order, for the next page too, and for their number.
async fn leads(crowd: &Crowd<'_>, role: Role, show_deleted: bool) -> usize {
    let mut stub = LeadServiceClient::new(crowd.world.channel("crm"));
    try_all(&operators(), async |filter, order_by| {
        let mut list = ListLeadsRequest {
            filter,
            order_by,
            show_deleted,
            include_total: true,
            ..ListLeadsRequest::default()
        };
        let first = stub.list_leads(crowd.request(crowd.own, role, list.clone())).await?;
        list.page_token = first.into_inner().next_page_token;
        if list.filter.is_empty() && !list.page_token.is_empty() {
            stub.list_leads(crowd.request(crowd.own, role, list)).await?;
        }
        Ok(())
    })
    .await
}

async fn sites(crowd: &Crowd<'_>, show_deleted: bool) -> usize {
    let mut stub = SiteServiceClient::new(crowd.world.channel("seo"));
    try_all(&operators(), async |filter, order_by| {
        let list = ListSitesRequest {
            filter,
            order_by,
            show_deleted,
            include_total: true,
            ..Default::default()
        };
        stub.list_sites(crowd.request(crowd.own, Role::Ceo, list)).await.map(drop)
    })
    .await
}

async fn keywords(crowd: &Crowd<'_>, show_deleted: bool) -> usize {
    let mut stub = KeywordServiceClient::new(crowd.world.channel("seo"));
    try_all(&operators(), async |filter, order_by| {
        let list = ListKeywordsRequest {
            filter,
            order_by,
            show_deleted,
            include_total: true,
            ..Default::default()
        };
        stub.list_keywords(crowd.request(crowd.own, Role::Ceo, list)).await.map(drop)
    })
    .await
}

async fn usages(crowd: &Crowd<'_>) -> usize {
    let mut stub = AiProviderServiceClient::new(crowd.world.channel("administration"));
    try_filters(&operators(), async |filter| {
        let list = ListAiUsageRequest { filter, ..Default::default() };
        stub.list_ai_usage(crowd.request(crowd.own, Role::Ceo, list)).await.map(drop)
    })
    .await
}

async fn members(crowd: &Crowd<'_>) -> usize {
    let mut stub = MemberServiceClient::new(crowd.world.channel("identity"));
    try_all(&operators(), async |filter, order_by| {
        let list =
            ListMembersRequest { filter, order_by, include_total: true, ..Default::default() };
        stub.list_members(crowd.request(crowd.own, Role::Ceo, list)).await.map(drop)
    })
    .await
}

async fn audit_records(crowd: &Crowd<'_>) -> usize {
    let mut stub = AuditServiceClient::new(crowd.world.channel("administration"));
    try_all(&operators(), async |filter, order_by| {
        let list =
            ListAuditRecordsRequest { filter, order_by, include_total: true, ..Default::default() };
        stub.list_audit_records(crowd.request(crowd.own, Role::Ceo, list)).await.map(drop)
    })
    .await
}

/// Every list of a crowd, by every plan.
#[expect(clippy::print_stdout, reason = "shows how much was looked at")]
async fn look_at_plans(crowd: &Crowd<'_>) {
    let plans = Plans::of(crowd.world).await;
    plans.tell_astray(crowd.world).await;
    let ways = [(Role::Ceo, false), (Role::Sales, true), (Role::Ceo, true), (Role::Sales, false)];
    for (place, mode) in Mode::ALL.into_iter().enumerate() {
        plans.force(crowd.world, mode).await;
        let begun = plans.begin();
        // In a soak each way of looking at leads; otherwise one by each kind of plan.
        let mut asked = 0;
        if is_soak() {
            asked += members(crowd).await + audit_records(crowd).await;
        }
        asked += sites(crowd, place > 0).await + keywords(crowd, place > 0).await;
        asked += usages(crowd).await;
        for (role, show_deleted) in ways.into_iter().skip(full_or(0, place)).take(full_or(4, 1)) {
            asked += leads(crowd, role, show_deleted).await;
        }
        let seen = plans.judge(begun);
        println!("{mode:?}: {asked} lists were answered, by {seen} plans");
        assert!(seen >= asked, "{mode:?}: {seen} plans of {asked} lists");
    }
    plans.stop(crowd.world).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_organisations_slow_no_list_down_and_every_plan_begins_at_ones_own() {
    let organizations = full_or(1000, 100);
    let (larger, smaller) = (World::start(&MODULES).await, World::start(&MODULES).await);
    let many = Crowd::fill(&larger, organizations).await;
    let few = Crowd::fill(&smaller, organizations / 10).await;

    look_at_plans(&many).await;

    for (what, few, many) in pace::compare(&few, &many).await {
        let ratio = many.as_secs_f64() / few.as_secs_f64();
        println!("{what}: p50 {few:.2?}, with ten times as many {many:.2?}, {ratio:.2}");
        assert!(ratio < MOST, "{what}: {ratio:.2}");
    }
}
