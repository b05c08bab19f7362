//! Title, description, address, headings, length, structured data.

use devsphere_proto::r#type::v1::Content;
use serde_json::Value;

use super::{Findings, Measure};
use crate::content_piece::text::Text;

/// What search engines show of a title and of a description, in characters.
const TITLE: std::ops::RangeInclusive<usize> = 20..=65;
const DESCRIPTION: std::ops::RangeInclusive<usize> = 70..=160;

/// A text without an aim is as long as this.
const USUAL_WORDS: i32 = 1000;

pub(super) fn check(content: &Content, text: &Text, measure: &Measure, found: &mut Findings) {
    title(content, found);
    headings(text, found);
    length(text, measure, found);
    structured_data(&content.json_ld, found);
    if text.has_html {
        found.warning("html", "HTML is not shown; write Markdown", "");
    }
    for (alt, url) in &text.images {
        if alt.trim().is_empty() {
            found.warning("image_without_text", "an image has no text in its place", url);
        }
    }
}

fn title(content: &Content, found: &mut Findings) {
    let long = |text: &str| text.chars().count();
    match long(&content.title) {
        0 => found.error("title_missing", "there is no title", ""),
        many if !TITLE.contains(&many) => {
            let message = format!("the title has {many} characters; 20 to 65 are shown whole");
            found.warning("title_length", message, &content.title);
        }
        _ => {}
    }
    match long(&content.meta_description) {
        0 => found.warning("meta_description_missing", "there is no description", ""),
        many if !DESCRIPTION.contains(&many) => {
            let message = format!("the description has {many} characters; 70 to 160 are best");
            found.warning("meta_description_length", message, &content.meta_description);
        }
        _ => {}
    }
    if content.slug.is_empty() {
        found.warning("slug_missing", "there is no address for the page", "");
    }
}

fn headings(text: &Text, found: &mut Findings) {
    let mut above = 1;
    for (level, words) in &text.headings {
        if *level == 1 {
            found.warning("heading_level", "the title is the only heading of level 1", words);
        } else if *level > above + 1 {
            let message = format!("a heading of level {level} stands below one of level {above}");
            found.note("heading_level", message, words);
        }
        above = *level;
    }
}

fn length(text: &Text, measure: &Measure, found: &mut Findings) {
    let aim = if measure.target_words > 0 { measure.target_words } else { USUAL_WORDS };
    let words = super::count(text.words().count());
    let off = |message: String| ("length", message);
    if words == 0 {
        found.error("body_missing", "there is no text", "");
    } else if words < aim - aim / 4 {
        let (rule, message) = off(format!("{words} words of {aim}"));
        found.warning(rule, message, "");
    } else if words > aim + aim / 4 {
        let (rule, message) = off(format!("{words} words instead of {aim}"));
        found.note(rule, message, "");
    }
}

/// JSON-LD of schema.org: each of its objects says what it is.
fn structured_data(json_ld: &str, found: &mut Findings) {
    if json_ld.is_empty() {
        return;
    }
    let rule = "structured_data";
    let Ok(data) = serde_json::from_str::<Value>(json_ld) else {
        return found.error(rule, "the structured data is no JSON", "");
    };
    let items = data.get("@graph").unwrap_or(&data);
    let items = items.as_array().map_or_else(|| std::slice::from_ref(items), Vec::as_slice);
    let of_schema = |item: &Value| {
        let context = item.get("@context").or_else(|| data.get("@context"));
        context.is_some_and(|context| context.to_string().contains("schema.org"))
    };
    if items.is_empty() || !items.iter().all(of_schema) {
        found.error(rule, "`@context` must be https://schema.org", "");
    }
    if !items.iter().all(|item| item.get("@type").is_some()) {
        found.error(rule, "each item needs its `@type`", "");
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{broken, content, measure};
    use super::*;

    #[test]
    fn titles_and_descriptions_that_are_cut_or_missing_are_found() {
        let bare = Content { body: content().body, ..Content::default() };
        let long =
            Content { title: "x".repeat(66), meta_description: "x".repeat(161), ..content() };

        assert!(broken(&bare, &measure()).starts_with(&["title_missing".into()]));
        for rule in ["meta_description_missing", "slug_missing"] {
            assert!(broken(&bare, &measure()).contains(&rule.into()), "{rule}");
        }
        for rule in ["title_length", "meta_description_length"] {
            assert!(broken(&long, &measure()).contains(&rule.into()), "{rule}");
        }
    }

    #[test]
    fn length_is_held_to_the_brief_within_a_quarter() {
        let told = |target_words| {
            broken(&content(), &Measure { target_words, ..measure() }).contains(&"length".into())
        };

        // It has 21 words.
        assert_eq!([16, 17, 28, 29].map(told), [true, false, false, true]);
        assert!(told(0));
    }

    #[test]
    fn structured_data_is_of_schema_org_or_found_wrong() {
        let wrong = |json_ld: &str| {
            let content = Content { json_ld: json_ld.into(), ..content() };
            broken(&content, &measure())
        };

        let article = r#"{"@context": "https://schema.org", "@type": "Article"}"#;
        let graph = r#"{"@context": "https://schema.org", "@graph": [{"@type": "Article"}]}"#;
        assert!(wrong(article).is_empty() && wrong(graph).is_empty());
        for bad in ["{", "[]", "7", r#"{"@type": "Article"}"#, r#"{"@context": "schema.org"}"#] {
            assert!(wrong(bad).contains(&"structured_data".into()), "{bad}");
        }
    }

    #[test]
    fn headings_go_down_one_by_one_and_images_have_words() {
        let content = Content {
            body: content().body + "\n\n# Loud\n\n#### Deep\n\n![](a.png) <b>x</b>",
            ..content()
        };

        let broken = broken(&content, &measure());
        assert_eq!(broken.iter().filter(|rule| *rule == "heading_level").count(), 2);
        assert!(broken.contains(&"image_without_text".into()) && broken.contains(&"html".into()));
    }
}
