//! What a text says that nothing stands behind, that its site never says, and where it points to.

use devsphere_proto::r#type::v1::{Content, Source};
use unicode_segmentation::UnicodeSegmentation as _;

use super::{Findings, Measure, keywords::occurrences};
use crate::content_piece::text::Text;

pub(super) fn check(content: &Content, text: &Text, measure: &Measure, found: &mut Findings) {
    forbidden(content, text, measure, found);
    links(content, text, measure, found);
    numbers(content, text, measure, found);
}

fn forbidden(content: &Content, text: &Text, measure: &Measure, found: &mut Findings) {
    let answers = content.faq.iter().flat_map(|one| [&one.question, &one.answer]);
    let said: Vec<_> = [&text.plain, &content.title, &content.meta_description]
        .into_iter()
        .chain(answers)
        .map(|words| words.to_lowercase())
        .collect();
    for claim in &measure.forbidden_claims {
        if said.iter().any(|words| occurrences(words, &claim.to_lowercase()) > 0) {
            found.error("forbidden_claim", "the site never says this", claim);
        }
    }
}

/// A link leads to the site or to a source; whatever else a text points to, somebody has to look at.
fn links(content: &Content, text: &Text, measure: &Measure, found: &mut Findings) {
    let sources = || content.sources.iter().chain(&measure.sources);
    for link in &content.internal_links {
        if !is_below(&link.url, &measure.base_url) {
            found.error("foreign_internal_link", "an internal link leads elsewhere", &link.url);
        }
    }
    let places = text.links.iter().chain(&text.images).map(|(_, url)| url);
    for url in places {
        let is_relative = url.starts_with('/') && !url.starts_with("//") || url.starts_with('#');
        let is_known = is_relative
            || is_below(url, &measure.base_url)
            || sources().any(|source| source.url == *url);
        if !is_known {
            let message = "it leads neither to the site nor to one of the sources";
            found.warning("foreign_link", message, url);
        }
    }
}

/// Whether an address is the site's, and not only begins with the same letters.
pub(super) fn is_below(url: &str, base_url: &str) -> bool {
    let rest = url.strip_prefix(base_url);
    !base_url.is_empty()
        && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?', '#']))
}

/// Numbers that no source has: prices, shares, dates.
fn numbers(content: &Content, text: &Text, measure: &Measure, found: &mut Findings) {
    let sources: Vec<&Source> = content.sources.iter().chain(&measure.sources).collect();
    let known: Vec<_> = sources.iter().flat_map(|source| digits(&source.excerpt)).collect();
    for sentence in text.sentences() {
        let missing = digits(sentence).find(|number| !known.contains(number));
        if let Some(number) = missing {
            let message = format!("no source says {number}");
            found.warning("unsupported_number", message, sentence);
        }
    }
}

/// The numbers of two digits and more; those below ten are mostly counts of what stands beside them.
fn digits(text: &str) -> impl Iterator<Item = String> {
    let plain = |word: &str| word.chars().filter(char::is_ascii_digit).collect::<String>();
    text.unicode_words().map(plain).filter(|number| number.len() > 1)
}

#[cfg(test)]
mod tests {
    use devsphere_proto::r#type::v1::{Link, Question};

    use super::super::tests::{broken, content, measure};
    use super::*;

    fn saying(words: &str) -> Content {
        Content { body: content().body + " " + words, ..content() }
    }

    #[test]
    fn what_a_site_never_says_is_found_wherever_it_stands() {
        let measure =
            Measure { forbidden_claims: vec!["Guaranteed first place".into()], ..measure() };
        let answer =
            Question { question: "Is it?".into(), answer: "guaranteed first place".into() };
        let asked = Content { faq: vec![answer], ..content() };

        assert_eq!(broken(&saying("A guaranteed FIRST place."), &measure), ["forbidden_claim"]);
        assert_eq!(broken(&asked, &measure), ["forbidden_claim"]);
        assert!(broken(&saying("No guaranteed first places."), &measure).is_empty());
    }

    #[test]
    fn links_lead_to_the_site_or_to_a_source() {
        let known = Source { url: "https://law.example/act".into(), ..Source::default() };
        let measure = Measure { sources: vec![known], ..measure() };
        let found = |markdown: &str| broken(&saying(markdown), &measure);

        for fine in ["/prices", "#top", "https://north.example/a", "https://law.example/act"] {
            assert!(found(&format!("[x]({fine})")).is_empty(), "{fine}");
        }
        for foreign in [
            "https://evil.example/",
            "//evil.example",
            "https://north.example.evil/",
            "javascript:a",
        ] {
            assert_eq!(found(&format!("[x]({foreign})")), ["foreign_link"], "{foreign}");
            assert_eq!(found(&format!("![x]({foreign})")), ["foreign_link"], "{foreign}");
        }
        let link = Link { anchor: "x".into(), url: "https://north.example.evil/".into() };
        let internal = Content { internal_links: vec![link], ..content() };
        assert_eq!(broken(&internal, &measure), ["foreign_internal_link"]);
    }

    #[test]
    fn a_number_needs_a_source_that_has_it() {
        let claim = "It costs 12,500 kronor.";
        let excerpt = "Prices begin at 12,500.".into();
        let known = Source { excerpt, ..Source::default() };
        let sourced = Content { sources: vec![known], ..saying(claim) };

        assert_eq!(broken(&saying(claim), &measure()), ["unsupported_number"]);
        assert!(broken(&sourced, &measure()).is_empty());
        assert!(broken(&saying("It has 3 parts."), &measure()).is_empty());
    }
}
