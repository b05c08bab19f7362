//! Where a text uses the phrases that it wants to be found with, and whether it overdoes it.

use devsphere_proto::{seo::v1::KeywordUse, r#type::v1::Content};

use super::{Findings, Measure, count, keyword_use};
use crate::content_piece::text::Text;

/// In a hundred words the main phrase stands at most so often.
const MOST_IN_A_HUNDRED: usize = 4;

/// Below so many words a share says nothing.
const FEW_WORDS: usize = 100;

pub(super) fn check(
    content: &Content,
    text: &Text,
    measure: &Measure,
    found: &mut Findings,
) -> Vec<KeywordUse> {
    let uses: Vec<_> =
        measure.keywords.iter().map(|(id, phrase)| find(id, phrase, content, text)).collect();
    for (place, one) in uses.iter().enumerate() {
        judge(one, place == 0, text.words().count(), found);
    }
    uses
}

fn find(id: &str, phrase: &str, content: &Content, text: &Text) -> KeywordUse {
    let wanted = phrase.to_lowercase();
    let has = |words: &str| occurrences(&words.to_lowercase(), &wanted) > 0;
    KeywordUse {
        count: count(occurrences(&text.plain.to_lowercase(), &wanted)),
        in_title: has(&content.title),
        in_meta_description: has(&content.meta_description),
        in_heading: text.headings.iter().any(|(_, words)| has(words)),
        in_first_paragraph: has(&text.first_paragraph),
        ..keyword_use(id, phrase)
    }
}

fn judge(one: &KeywordUse, is_main: bool, words: usize, found: &mut Findings) {
    let phrase = &one.phrase;
    if one.count == 0 {
        let message = format!("{phrase:?} does not occur in the text");
        if is_main {
            found.error("keyword_missing", message, "");
        } else {
            found.warning("keyword_missing", message, "");
        }
        return;
    }
    if is_main && !one.in_title {
        found.warning("keyword_not_in_title", format!("{phrase:?} is not in the title"), "");
    }
    if is_main && !one.in_first_paragraph {
        let message = format!("{phrase:?} is not in the first paragraph");
        found.note("keyword_not_in_first_paragraph", message, "");
    }
    let times = usize::try_from(one.count).unwrap_or_default();
    if words >= FEW_WORDS && times * 100 > MOST_IN_A_HUNDRED * words {
        let message = format!("{phrase:?} stands {times} times in {words} words");
        found.warning("keyword_stuffing", message, "");
    }
}

/// How often the words stand in a text, as whole words; both in lower case.
pub(super) fn occurrences(text: &str, words: &str) -> usize {
    if words.is_empty() {
        return 0;
    }
    let is_part = |letter: Option<char>| letter.is_some_and(char::is_alphanumeric);
    let whole = |(at, hit): &(usize, &str)| {
        !is_part(text[..*at].chars().next_back()) && !is_part(text[at + hit.len()..].chars().next())
    };
    text.match_indices(words).filter(whole).count()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{broken, content, measure};
    use super::*;

    #[test]
    fn phrases_are_found_as_whole_words_in_any_case() {
        assert_eq!(
            occurrences("web design, webdesign, web designs; (web design)", "web design"),
            2
        );
        assert_eq!(occurrences("åre, i åre.", "åre"), 2);
        assert_eq!(occurrences("anything", ""), 0);

        let uses = super::super::check(&content(), &measure(), Vec::new()).keyword_uses;
        let one = &uses[0];
        assert_eq!(
            (one.count, one.in_title, one.in_first_paragraph, one.in_heading),
            (2, true, true, false)
        );
    }

    #[test]
    fn a_main_phrase_that_is_missing_is_an_error_and_another_a_warning() {
        let keywords =
            [("a", "rowing boats"), ("b", "sailing")].map(|(id, text)| (id.into(), text.into()));
        let measure = Measure { keywords: keywords.to_vec(), ..measure() };
        let checks = super::super::check(&content(), &measure, Vec::new());

        assert_eq!(checks.findings.len(), 2);
        assert_eq!(checks.score, 100 - 15 - 6);
    }

    #[test]
    fn a_phrase_in_every_sentence_is_too_much() {
        let sentence = "Accessible web design is good and right. ";
        let stuffed = Content { body: sentence.repeat(20), ..content() };

        let measure = Measure { target_words: 140, ..measure() };
        assert_eq!(broken(&stuffed, &measure), ["keyword_stuffing"]);
    }
}
