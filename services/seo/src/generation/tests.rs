//! How a try goes on, ends, costs and is gone on with.

use super::*;

fn generation(state: State) -> Generation {
    Generation {
        generation_id: GenerationId::fresh(),
        content_piece_id: ContentPieceId::fresh(),
        state,
        asked_by: PersonId::fresh(),
        outline: Some(Json(vec![AsJson(Heading { level: 2, text: "Prices".into() })])),
        failure: String::new(),
        failure_message: String::new(),
        version_number: 0,
        model: String::new(),
        tokens: 0,
        cost_micros: 0,
        currency_code: String::new(),
        create_time: DateTime::UNIX_EPOCH,
        start_time: None,
        end_time: None,
        version: 1,
    }
}

const ALL: [State; 5] =
    [State::Queued, State::Running, State::Succeeded, State::Failed, State::Cancelled];

#[test]
fn each_step_leads_from_its_states_to_one_and_no_ended_try_goes_on() {
    let reached = |step: Step| {
        let to = ALL.map(|state| step.from(state).map_or("-", State::word));
        format!("{}: {}", step.event(), to.join(" "))
    };
    let steps = [Step::Start, Step::Outline, Step::Succeed, Step::Fail, Step::Cancel];

    assert_eq!(
        steps.map(reached),
        [
            "generation.started: running - - - -",
            "generation.outlined: - running - - -",
            "generation.succeeded: - succeeded - - -",
            "generation.failed: failed failed - - -",
            "generation.cancelled: cancelled cancelled - - -",
        ]
    );
}

#[test]
fn only_a_failed_or_cancelled_try_at_the_same_piece_is_gone_on_with() {
    for state in ALL {
        let (tried, elsewhere) = (generation(state), ContentPieceId::fresh());
        let (piece, outline) = (tried.content_piece_id, tried.outline.clone().unwrap());
        let may = matches!(state, State::Failed | State::Cancelled);

        assert_eq!(tried.clone().resumed(piece).ok(), may.then_some(outline));
        let refused = tried.resumed(elsewhere);
        assert!(matches!(refused, Err(Error::InvalidState { cause: "not_resumable", .. })));
    }
}

#[test]
fn what_its_questions_cost_is_added_up_in_one_currency() {
    let usage = |tokens: i64, cost_micros: i64, currency: &str| AiUsage {
        input_tokens: tokens,
        output_tokens: 1,
        cache_read_tokens: 10,
        cache_write_tokens: 100,
        cost_micros,
        currency_code: currency.into(),
        model: format!("model-{tokens}"),
        ..AiUsage::default()
    };

    let cost = |usages: &[AiUsage]| {
        let spent = generation(State::Running).having_cost(usages);
        (spent.tokens, spent.cost_micros, spent.currency_code, spent.model)
    };

    assert_eq!(cost(&[]), (0, 0, String::new(), String::new()));
    let both = cost(&[usage(5, 7, "USD"), usage(6, 8, "USD")]);
    assert_eq!(both, (233, 15, "USD".into(), "model-6".into()));
    let mixed = cost(&[usage(5, 7, "USD"), usage(6, 8, "EUR")]);
    assert_eq!((mixed.1, mixed.2.as_str()), (7, "USD"));
    let absurd = cost(&[usage(i64::MAX, i64::MAX, "USD"), usage(-5, -1, "USD")]);
    assert_eq!((absurd.0, absurd.1), (i64::MAX, i64::MAX));
}

#[test]
fn an_ending_says_why_and_only_hanging_up_is_no_failure() {
    let failed = Ending::failed(&malformed(&"x".repeat(9_000)));

    assert_eq!((failed.step, failed.failure.as_str()), (Step::Fail, "answer_malformed"));
    assert_eq!(failed.message.chars().count(), LONGEST_MESSAGE);
    assert_eq!(failed.outcome(), Outcome::Failed);
    assert_eq!(Ending::failed(&Error::Overloaded).failure, "overloaded");
    assert_eq!(Ending::cancelled().outcome(), Outcome::Cancelled);
    assert_eq!(Ending::cancelled().failure, "");
}
