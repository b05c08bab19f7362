//! Every stored query and every built list, prepared by PostgreSQL as the service's own role.

use std::{fs, path::Path};

use devsphere_auth::Role;
use devsphere_proto::{
    administration::v1::{ListAiUsageRequest, ai_provider_service_client::AiProviderServiceClient},
    crm::v1::{ListLeadsRequest, lead_service_client::LeadServiceClient},
    identity::v1::{ListMembersRequest, member_service_client::MemberServiceClient},
    seo::v1::{
        ListKeywordsRequest, ListSitesRequest, keyword_service_client::KeywordServiceClient,
        site_service_client::SiteServiceClient,
    },
};
use devsphere_testkit::{Backend, StatusExt as _, World};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, SqlSafeStr as _};
use tonic::{Code, Status};

use crate::matrix::stage::MODULES;

pub const OPERATORS: [&str; 7] = ["=", "!=", "<", "<=", ">", ">=", ":"];

/// One value of each kind that a field may have; closed words are tried from the refusal.
const VALUES: [&str; 6] = [
    "\"x\"",
    "01a20c5e-1e1d-7208-a4d0-7873f0b292dc",
    "7",
    "true",
    "\"2026-11-24T10:00:00Z\"",
    "null",
];

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "asks as the service's role, without the service")]
async fn every_stored_query_prepares_as_the_services_role() {
    let backend = Backend::fresh(&MODULES).await;
    let mut prepared = 0;
    for module in &MODULES {
        let role = module.schema.role();
        let mut connection = PgConnection::connect_with(&backend.options(&role)).await.unwrap();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join(format!("../services/{}/.sqlx", module.schema.name));
        for file in fs::read_dir(folder).unwrap() {
            let stored = fs::read_to_string(file.unwrap().path()).unwrap();
            let stored: Value = serde_json::from_str(&stored).unwrap();
            let sql = stored["query"].as_str().unwrap().to_owned();
            let result = connection.prepare(AssertSqlSafe(sql.clone()).into_sql_str()).await;
            assert!(result.is_ok(), "{role}: {sql}: {:?}", result.err());
            prepared += 1;
        }
    }
    assert!(prepared > 20, "{prepared} queries are stored");
}

/// The names that a refused filter or order tells.
fn names(refused: &Status) -> Vec<String> {
    let words =
        refused.message().split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '.');
    words.filter(|word| word.contains('_') || word.len() > 3).map(str::to_owned).collect()
}

/// Tries every field that the list knows with these operators and every value, and every order.
pub async fn try_all(
    operators: &[&str],
    mut list: impl AsyncFnMut(String, String) -> Result<(), Status>,
) -> usize {
    let mut accepted =
        try_filters(operators, async |filter| list(filter, String::new()).await).await;
    let sortable = list(String::new(), "no_such_field".into()).await.unwrap_err();
    for field in names(&sortable) {
        for direction in ["", " desc"] {
            match list(String::new(), format!("{field}{direction}")).await {
                Ok(()) => accepted += 1,
                Err(refused) => assert_eq!(refused.code(), Code::InvalidArgument, "{field}"),
            }
        }
    }
    accepted
}

/// The same of a list that has one order.
pub async fn try_filters(
    operators: &[&str],
    mut list: impl AsyncFnMut(String) -> Result<(), Status>,
) -> usize {
    let known = list("no_such_field = 1".into()).await.unwrap_err();
    assert_eq!(known.fields(), ["filter"]);
    let mut accepted = 0;
    for field in names(&known) {
        for operator in operators {
            for value in VALUES {
                match list(format!("{field} {operator} {value}")).await {
                    Ok(()) => accepted += 1,
                    Err(refused) => {
                        assert_eq!(
                            refused.code(),
                            Code::InvalidArgument,
                            "{field} {operator} {value}"
                        );
                    }
                }
            }
        }
    }
    accepted
}

#[tokio::test]
async fn every_field_operator_and_order_of_a_list_is_answered_or_refused_by_name() {
    let world = World::start(&MODULES).await;
    let ceo = world.org("north").await.member("ada", Role::Ceo).await;

    let mut leads = LeadServiceClient::new(ceo.channel("crm"));
    let of_leads = try_all(&OPERATORS, async |filter, order_by| {
        let request =
            ListLeadsRequest { filter, order_by, include_total: true, ..Default::default() };
        leads.list_leads(request).await.map(drop)
    })
    .await;
    let mut members = MemberServiceClient::new(ceo.channel("identity"));
    let of_members = try_all(&OPERATORS, async |filter, order_by| {
        let request = ListMembersRequest { filter, order_by, ..Default::default() };
        members.list_members(request).await.map(drop)
    })
    .await;
    let mut sites = SiteServiceClient::new(ceo.channel("seo"));
    let of_sites = try_all(&OPERATORS, async |filter, order_by| {
        let request =
            ListSitesRequest { filter, order_by, include_total: true, ..Default::default() };
        sites.list_sites(request).await.map(drop)
    })
    .await;
    let mut keywords = KeywordServiceClient::new(ceo.channel("seo"));
    let of_keywords = try_all(&OPERATORS, async |filter, order_by| {
        let request =
            ListKeywordsRequest { filter, order_by, include_total: true, ..Default::default() };
        keywords.list_keywords(request).await.map(drop)
    })
    .await;
    let mut usages = AiProviderServiceClient::new(ceo.channel("administration"));
    let of_usages = try_filters(&OPERATORS, async |filter| {
        let request = ListAiUsageRequest { filter, ..Default::default() };
        usages.list_ai_usage(request).await.map(drop)
    })
    .await;

    assert!(of_leads > 100 && of_members > 30, "{of_leads} and {of_members} accepted");
    assert!(of_sites > 60 && of_keywords > 60, "{of_sites} and {of_keywords} accepted");
    assert!(of_usages > 20, "{of_usages} accepted");
}
