//! A text from a brief: what is asked of a model, step by step, and what its answers come to.

mod clean;
mod form;
mod prompt;
mod rpc;
mod schema;
mod write;

use devsphere_proto::{
    agent::v1::{Draft, DraftTask},
    r#type::v1::{Finding, GenerationProgress, GenerationStep, Severity},
};

pub(crate) use rpc::Generations;
pub(crate) use write::Writer;

/// Of the whole, in percent, when a step begins.
const OUTLINE_AT: i32 = 2;
const DRAFT_AT: i32 = 15;
const CHECK_AT: i32 = 80;

/// Characters of a word with the space after it, in most languages.
const CHARACTERS_PER_WORD: i32 = 7;

/// What a brief without a length is taken for.
const USUAL_WORDS: i32 = 1000;

/// What is told on the way.
enum Event {
    /// Left out where somebody reads slowly.
    Progress(GenerationProgress),
    /// Never left out: an outline that is there, or the draft.
    Outline(GenerationProgress),
    Draft(Box<Draft>),
}

fn progress(step: GenerationStep, percent: i32) -> GenerationProgress {
    GenerationProgress { step: step.into(), percent, ..GenerationProgress::default() }
}

/// How far a draft is that has so many characters.
fn drafted(task: &DraftTask, characters: usize) -> GenerationProgress {
    let characters = i32::try_from(characters).unwrap_or(i32::MAX);
    let whole = words(task).saturating_mul(CHARACTERS_PER_WORD);
    let share = i64::from(CHECK_AT - DRAFT_AT) * i64::from(characters) / i64::from(whole.max(1));
    let percent = DRAFT_AT + i32::try_from(share).unwrap_or(i32::MAX).min(CHECK_AT - DRAFT_AT);
    GenerationProgress { characters, ..progress(GenerationStep::Draft, percent) }
}

fn words(task: &DraftTask) -> i32 {
    let asked = task.brief.as_ref().map_or(0, |brief| brief.target_words);
    if asked == 0 { USUAL_WORDS } else { asked }
}

fn finding(rule: &str, severity: Severity, message: impl Into<String>, quote: &str) -> Finding {
    const LONGEST_QUOTE: usize = 200;
    Finding {
        rule: rule.into(),
        severity: severity.into(),
        message: message.into(),
        quote: quote.chars().take(LONGEST_QUOTE).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_grows_towards_the_check_and_never_past_it() {
        let task = DraftTask::default();
        let percent = |characters| drafted(&task, characters).percent;

        assert_eq!(percent(0), DRAFT_AT);
        assert_eq!(percent(3500), (DRAFT_AT + CHECK_AT) / 2);
        assert_eq!(percent(7000), CHECK_AT);
        assert_eq!(percent(usize::MAX), CHECK_AT);
    }
}
