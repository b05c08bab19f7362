//! A model's answer, made a text that keeps the rules of the contract: what breaks one is cut or left out.

use devsphere_error::{Error, Result};
use devsphere_proto::{
    agent::v1::DraftTask,
    r#type::v1::{Content, Finding, Heading, ImageText, Link, Question, Severity, Source},
};
use serde_json::Value;

use super::{
    clean::{self, Allowed, Removed},
    finding,
};

/// As the contract has them; a test compares what comes out with the contract itself.
const TITLE: usize = 200;
const META_DESCRIPTION: usize = 500;
const BODY_BYTES: usize = 200_000;
const SLUG: usize = 100;
const HEADINGS: usize = 60;
const QUESTIONS: usize = 20;
const LINKS: usize = 50;
const IMAGES: usize = 30;
const SOURCES: usize = 30;
const LONG: usize = 2000;
const SHORT: usize = 300;
const LINE: usize = 200;
const JSON_LD_BYTES: usize = 20_000;

/// So many removed places are named; the rest says no more.
const MOST_NAMED: usize = 20;

/// The headings of an answer.
pub(super) fn outline(answer: &Value) -> Vec<Heading> {
    let headings = items(answer, "outline").filter_map(|item| {
        let text = line(item["text"].as_str().unwrap_or_default(), LINE);
        let level = item["level"].as_i64().and_then(|level| i32::try_from(level).ok());
        let level = level.unwrap_or(2).clamp(2, 4);
        (!text.is_empty()).then_some(Heading { level, text })
    });
    headings.take(HEADINGS).collect()
}

/// The text of an answer, and what was taken out of it; or what it lacks.
pub(super) fn content(
    answer: &Value,
    task: &DraftTask,
    outline: &[Heading],
) -> Result<(Content, Vec<Finding>), String> {
    let allowed = allowed(task);
    let (mut removed, mut findings) = (Removed::new(), Vec::new());
    let said = |name: &str| answer[name].as_str().unwrap_or_default().trim();
    let mut plain = |text: &str, most| line(&clean::plain(text, &allowed, &mut removed), most);

    let title = plain(said("title"), TITLE);
    let meta_description = plain(said("meta_description"), META_DESCRIPTION);
    let headings: Vec<_> = self::outline(answer)
        .into_iter()
        .map(|heading| Heading { text: plain(&heading.text, LINE), ..heading })
        .filter(|heading| !heading.text.is_empty())
        .collect();
    let images = images(answer, &mut plain);
    let body = clean::markdown(said("body"), &allowed, &mut removed);
    let body = cut(without_title(&body), BODY_BYTES).to_owned();
    let faq = faq(answer, &allowed, &mut removed);
    let json_ld = match clean::json_ld(said("json_ld"), &allowed) {
        Ok(data) if data.len() <= JSON_LD_BYTES => data,
        Ok(_) => String::new(),
        Err(why) => {
            findings.push(finding("json_ld_removed", Severity::Note, why, ""));
            String::new()
        }
    };
    let named = removed.iter().filter(|place| !place.is_empty()).take(MOST_NAMED);
    findings.extend(named.map(|place| {
        let message =
            "the agent wrote a way out of the page, which is neither the site's nor a source's";
        finding("link_removed", Severity::Warning, message, &clean::named(place))
    }));
    findings.extend(said_to_the_editor(answer));
    if title.is_empty() {
        return Err("`title` is empty".into());
    }
    if body.trim().is_empty() {
        return Err("`body` is empty".into());
    }
    let content = Content {
        slug: slug(said("slug"), &title),
        title,
        meta_description,
        body,
        outline: if headings.is_empty() { outline.to_vec() } else { headings },
        faq,
        json_ld,
        internal_links: links(answer, task),
        images,
        sources: sources(answer, task),
    };
    Ok((content, findings))
}

/// Places that the task itself names.
fn allowed(task: &DraftTask) -> Allowed<'_> {
    let pages = task.site.iter().flat_map(|site| &site.pages).map(|page| page.url.as_str());
    let sources = task.brief.iter().flat_map(|brief| &brief.sources);
    let exact = pages.chain(sources.map(|source| source.url.as_str())).collect();
    Allowed::new(task.site.as_ref().map_or("", |site| site.base_url.as_str()), exact)
}

fn items<'a>(answer: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    answer[name].as_array().into_iter().flatten()
}

fn faq(answer: &Value, allowed: &Allowed<'_>, removed: &mut Removed) -> Vec<Question> {
    let mut faq = Vec::new();
    for item in items(answer, "faq").take(QUESTIONS) {
        let said = |name: &str| item[name].as_str().unwrap_or_default();
        let question = line(&clean::plain(said("question"), allowed, removed), SHORT);
        let reply = clean::markdown(said("answer").trim(), allowed, removed);
        let reply = shortened(reply.trim(), LONG);
        if !question.is_empty() && !reply.is_empty() {
            faq.push(Question { question, answer: reply });
        }
    }
    faq
}

fn images(answer: &Value, plain: &mut impl FnMut(&str, usize) -> String) -> Vec<ImageText> {
    let mut images = Vec::new();
    for item in items(answer, "images").take(IMAGES) {
        let mut said = |name: &str| plain(item[name].as_str().unwrap_or_default(), SHORT);
        let (subject, alt) = (said("subject"), said("alt"));
        if !subject.is_empty() && !alt.is_empty() {
            images.push(ImageText { subject, alt });
        }
    }
    images
}

/// Links to pages that the task lists; their words are the model's.
fn links(answer: &Value, task: &DraftTask) -> Vec<Link> {
    let pages = || task.site.iter().flat_map(|site| &site.pages);
    let links = items(answer, "internal_links").filter_map(|item| {
        let page = pages().find(|page| item["url"].as_str() == Some(&page.url))?;
        let anchor = line(item["anchor"].as_str().unwrap_or_default(), LINE);
        let foreign = clean::plain(&anchor, &allowed(task), &mut Removed::new()) != anchor;
        let anchor = if anchor.is_empty() || foreign { page.anchor.clone() } else { anchor };
        Some(Link { anchor, url: page.url.clone() })
    });
    links.take(LINKS).collect()
}

/// What the writer leaves to a person, beside the text.
fn said_to_the_editor(answer: &Value) -> impl Iterator<Item = Finding> {
    let nowhere = Allowed::new("", Vec::new());
    let said = items(answer, "for_the_editor").filter_map(Value::as_str).take(MOST_NAMED);
    said.map(move |said| line(&clean::plain(said, &nowhere, &mut Removed::new()), SHORT))
        .filter(|said| !said.is_empty())
        .map(|said| finding("writers_note", Severity::Note, said, ""))
}

/// The brief's sources that the text says it stands on: a model cannot add one.
fn sources(answer: &Value, task: &DraftTask) -> Vec<Source> {
    let known: Vec<_> = task.brief.iter().flat_map(|brief| &brief.sources).collect();
    let named: Vec<_> = items(answer, "sources").filter_map(Value::as_str).collect();
    let used = known.into_iter().filter(|source| named.contains(&source.url.as_str()));
    used.take(SOURCES).cloned().collect()
}

/// The last part of the address: as it was asked for where it can be one, else made of the title.
fn slug(asked: &str, title: &str) -> String {
    let made = |text: &str| {
        let words = text.to_lowercase();
        let words =
            words.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        let mut slug = String::new();
        for word in words {
            if slug.len() + word.len() + 1 > SLUG {
                break;
            }
            if !slug.is_empty() {
                slug.push('-');
            }
            slug.push_str(word);
        }
        slug
    };
    let slug = made(asked);
    if slug.is_empty() { made(title) } else { slug }
}

/// The title stands above the text already.
fn without_title(body: &str) -> &str {
    let body = body.trim();
    match body.strip_prefix("# ") {
        Some(rest) => rest.split_once('\n').map_or("", |(_, rest)| rest.trim_start()),
        None => body,
    }
}

/// One line of at most so many characters.
fn line(text: &str, most: usize) -> String {
    let words: Vec<_> = text.split_whitespace().collect();
    shortened(&words.join(" "), most)
}

fn shortened(text: &str, most: usize) -> String {
    text.chars().take(most).collect::<String>().trim_end().to_owned()
}

/// At most so many bytes, at the end of a character.
fn cut(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or_default()]
}

/// Refuses a text that breaks a rule of the contract after all, in words for the model.
pub(super) fn check(content: &Content) -> Result<(), String> {
    match devsphere_rpc::validate::checked(content) {
        Err(Error::Invalid(violations)) => {
            let said =
                violations.iter().take(5).map(|one| format!("{} {}", one.field, one.description));
            Err(said.collect::<Vec<_>>().join("; "))
        }
        Err(error) => Err(error.to_string()),
        Ok(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests;
