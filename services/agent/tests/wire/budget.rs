//! An organisation spends no more than it wants to.

use devsphere_proto::{administration::v1::AiProvider, r#type::v1::AiStep};
use devsphere_testkit::{
    StatusExt as _,
    provider::{Script, Tokens, Wire, author::author},
};

use crate::stage::{Stage, prices, task};

/// A model that writes as much as it may.
fn verbose(asked: &devsphere_testkit::provider::Asked) -> Script {
    author(asked).tokens(Tokens { input: 1000, output: 2000, ..Tokens::USUAL })
}

#[tokio::test]
async fn a_step_that_the_months_tokens_do_not_hold_is_not_asked() {
    let stage = Stage::new(Wire::Anthropic, verbose).await;
    let (north, writer) = stage.org("north").await;
    // Enough for the outline, and not for the text after it.
    let budget = AiProvider { monthly_token_budget: 12_000, ..stage.provider() };
    stage.connect(&north, budget).await;

    let refused = stage.draft(&writer, task()).await.1.unwrap_err();

    assert_eq!((refused.reason(), refused.cause()), ("PLAN_LIMIT".into(), "ai_budget".into()));
    assert_eq!(stage.model.calls().len(), 1);
    let month = stage.spending(&writer).await;
    assert_eq!((month.tokens, month.token_budget), (3000, 12_000));
    let again = stage.draft(&writer, task()).await.1.unwrap_err();
    assert_eq!(again.cause(), "ai_budget");
    assert_eq!(stage.model.calls().len(), 2);
    assert!(stage.spending(&writer).await.tokens <= 12_000);
}

#[tokio::test]
async fn the_months_money_ends_it_as_well() {
    let stage = Stage::new(Wire::OpenAi, verbose).await;
    let (north, writer) = stage.org("north").await;
    let cents = 50_000;
    let budget = AiProvider {
        prices: Some(prices()),
        monthly_cost_budget_micros: cents,
        ..stage.provider()
    };
    stage.connect(&north, budget).await;

    let refused = stage.draft(&writer, task()).await.1.unwrap_err();

    assert_eq!(refused.cause(), "ai_budget");
    let month = stage.spending(&writer).await;
    assert!(month.cost_micros <= cents, "{month:?}");
    assert_eq!((&*month.currency_code, month.cost_budget_micros), ("USD", cents));
}

#[tokio::test]
async fn many_at_once_do_not_spend_more_than_one_after_the_other() {
    let stage = Stage::new(Wire::Anthropic, verbose).await;
    let (north, writer) = stage.org("north").await;
    let budget = 60_000;
    stage.connect(&north, AiProvider { monthly_token_budget: budget, ..stage.provider() }).await;

    let drafts = (0..12).map(|_| stage.draft(&writer, task()));
    let ended = futures_util::future::join_all(drafts).await;

    assert!(ended.iter().any(|(_, draft)| draft.is_err()));
    assert!(stage.spending(&writer).await.tokens <= budget);
}

#[tokio::test]
async fn one_organisations_spending_is_not_anothers() {
    let stage = Stage::new(Wire::Anthropic, author).await;
    let (_north, signe) = stage.org("north").await;
    let (_south, sigrid) = stage.org("south").await;

    stage.draft(&signe, task()).await.1.unwrap();

    assert_eq!(stage.usages(&signe).await.len(), 3);
    assert_eq!(stage.usages(&sigrid).await.len(), 0);
    assert_eq!(stage.spending(&sigrid).await.tokens, 0);
}

#[tokio::test]
async fn a_budget_that_holds_the_text_and_not_its_second_reader_loses_no_text() {
    let stage = Stage::new(Wire::Anthropic, verbose).await;
    let (north, writer) = stage.org("north").await;
    // Outline and text leave 6,000 spent and too little for another 4,000 and what is read.
    stage.connect(&north, AiProvider { monthly_token_budget: 21_500, ..stage.provider() }).await;
    stage.draft(&writer, task()).await.1.unwrap();
    let spent = stage.spending(&writer).await.tokens;
    let budget = AiProvider { monthly_token_budget: spent + 19_500, ..stage.provider() };
    stage.connect(&north, budget).await;
    let mut task = task();
    task.outline = vec![devsphere_proto::r#type::v1::Heading { level: 2, text: "Kept".into() }];

    let draft = stage.draft(&writer, task).await.1.unwrap();

    assert!(draft.content.is_some());
    let steps: Vec<_> = draft.usages.iter().map(|usage| usage.step()).collect();
    assert_eq!(steps.first(), Some(&AiStep::Draft));
}
