//! An agent at work: what is heard of it, what it leaves, and what stops it.

use devsphere_proto::{
    seo::v1::{self as pb, generate_draft_response::Event},
    r#type::v1::GenerationStep,
};
use devsphere_testkit::{StatusExt as _, eventually};
use tonic::Code;

use super::{
    Told, failed, generation, generations, names, of, piece_of,
    stranger::{Beside, draft},
};
use crate::content_piece::{Desk, create, on};

#[tokio::test]
async fn an_agent_is_told_of_the_piece_its_brief_its_keywords_and_its_site() {
    let beside = Beside::start().await;
    let north = beside.world.org("north").await;
    let desk = Desk::of(&north).await;
    let keyword = desk.keyword(&desk.site, "web design").await;
    let piece = pb::ContentPiece {
        keyword_ids: vec![keyword.keyword_id],
        kind: pb::ContentKind::LandingPage.into(),
        ..on(&desk.site)
    };
    let piece = create(&mut desk.pieces(), piece).await;

    let mut told = Told::begin(&mut generations(&desk.writer), of(&piece)).await.unwrap();
    let started = told.started().await;
    let task = beside.called().await.task;

    let generation = started.generation.unwrap();
    assert_eq!(generation.state(), pb::GenerationState::Queued);
    assert_eq!(task.generation_id, generation.generation_id);
    assert_eq!((&*task.agent_key, &*task.page_kind), ("seo-content-writer", "landing page"));
    assert_eq!((task.title, task.brief), (piece.title, piece.brief));
    assert_eq!((task.keywords, task.outline), (vec!["web design".to_owned()], Vec::new()));
    let site = task.site.unwrap();
    assert_eq!(site.display_name, desk.site.display_name);
    assert_eq!((site.base_url, site.language), (desk.site.base_url.clone(), "en".into()));
}

#[tokio::test]
async fn what_an_agent_writes_is_a_version_of_whoever_asked_for_it() {
    let beside = Beside::start().await;
    let north = beside.world.org("north").await;
    let desk = Desk::of(&north).await;
    let piece = create(&mut desk.pieces(), on(&desk.site)).await;
    let mut told = Told::begin(&mut generations(&desk.writer), of(&piece)).await.unwrap();
    told.started().await;

    beside.called().await.ends_well();
    let drafted = told.ended().await.unwrap();

    let version = drafted.content_version.unwrap();
    let author = desk.writer.person_id().to_string();
    assert_eq!((version.number, version.origin()), (1, pb::ContentOrigin::Agent));
    assert_eq!((&*version.author_id, &*version.note), (&*author, "Written by an agent."));
    let found = version.checks.unwrap().findings;
    let broken = |rule: &str| found.iter().any(|finding| finding.rule == rule);
    assert!(broken("unsupported_claim") && broken("length"));
    let after = piece_of(&desk, &piece).await;
    assert_eq!((after.state(), after.version_number), (pb::ContentPieceState::Draft, 1));
    assert_eq!(after.edited_by, author);
    assert_eq!(drafted.content_piece.unwrap(), after);
}

#[tokio::test]
async fn a_try_is_told_step_by_step_and_keeps_what_it_cost() {
    let beside = Beside::start().await;
    let north = beside.world.org("north").await;
    let desk = Desk::of(&north).await;
    let piece = create(&mut desk.pieces(), on(&desk.site)).await;
    let mut own = generations(&desk.writer);
    let mut told = Told::begin(&mut own, of(&piece)).await.unwrap();
    let started = told.started().await;

    beside.called().await.ends_well();
    let mut steps = Vec::new();
    let drafted = loop {
        match told.next().await.unwrap().unwrap() {
            Event::Progress(progress) => steps.push(progress.step()),
            Event::Draft(drafted) => break drafted.generation.unwrap(),
            Event::Started(_) => unreachable!("begun twice"),
        }
    };

    let all = [GenerationStep::Waiting, GenerationStep::Outline, GenerationStep::Draft];
    assert_eq!(steps, all);
    assert_eq!((drafted.state(), drafted.version_number), (pb::GenerationState::Succeeded, 1));
    assert_eq!((drafted.tokens, drafted.cost_micros), (302, 15));
    assert_eq!((&*drafted.model, &*drafted.currency_code), ("model-7", "USD"));
    assert_eq!(drafted.outline[0].text, "Prices");
    assert!(drafted.start_time.is_some() && drafted.end_time.is_some());
    assert_eq!(generation(&mut own, &started).await, drafted);
    let events = ["queued", "started", "outlined", "succeeded"];
    assert_eq!(
        names(&beside.world, "generation").await,
        events.map(|verb| format!("generation.{verb}"))
    );
    let events = ["created", "generation_started", "generated"];
    assert_eq!(
        names(&beside.world, "content_piece").await,
        events.map(|verb| format!("content_piece.{verb}"))
    );
}

#[tokio::test]
async fn while_an_agent_writes_nobody_else_does() {
    let beside = Beside::start().await;
    let north = beside.world.org("north").await;
    let desk = Desk::of(&north).await;
    let piece = desk.draft().await;
    let mut own = generations(&desk.writer);
    let mut told = Told::begin(&mut own, of(&piece)).await.unwrap();
    told.started().await;

    let again = Told::begin(&mut own, of(&piece)).await.err().unwrap();
    let written =
        crate::content_piece::write(&mut desk.pieces(), &piece, "Mine").await.unwrap_err();
    let submitted = crate::content_piece::submit(&mut desk.pieces(), &piece.content_piece_id)
        .await
        .unwrap_err();

    for refused in [again, written, submitted] {
        assert_eq!(
            (refused.code(), refused.reason().as_str()),
            (Code::FailedPrecondition, "BAD_TRANSITION")
        );
        assert_eq!(
            (refused.metadata_of("state").as_str(), refused.metadata_of("allowed").as_str()),
            ("generating", "")
        );
    }
    beside.called().await.ends_well();
    assert_eq!(told.ended().await.unwrap().content_version.unwrap().number, 2);
}

#[tokio::test]
async fn whoever_hangs_up_stops_the_agent_and_has_the_piece_back() {
    let beside = Beside::start().await;
    let north = beside.world.org("north").await;
    let desk = Desk::of(&north).await;
    let piece = create(&mut desk.pieces(), on(&desk.site)).await;
    let mut own = generations(&desk.writer);
    let mut told = Told::begin(&mut own, of(&piece)).await.unwrap();
    let started = told.started().await;
    let call = beside.called().await;
    call.outline(2, "Prices");
    told.next().await.unwrap();

    drop(told);
    call.hung_up().await;

    let ended = eventually("the end", async || {
        let found = generation(&mut generations(&desk.writer), &started).await;
        (found.state() == pb::GenerationState::Cancelled).then_some(found)
    })
    .await;
    assert_eq!((ended.failure.as_str(), ended.version_number), ("", 0));
    let after = piece_of(&desk, &piece).await;
    assert_eq!(after.state(), pb::ContentPieceState::Brief);
    assert_eq!(after.generation_failure, "cancelled by whoever asked for it");
    let last = names(&beside.world, "content_piece").await.pop();
    assert_eq!(last.as_deref(), Some("content_piece.generation_cancelled"));
}

#[tokio::test]
async fn a_cancelled_try_is_gone_on_with_from_its_outline_and_one_that_succeeded_is_not() {
    let beside = Beside::start().await;
    let north = beside.world.org("north").await;
    let desk = Desk::of(&north).await;
    let piece = create(&mut desk.pieces(), on(&desk.site)).await;
    let other = create(&mut desk.pieces(), on(&desk.site)).await;
    let mut own = generations(&desk.writer);
    let mut told = Told::begin(&mut own, of(&piece)).await.unwrap();
    let first = told.started().await.generation.unwrap().generation_id;
    let call = beside.called().await;
    call.outline(3, "Prices");
    told.next().await.unwrap();
    drop(told);
    eventually("the piece", async || {
        let found = piece_of(&desk, &piece).await;
        (found.state() == pb::ContentPieceState::Brief).then_some(())
    })
    .await;
    let from = |piece: &pb::ContentPiece, id: &str| pb::GenerateDraftRequest {
        resume_generation_id: id.into(),
        ..of(piece)
    };

    let elsewhere = Told::begin(&mut own, from(&other, &first)).await.err().unwrap();
    let mut told = Told::begin(&mut own, from(&piece, &first)).await.unwrap();
    let resumed = told.started().await.generation.unwrap();
    let call = beside.called().await;
    let outline = call.task.outline.clone();
    call.draft(draft());
    call.end();
    told.ended().await.unwrap();
    let done = Told::begin(&mut own, from(&piece, &resumed.generation_id)).await.err().unwrap();

    assert_eq!((outline.len(), outline[0].level, outline[0].text.as_str()), (1, 3, "Prices"));
    assert_eq!((resumed.outline, resumed.generation_id == first), (outline, false));
    for refused in [elsewhere, done] {
        assert_eq!(
            (refused.code(), refused.cause().as_str()),
            (Code::FailedPrecondition, "not_resumable")
        );
    }
}

#[tokio::test]
async fn a_listener_who_sleeps_keeps_no_agent_waiting_and_hears_the_end() {
    let beside = Beside::start().await;
    let north = beside.world.org("north").await;
    let desk = Desk::of(&north).await;
    let piece = create(&mut desk.pieces(), on(&desk.site)).await;
    let mut own = generations(&desk.writer);
    let mut told = Told::begin(&mut own, of(&piece)).await.unwrap();
    let call = beside.called().await;

    (0..20_000).for_each(|step| call.progress(GenerationStep::Draft, step % 100));
    call.draft(draft());
    call.end();
    eventually("the draft", async || {
        let found = piece_of(&desk, &piece).await;
        (found.state() == pb::ContentPieceState::Draft).then_some(())
    })
    .await;

    assert!(told.ended().await.is_ok());
}

#[tokio::test]
async fn a_service_that_stops_gives_back_what_is_at_work() {
    let beside = Beside::start().await;
    let north = beside.world.org("north").await;
    let desk = Desk::of(&north).await;
    let piece = desk.draft().await;
    let mut own = generations(&desk.writer);
    let mut told = Told::begin(&mut own, of(&piece)).await.unwrap();
    let started = told.started().await;
    let call = beside.called().await;

    let module = beside.world.stop_one("seo").await;
    call.hung_up().await;
    let refused = told.ended().await.unwrap_err();
    beside.world.start_one(module).await;

    assert_eq!((refused.reason().as_str(), refused.cause().as_str()), ("AI_FAILED", "interrupted"));
    let after = piece_of(&desk, &piece).await;
    assert_eq!((after.state(), after.version_number), (pb::ContentPieceState::Draft, 1));
    let ended = generation(&mut own, &started).await;
    assert_eq!(
        (ended.state(), ended.failure.as_str()),
        (pb::GenerationState::Failed, "interrupted")
    );
}

#[tokio::test]
async fn a_process_that_stops_gives_back_what_is_at_work() {
    let beside = Beside::start().await;
    let north = beside.world.org("north").await;
    let desk = Desk::of(&north).await;
    let piece = create(&mut desk.pieces(), on(&desk.site)).await;
    let mut own = generations(&desk.writer);
    let mut told = Told::begin(&mut own, of(&piece)).await.unwrap();
    told.started().await;
    beside.called().await;

    beside.world.tasks().stop().await;

    let last = names(&beside.world, "content_piece").await.pop();
    assert_eq!(last.as_deref(), Some("content_piece.generation_failed"));
}

#[tokio::test]
async fn a_try_that_fails_leaves_an_older_text_as_it_was() {
    let beside = Beside::start().await;
    let north = beside.world.org("north").await;
    let desk = Desk::of(&north).await;
    let piece = desk.draft().await;
    let mut own = generations(&desk.writer);

    let request = of(&piece);
    let (ended, ()) = tokio::join!(failed(&mut own, request), async {
        beside.called().await.end();
    });

    assert_eq!(ended.1.cause(), "interrupted");
    let after = piece_of(&desk, &piece).await;
    assert_eq!((after.state(), after.version_number), (pb::ContentPieceState::Draft, 1));
    assert_eq!(after.generation_failure, ended.1.message());
}
