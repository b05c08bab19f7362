//! How hard a text is to read.

use unicode_segmentation::UnicodeSegmentation as _;

use super::Findings;
use crate::content_piece::text::Text;

/// Longer sentences are read twice.
const LONG_SENTENCE: usize = 35;

/// Below this Flesch calls a text difficult.
const DIFFICULT: f64 = 30.0;

/// Fewer words say nothing of a style.
const FEW_WORDS: usize = 50;

/// Flesch's reading ease (R. Flesch, 1948), which is made for English; none for other languages.
pub(super) fn check(text: &Text, language: &str, found: &mut Findings) -> Option<f64> {
    for sentence in text.sentences() {
        let words = sentence.unicode_words().count();
        if words > LONG_SENTENCE {
            let message = format!("a sentence of {words} words");
            found.note("long_sentence", message, sentence);
        }
    }
    let is_english = language.split('-').next().is_some_and(|code| code.eq_ignore_ascii_case("en"));
    let ease = is_english.then(|| ease(text)).flatten()?;
    if ease < DIFFICULT && text.words().count() >= FEW_WORDS {
        found.warning(
            "hard_to_read",
            format!("the reading ease is {ease:.0}; 30 and more is better"),
            "",
        );
    }
    Some(ease)
}

#[expect(clippy::cast_precision_loss, reason = "counts of words")]
fn ease(text: &Text) -> Option<f64> {
    let words = text.words().count();
    let sentences = text.sentences().count();
    if words == 0 || sentences == 0 {
        return None;
    }
    let syllables: usize = text.words().map(syllables).sum();
    let (words, sentences, syllables) = (words as f64, sentences as f64, syllables as f64);
    let ease =
        84.6_f64.mul_add(-(syllables / words), 1.015_f64.mul_add(-(words / sentences), 206.835));
    Some((ease * 10.0).round() / 10.0)
}

/// Groups of vowels, a silent e at the end left out: right for most English words.
fn syllables(word: &str) -> usize {
    let word = word.to_lowercase();
    let is_vowel = |letter: char| "aeiouy".contains(letter);
    let (mut groups, mut before) = (0, false);
    for letter in word.chars() {
        let vowel = is_vowel(letter);
        groups += usize::from(vowel && !before);
        before = vowel;
    }
    let is_silent = word.ends_with('e') && !word.ends_with("le") && groups > 1;
    (groups - usize::from(is_silent)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(markdown: &str, language: &str) -> (Option<f64>, Vec<String>) {
        let mut found = Findings::default();
        let ease = check(&Text::of(markdown), language, &mut found);
        (ease, found.0.into_iter().map(|found| found.rule).collect())
    }

    #[test]
    fn syllables_are_counted_as_they_are_spoken() {
        let counted = ["cat", "design", "make", "table", "accessible", "the", "5"].map(syllables);
        assert_eq!(counted, [1, 2, 1, 2, 4, 1, 1]);
    }

    #[test]
    fn short_words_in_short_sentences_are_easy_and_long_ones_are_not() {
        let (easy, none) = of(&"The cat sat on the mat. ".repeat(10), "en-GB");
        let hard = "Organisational accessibility considerations necessitate interdisciplinary collaboration. ";
        let (difficult, found) = of(&hard.repeat(10), "en");

        assert!(easy > Some(100.0) && none.is_empty());
        assert!(difficult < Some(0.0));
        assert_eq!(found, ["hard_to_read"]);
    }

    #[test]
    fn other_languages_have_no_reading_ease_but_long_sentences_all_the_same() {
        let (ease, found) = of(&"ord ".repeat(36), "sv");

        assert_eq!(ease, None);
        assert_eq!(found, ["long_sentence"]);
        assert_eq!(of("", "en").0, None);
    }
}
