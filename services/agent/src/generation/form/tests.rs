//! What becomes of answers that models give.

use devsphere_proto::{
    agent::v1::SiteProfile,
    r#type::v1::{Brief, Source},
};
use serde_json::json;

use super::*;

fn task() -> DraftTask {
    let source = Source {
        url: "https://law.example/act".into(),
        title: "The act".into(),
        excerpt: "From 28 June 2025.".into(),
        retrieve_time: None,
    };
    let page = Link { anchor: "Prices".into(), url: "https://north.example/prices".into() };
    DraftTask {
        brief: Some(Brief { sources: vec![source], ..Brief::default() }),
        site: Some(SiteProfile {
            base_url: "https://north.example".into(),
            pages: vec![page],
            ..SiteProfile::default()
        }),
        ..DraftTask::default()
    }
}

#[test]
fn a_good_answer_becomes_a_text_that_keeps_the_contract() {
    let answer = json!({
        "title": " What it\ncosts ",
        "slug": "What It Costs!",
        "meta_description": "About prices.",
        "body": "# What it costs\n\nSee [prices](/prices).",
        "outline": [{"level": 2, "text": "Prices"}, {"level": 9, "text": "More"}, {"text": ""}],
        "faq": [{"question": "How much?", "answer": "A lot."}, {"question": "", "answer": "x"}],
        "json_ld": "{\"@context\":\"https://schema.org\",\"@type\":\"Article\"}",
        "internal_links": [
            {"anchor": "our prices", "url": "https://north.example/prices"},
            {"anchor": "elsewhere", "url": "https://north.example/unknown"},
        ],
        "images": [{"subject": "A desk", "alt": "A desk of oak"}, {"subject": "No alt"}],
        "sources": ["https://law.example/act", "https://invented.example"],
        "for_the_editor": ["Check the price. https://evil.example", "", 7],
    });

    let (content, findings) = content(&answer, &task(), &[]).unwrap();

    assert_eq!(content.title, "What it costs");
    assert_eq!(content.slug, "what-it-costs");
    assert_eq!(content.body, "See [prices](/prices).");
    let outline: Vec<_> = content.outline.iter().map(|one| (one.level, &*one.text)).collect();
    assert_eq!(outline, [(2, "Prices"), (4, "More")]);
    assert_eq!((content.faq.len(), content.images.len()), (1, 1));
    assert_eq!(content.internal_links.len(), 1);
    assert_eq!(content.sources, task().brief.unwrap().sources);
    let notes: Vec<_> = findings.iter().map(|one| (&*one.rule, &*one.message)).collect();
    assert_eq!(notes, [("writers_note", "Check the price.")]);
    assert_eq!(check(&content), Ok(()));
}

#[test]
fn whatever_is_too_long_is_cut_to_the_contract() {
    let long = "wörter ".repeat(50_000);
    let many = |one: Value| vec![one; 200];
    let answer = json!({
        "title": long, "slug": long, "meta_description": long, "body": long,
        "outline": many(json!({"level": 2, "text": long})),
        "faq": many(json!({"question": long, "answer": long})),
        "json_ld": json!({"@context": "https://schema.org", "@type": "Article", "name": long}).to_string(),
        "internal_links": many(json!({"anchor": long, "url": "https://north.example/prices"})),
        "images": many(json!({"subject": long, "alt": long})),
        "sources": many(json!("https://law.example/act")),
    });

    let (content, _) = content(&answer, &task(), &[]).unwrap();

    assert_eq!(check(&content), Ok(()));
    assert_eq!((content.outline.len(), content.faq.len()), (HEADINGS, QUESTIONS));
    assert!(content.body.len() > BODY_BYTES - 10);
}

#[test]
fn an_answer_of_other_shapes_is_told_what_it_lacks_and_breaks_nothing() {
    for odd in
        [json!({}), json!([]), json!({"title": 7, "body": {}}), json!({"title": "a", "body": " "})]
    {
        assert!(content(&odd, &task(), &[]).is_err(), "{odd}");
    }
    let odd = json!({"title": "a", "body": "b", "faq": {}, "outline": "x", "sources": [7], "images": [[]]});
    let (content, _) =
        content(&odd, &task(), &[Heading { level: 2, text: "Kept".into() }]).unwrap();
    assert_eq!(content.outline[0].text, "Kept");
    assert_eq!(check(&content), Ok(()));
}

#[test]
fn what_is_taken_out_is_told() {
    let answer = json!({
        "title": "See https://evil.example/t",
        "meta_description": "www.evil.example",
        "body": "![x](https://evil.example/?canary)<script>x</script>",
        "faq": [{"question": "q", "answer": "[a](https://evil.example)"}],
        "json_ld": "{\"@context\":\"https://schema.org\",\"@type\":\"A\",\"image\":\"https://evil.example\"}",
    });

    let (content, findings) = content(&answer, &task(), &[]).unwrap();

    assert!(!format!("{content:?}").contains("evil.example"), "{content:?}");
    let rules: Vec<_> = findings.iter().map(|one| &*one.rule).collect();
    assert_eq!(rules[0], "json_ld_removed");
    assert_eq!(rules.iter().filter(|rule| **rule == "link_removed").count(), 6);
}
