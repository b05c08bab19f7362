//! An agent that fails, is cut off, or breaks the rules: nothing of it is written, and the reason is.

use devsphere_error::{Error, Failure};
use devsphere_proto::{
    agent::v1::Draft,
    seo::v1 as pb,
    r#type::v1::{Content, GenerationStep},
};
use devsphere_testkit::StatusExt as _;
use tonic::{Code, Status};

use super::{
    failed, generation, generations, of, piece_of,
    stranger::{Beside, Call, draft},
};
use crate::content_piece::{Desk, create, on};

/// What a try hears, and is written down with, whose agent does that.
async fn after(does: impl FnOnce(Call)) -> Status {
    let beside = Beside::start().await;
    let north = beside.world.org("north").await;
    let desk = Desk::of(&north).await;
    let piece = create(&mut desk.pieces(), on(&desk.site)).await;
    let mut own = generations(&desk.writer);

    let request = of(&piece);
    let ((started, refused), ()) = tokio::join!(failed(&mut own, request), async {
        does(beside.called().await);
    });

    let after = piece_of(&desk, &piece).await;
    assert_eq!((after.state(), after.version_number), (pb::ContentPieceState::Brief, 0));
    assert_eq!(after.generation_failure, refused.message());
    let ended = generation(&mut own, &started).await;
    assert_eq!(ended.state(), pb::GenerationState::Failed);
    assert_eq!(
        (ended.failure, ended.failure_message.as_str()),
        (refused.cause(), refused.message())
    );
    refused
}

#[tokio::test]
async fn what_the_agent_says_itself_passes_on_as_it_is() {
    let failed = Error::AiFailed {
        cause: "provider_overloaded",
        message: "the provider is overloaded".into(),
        retry_after: Some(std::time::Duration::from_secs(7)),
    };
    let failed = failed.status("", Failure::Query);
    let limited = Error::PlanLimit { cause: "ai_budget", message: "the budget is spent" };
    let limited = limited.status("", Failure::Query);

    for said in [failed, limited] {
        let heard = after(|call| call.fail(said.clone())).await;

        assert_eq!((heard.code(), heard.message()), (said.code(), said.message()));
        assert_eq!(heard.details(), said.details());
    }
}

#[tokio::test]
async fn an_agent_that_breaks_off_has_been_interrupted() {
    let without_words = |call: Call| {
        call.progress(GenerationStep::Draft, 50);
        call.fail(Status::unavailable("connection reset"));
    };

    for heard in [after(without_words).await, after(Call::end).await] {
        assert_eq!((heard.code(), heard.reason().as_str()), (Code::Unavailable, "AI_FAILED"));
        assert_eq!(heard.cause(), "interrupted");
    }
}

#[tokio::test]
async fn a_draft_that_breaks_the_rules_for_texts_is_never_written() {
    let with = |change: fn(&mut Content)| {
        let mut content = draft().content.unwrap();
        change(&mut content);
        Draft { content: Some(content), ..draft() }
    };
    let drafts = [
        with(|content| content.slug = "No slug".into()),
        with(|content| content.body = "x".repeat(200_001)),
        with(|content| content.body = " \n".into()),
        with(|content| content.title.clear()),
        with(|content| content.meta_description = "nul \0".into()),
        Draft { content: None, ..draft() },
    ];

    for draft in drafts {
        let heard = after(|call| {
            call.draft(draft);
            call.end();
        })
        .await;

        assert_eq!((heard.code(), heard.reason().as_str()), (Code::Internal, "AI_FAILED"));
        assert_eq!(heard.cause(), "answer_malformed");
    }
}

#[tokio::test]
async fn an_outline_that_breaks_the_rules_ends_the_try() {
    let heard = after(|call| call.outline(7, "Deep")).await;

    assert_eq!(heard.cause(), "answer_malformed");
}
