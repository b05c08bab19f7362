//! The ledger: who asked what, and what it cost.

use devsphere_proto::{
    agent::v1::{ListUsageRequest, usage_service_client::UsageServiceClient},
    r#type::v1::{AiStep, AiUsageState},
};
use devsphere_testkit::{
    StatusExt as _,
    provider::{Tokens, Wire, author::author},
};
use sqlx::Executor as _;
use tonic::Code;

use crate::stage::{Stage, task};

#[tokio::test]
async fn a_line_says_who_asked_whom_for_what_and_what_it_cost() {
    let stage = Stage::new(Wire::Anthropic, |asked| {
        author(asked).tokens(Tokens { input: 1000, output: 100, cache_read: 500, cache_write: 10 })
    })
    .await;
    let (_north, writer) = stage.org("north").await;
    let task = task();

    stage.draft(&writer, task.clone()).await.1.unwrap();

    let usages = stage.usages(&writer).await;
    assert_eq!(usages.len(), 3);
    let newest = &usages[0];
    assert_eq!(newest.step(), AiStep::Check);
    assert_eq!(newest.generation_id, task.generation_id);
    assert_eq!(newest.person_id, writer.person_id().to_string());
    assert!(newest.provider_host.starts_with("127.0.0.1:"), "{}", newest.provider_host);
    assert_eq!((newest.input_tokens, newest.output_tokens), (1000, 100));
    assert_eq!((newest.cache_read_tokens, newest.cache_write_tokens), (500, 10));
    assert!(!newest.estimated);
    assert_eq!(newest.cost_micros, 3000 + 1500 + 1500 + 30);
    assert_eq!(newest.currency_code, "USD");
    let month = stage.spending(&writer).await;
    assert_eq!((month.tokens, month.cost_micros), (3 * 1610, 3 * newest.cost_micros));
    assert!(month.month_start_time.unwrap().seconds < month.month_end_time.unwrap().seconds);
}

#[tokio::test]
async fn a_provider_that_counts_absurdly_breaks_no_sum() {
    let most = u64::MAX;
    let stage = Stage::new(Wire::Anthropic, move |asked| {
        author(asked).tokens(Tokens {
            input: most,
            output: most,
            cache_read: most,
            cache_write: most,
        })
    })
    .await;
    let (_north, writer) = stage.org("north").await;

    stage.draft(&writer, task()).await.1.unwrap();

    assert_eq!(stage.usages(&writer).await[0].input_tokens, 1_000_000_000);
    assert_eq!(stage.spending(&writer).await.tokens, 12_000_000_000);
}

#[tokio::test]
async fn the_list_is_filtered_and_paged() {
    let stage = Stage::new(Wire::Anthropic, author).await;
    let (_north, writer) = stage.org("north").await;
    stage.draft(&writer, task()).await.1.unwrap();
    let mut ledger = UsageServiceClient::new(stage.as_peer("administration", &writer));
    let mut list = async |request: ListUsageRequest| ledger.list_usage(request).await;

    let drafts = ListUsageRequest { filter: "step = draft".into(), ..ListUsageRequest::default() };
    let drafts = list(drafts).await.unwrap().into_inner();
    let first = ListUsageRequest { page_size: 2, ..ListUsageRequest::default() };
    let first = list(first).await.unwrap().into_inner();
    let page_token = first.next_page_token.clone();
    let rest = ListUsageRequest { page_size: 2, page_token, ..ListUsageRequest::default() };
    let rest = list(rest).await.unwrap().into_inner();
    let unknown = ListUsageRequest { filter: "key = x".into(), ..ListUsageRequest::default() };
    let unknown = list(unknown).await.unwrap_err();

    assert_eq!(drafts.usages.len(), 1);
    assert_eq!((first.usages.len(), rest.usages.len()), (2, 1));
    assert_eq!(rest.next_page_token, "");
    assert_eq!(unknown.reason(), "BAD_REQUEST");
}

#[tokio::test]
async fn a_question_whose_end_nobody_heard_is_lost_and_counts_as_much_as_it_may_have_cost() {
    let stage = Stage::new(Wire::Anthropic, author).await;
    let (_north, writer) = stage.org("north").await;
    stage.draft(&writer, task()).await.1.unwrap();
    let mut owner = stage.world.admin().await;
    owner
        .execute(
            "update agent.usage set state = 'running', end_time = null,
                    expire_time = transaction_timestamp() - interval '1 second'
             where step = 'draft'",
        )
        .await
        .unwrap();

    let usages = stage.usages(&writer).await;

    let states: Vec<_> = usages.iter().map(|usage| usage.state()).collect();
    let done = AiUsageState::Succeeded;
    assert_eq!(states, [done, AiUsageState::Lost, done]);
    let mut ledger = UsageServiceClient::new(stage.as_peer("administration", &writer));
    let lost = ListUsageRequest { filter: "state = lost".into(), ..ListUsageRequest::default() };
    assert_eq!(ledger.list_usage(lost).await.unwrap().into_inner().usages.len(), 1);
}

#[tokio::test]
async fn each_question_leaves_one_event_and_one_audit_record() {
    let stage = Stage::new(Wire::Anthropic, author).await;
    let (_north, writer) = stage.org("north").await;

    stage.draft(&writer, task()).await.1.unwrap();

    let mut owner = stage.world.admin().await;
    for table in ["outbox", "audit"] {
        let count = format!("select count(*) from platform.{table} where noun = 'ai_usage'");
        let count: i64 =
            sqlx::query_scalar(sqlx::AssertSqlSafe(count)).fetch_one(&mut owner).await.unwrap();
        assert_eq!(count, 3, "{table}");
    }
}

#[tokio::test]
async fn only_the_services_that_are_named_may_ask() {
    let stage = Stage::new(Wire::Anthropic, author).await;
    let (_north, writer) = stage.org("north").await;

    for peer in ["crm", "gateway", "seo", "agent"] {
        let mut ledger = UsageServiceClient::new(stage.as_peer(peer, &writer));
        let refused = ledger.list_usage(ListUsageRequest::default()).await.unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied, "{peer}");
    }
    let mut nobody = UsageServiceClient::new(writer.channel("agent"));
    let refused = nobody.list_usage(ListUsageRequest::default()).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
}
