//! What can be counted in a text before it goes out: lengths, structure, keywords, links, claims.
//! Nothing here asks a model, and the same text always gets the same answer.

mod keywords;
mod reading;
mod structure;
mod support;

use devsphere_proto::{
    seo::v1::{ContentChecks, KeywordUse},
    r#type::v1::{Content, Finding, Link, Severity, Source},
};

use super::text::Text;

/// What a text is measured by.
#[derive(Debug, Default)]
pub(super) struct Measure {
    /// BCP 47.
    pub(super) language: String,
    pub(super) base_url: String,
    /// Ids and phrases, the main one first.
    pub(super) keywords: Vec<(String, String)>,
    /// 0 where nobody said.
    pub(super) target_words: i32,
    pub(super) forbidden_claims: Vec<String>,
    /// The brief's, beside the text's own.
    pub(super) sources: Vec<Source>,
    /// Pages of the site that it could link to.
    pub(super) pages: Vec<Link>,
}

/// What was found, by rule.
#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn error(&mut self, rule: &str, message: impl Into<String>, quote: &str) {
        self.push(Severity::Error, rule, message.into(), quote);
    }

    fn warning(&mut self, rule: &str, message: impl Into<String>, quote: &str) {
        self.push(Severity::Warning, rule, message.into(), quote);
    }

    fn note(&mut self, rule: &str, message: impl Into<String>, quote: &str) {
        self.push(Severity::Note, rule, message.into(), quote);
    }

    fn push(&mut self, severity: Severity, rule: &str, message: String, quote: &str) {
        // One rule that is broken in every sentence says no more than one broken often.
        if self.0.iter().filter(|found| found.rule == rule).count() < MOST_OF_A_RULE {
            let quote = quote.chars().take(LONGEST_QUOTE).collect();
            self.0.push(Finding { rule: rule.into(), severity: severity.into(), message, quote });
        }
    }
}

const MOST_OF_A_RULE: usize = 10;
const LONGEST_QUOTE: usize = 200;

/// What a finding takes from the score.
const fn weight(severity: Severity) -> i32 {
    match severity {
        Severity::Error => 15,
        Severity::Warning => 6,
        Severity::Note | Severity::Unspecified => 2,
    }
}

/// Measures a text. `flags` are what a second reader found, and count as well.
pub(super) fn check(content: &Content, measure: &Measure, flags: Vec<Finding>) -> ContentChecks {
    let text = Text::of(&content.body);
    let mut findings = Findings::default();
    structure::check(content, &text, measure, &mut findings);
    let keyword_uses = keywords::check(content, &text, measure, &mut findings);
    let reading_ease = reading::check(&text, &measure.language, &mut findings);
    support::check(content, &text, measure, &mut findings);
    let mut findings = findings.0;
    findings.extend(flags);
    findings.sort_by_key(|found| std::cmp::Reverse(found.severity));
    ContentChecks {
        score: score(&findings),
        word_count: count(text.words().count()),
        reading_ease,
        keyword_uses,
        suggested_links: suggestions(content, &text, measure),
        findings,
    }
}

fn score(findings: &[Finding]) -> i32 {
    let lost: i32 = findings.iter().map(|found| weight(found.severity())).sum();
    (100 - lost).max(0)
}

/// Pages of the site whose title the text speaks of and that it does not link to yet.
fn suggestions(content: &Content, text: &Text, measure: &Measure) -> Vec<Link> {
    let plain = text.plain.to_lowercase();
    let linked = |url: &str| {
        text.links.iter().any(|(_, to)| to == url)
            || content.internal_links.iter().any(|link| link.url == url)
    };
    let fits = |page: &&Link| {
        !linked(&page.url) && keywords::occurrences(&plain, &page.anchor.to_lowercase()) > 0
    };
    measure.pages.iter().filter(fits).take(10).cloned().collect()
}

fn count(many: usize) -> i32 {
    i32::try_from(many).unwrap_or(i32::MAX)
}

/// How often a keyword stands where.
fn keyword_use(id: &str, phrase: &str) -> KeywordUse {
    KeywordUse { keyword_id: id.into(), phrase: phrase.into(), ..KeywordUse::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn content() -> Content {
        Content {
            title: "Accessible web design in Stockholm: what it costs".into(),
            slug: "accessible-web-design-stockholm".into(),
            meta_description: "What accessible web design costs in Stockholm, what the law asks \
                               for, and where a small shop should begin."
                .into(),
            body: "Accessible web design is the law for shops now.\n\n## Where to begin\n\n\
                   Look at your accessible web design with a keyboard."
                .into(),
            ..Content::default()
        }
    }

    pub(super) fn measure() -> Measure {
        Measure {
            language: "en".into(),
            base_url: "https://north.example".into(),
            keywords: vec![("k".into(), "accessible web design".into())],
            target_words: 21,
            ..Measure::default()
        }
    }

    /// The rules that a text breaks.
    pub(super) fn broken(content: &Content, measure: &Measure) -> Vec<String> {
        let found = check(content, measure, Vec::new()).findings;
        found.into_iter().map(|found| found.rule).collect()
    }

    #[test]
    fn a_good_text_has_nothing_to_mend() {
        let checks = check(&content(), &measure(), Vec::new());

        assert_eq!(checks.findings, []);
        assert_eq!((checks.score, checks.word_count), (100, 21));
        assert!(checks.reading_ease.is_some());
    }

    #[test]
    fn each_finding_costs_by_its_weight_and_the_worst_come_first() {
        let flag = |severity: Severity| Finding {
            rule: "a".into(),
            severity: severity.into(),
            ..Finding::default()
        };
        let flags = [Severity::Note, Severity::Error, Severity::Warning].map(flag);

        let checks = check(&content(), &measure(), flags.to_vec());
        let worst = check(&Content::default(), &measure(), vec![flags[1].clone(); 9]);

        let order: Vec<_> = checks.findings.iter().map(Finding::severity).collect();
        assert_eq!(order, [Severity::Error, Severity::Warning, Severity::Note]);
        assert_eq!(checks.score, 100 - 15 - 6 - 2);
        assert_eq!(worst.score, 0);
    }

    #[test]
    fn pages_that_it_speaks_of_are_suggested_until_it_links_to_them() {
        let page = |anchor: &str, url: &str| Link { anchor: anchor.into(), url: url.into() };
        let prices = page("Keyboard", "https://north.example/keyboard");
        let pages = vec![prices.clone(), page("Invoices", "https://north.example/invoices")];
        let measure = Measure { pages, ..measure() };
        let linked = Content { internal_links: vec![prices.clone()], ..content() };

        assert_eq!(check(&content(), &measure, Vec::new()).suggested_links, [prices]);
        assert_eq!(check(&linked, &measure, Vec::new()).suggested_links, []);
    }
}
