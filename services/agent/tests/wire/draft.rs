//! A draft from a brief, step by step.

use devsphere_proto::r#type::v1::{AiStep, GenerationStep, Heading, Severity};
use devsphere_testkit::{
    StatusExt as _,
    provider::{
        Script, Wire,
        author::{self, CLAIM, author},
    },
};
use serde_json::json;

use crate::stage::{KEY, Stage, task};

#[tokio::test]
async fn a_draft_has_an_outline_a_text_and_a_second_readers_flags_in_either_format() {
    for wire in Wire::ALL {
        let stage = Stage::new(wire, author).await;
        let (_north, writer) = stage.org("north").await;

        let (told, draft) = stage.draft(&writer, task()).await;
        let draft = draft.unwrap();

        let content = draft.content.unwrap();
        assert_eq!(content.title, "Accessible web design: what it costs");
        assert!(content.body.contains(CLAIM));
        assert_eq!((content.outline.len(), content.faq.len(), content.images.len()), (2, 1, 1));
        let flag = &draft.findings[0];
        assert_eq!((&*flag.rule, flag.severity()), ("unsupported_claim", Severity::Error));
        assert_eq!(flag.quote, CLAIM);
        let steps: Vec<_> = draft.usages.iter().map(|usage| usage.step()).collect();
        assert_eq!(steps, [AiStep::Outline, AiStep::Draft, AiStep::Check], "{wire:?}");
        assert!(told.windows(2).all(|two| two[0].percent <= two[1].percent), "{told:?}");
        let outline = told.iter().find(|progress| !progress.outline.is_empty()).unwrap();
        assert_eq!(outline.outline.len(), 2);
        assert!(told.iter().any(|progress| progress.step() == GenerationStep::Draft));
        assert!(stage.model.calls().iter().all(|asked| asked.key == KEY && asked.stream));
    }
}

#[tokio::test]
async fn the_same_draft_is_had_at_once() {
    let stage = Stage::new(Wire::Anthropic, author).await;
    let (_north, writer) = stage.org("north").await;

    let draft = stage.compose(&writer, task()).await.unwrap();

    assert!(draft.content.unwrap().body.contains(CLAIM));
    assert_eq!(draft.usages.len(), 3);
}

#[tokio::test]
async fn an_outline_that_is_there_is_not_asked_for_again() {
    let stage = Stage::new(Wire::Anthropic, author).await;
    let (_north, writer) = stage.org("north").await;
    let mut task = task();
    task.outline = vec![Heading { level: 2, text: "Kept from before".into() }];

    let (_, draft) = stage.draft(&writer, task).await;

    assert_eq!(draft.unwrap().usages.len(), 2);
    let calls = stage.model.calls();
    assert!(calls[0].messages[0].1.contains("Kept from before"));
}

#[tokio::test]
async fn a_text_that_breaks_the_form_is_asked_for_once_more_and_then_is_none() {
    let stage = Stage::new(Wire::OpenAi, |asked| {
        let says_what_was_wrong =
            asked.messages.iter().any(|(_, said)| said.contains("`body` is empty"));
        match asked.tool.as_ref().unwrap().name.as_str() {
            "draft" if asked.model == "stubborn" || !says_what_was_wrong => {
                Script::tool(&json!({"title": "Only a title"}))
            }
            _ => author(asked),
        }
    })
    .await;
    let (north, writer) = stage.org("north").await;

    let mended = stage.draft(&writer, task()).await.1.unwrap();
    let stubborn = devsphere_proto::administration::v1::AiProvider {
        model: "stubborn".into(),
        ..stage.provider()
    };
    stage.connect(&north, stubborn).await;
    let refused = stage.draft(&writer, task()).await.1.unwrap_err();

    let steps: Vec<_> = mended.usages.iter().map(|usage| usage.step()).collect();
    assert_eq!(steps, [AiStep::Outline, AiStep::Draft, AiStep::Repair, AiStep::Check]);
    assert_eq!(
        (refused.reason(), refused.cause()),
        ("AI_FAILED".into(), "answer_malformed".into())
    );
    assert!(refused.message().contains("`body` is empty"), "{}", refused.message());
}

#[tokio::test]
async fn a_draft_that_nobody_could_read_again_is_kept_and_says_so() {
    let stage =
        Stage::new(Wire::Anthropic, |asked| match asked.tool.as_ref().unwrap().name.as_str() {
            "flags" => Script::refusal(400, "invalid_request_error", "no such form"),
            _ => author(asked),
        })
        .await;
    let (_north, writer) = stage.org("north").await;

    let draft = stage.draft(&writer, task()).await.1.unwrap();

    assert!(draft.content.is_some());
    let finding = &draft.findings[0];
    assert_eq!((&*finding.rule, finding.severity()), ("not_checked", Severity::Error));
}

#[tokio::test]
async fn what_the_agent_is_told_is_the_organisations_own_word_and_nobody_elses() {
    let stage = Stage::new(Wire::Anthropic, author).await;
    let (_north, writer) = stage.org("north").await;

    stage.draft(&writer, task()).await.1.unwrap();

    let asked = &stage.model.calls()[1];
    assert!(asked.system.starts_with("You are the Content Writer"), "{}", asked.system);
    assert!(asked.messages[0].1.contains("What an accessible web shop costs"));
    assert_eq!(asked.tool.as_ref().unwrap().schema["properties"]["body"]["type"], "string");
    assert!(author::draft()["body"].is_string());
}
