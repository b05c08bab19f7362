//! Markdown without HTML, and with links and images to allowed places only.

use std::ops::Range;

use pulldown_cmark::{Event, Parser, Tag, TagEnd};

use super::{Allowed, Removed};

/// What is taken out may leave something that only then is a link; so often it is looked at again.
const ROUNDS: usize = 8;

/// A part of a text, and what stands there instead.
type Edit = (Range<usize>, String);

pub(super) fn without_ways_out(text: &str, allowed: &Allowed<'_>, removed: &mut Removed) -> String {
    let mut text = text.to_owned();
    for _ in 0..ROUNDS {
        let edits = edits(&text, allowed, removed);
        if edits.is_empty() {
            return text;
        }
        text = edited(&text, edits);
    }
    // Whoever nests so deep has no honest reason to: words are left, and nothing that makes a link.
    text.replace(['[', ']', '<', '!'], "")
}

fn edits(text: &str, allowed: &Allowed<'_>, removed: &mut Removed) -> Vec<Edit> {
    let mut edits: Vec<Edit> = Vec::new();
    let parser = Parser::new(text);
    for (_, definition) in parser.reference_definitions().iter() {
        if !allowed.has(&definition.dest) {
            edits.push((definition.span.clone(), String::new()));
        }
    }
    // The foreign link or image that is open, and the words in it.
    let mut open: Option<(Range<usize>, String, usize)> = None;
    for (event, range) in parser.into_offset_iter() {
        match event {
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                if let Some((_, _, depth)) = &mut open {
                    *depth += 1;
                } else if !allowed.has(&dest_url) {
                    removed.push(dest_url.into_string());
                    open = Some((range, String::new(), 0));
                }
            }
            Event::End(TagEnd::Link | TagEnd::Image) => match open.take() {
                Some((whole, words, 0)) => edits.push((whole, escaped(&words))),
                Some((whole, words, depth)) => open = Some((whole, words, depth - 1)),
                None => {}
            },
            Event::Text(words) | Event::Code(words) => {
                if let Some((_, inner, _)) = &mut open {
                    inner.push_str(&words);
                }
            }
            Event::Html(html) | Event::InlineHtml(html) if open.is_none() => {
                removed.push(html.trim().to_owned());
                edits.push((range, String::new()));
            }
            _ => {}
        }
    }
    edits.sort_by_key(|(range, _)| range.start);
    edits
}

/// Words that mean nothing to Markdown.
fn escaped(words: &str) -> String {
    let mut escaped = String::with_capacity(words.len());
    for character in words.chars() {
        if "\\`*_[]<>!#|~".contains(character) {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

fn edited(text: &str, edits: Vec<Edit>) -> String {
    let mut edited = String::with_capacity(text.len());
    let mut done = 0;
    for (range, instead) in edits {
        // One that lies in another is gone with it.
        if range.start < done {
            continue;
        }
        edited.push_str(&text[done..range.start]);
        edited.push_str(&instead);
        done = range.end;
    }
    edited.push_str(&text[done..]);
    edited
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cleaned(text: &str) -> String {
        let allowed = Allowed::new("https://north.example", Vec::new());
        without_ways_out(text, &allowed, &mut Vec::new())
    }

    /// Where a text leads to after all.
    fn ways_out(text: &str) -> Vec<String> {
        let ways = Parser::new(text).filter_map(|event| match event {
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                Some(dest_url.into_string())
            }
            Event::Html(html) | Event::InlineHtml(html) => Some(html.into_string()),
            _ => None,
        });
        ways.filter(|way| !way.starts_with("https://north.example")).collect()
    }

    #[test]
    fn links_become_their_words_and_html_goes() {
        assert_eq!(cleaned("a [b *c*](//e.example) d"), "a b c d");
        assert_eq!(cleaned("![alt](https://e.example/a.png \"t\")"), "alt");
        assert_eq!(cleaned("a <b onclick=x>c</b>"), "a c");
        assert_eq!(cleaned("[a](https://north.example/b)"), "[a](https://north.example/b)");
        assert_eq!(cleaned("# Head\n\n- one\n- **two**\n"), "# Head\n\n- one\n- **two**\n");
    }

    #[test]
    fn every_spelling_of_a_way_out_is_closed() {
        for spelled in [
            "[a](https://e.example)",
            "[a](<https://e.example/ b>)",
            "[a][b]\n\n[b]: https://e.example",
            "[b]\n\n[b]: <https://e.example> 'x'",
            "![a][b]\n\n[b]: //e.example",
            "<https://e.example>",
            "<a@e.example>",
            "[![a](https://e.example/1)](https://e.example/2)",
            "[![a](https://e.example/1)](https://north.example/2)",
            "[\\[x\\](https://e.example)](https://e.example)",
            "[`[x](https://e.example)`](https://e.example)",
            "<script>fetch('https://e.example')</script>",
            "<img src=x onerror=y>",
            "a <!-- [b](https://e.example) --> c",
            "<div>\n\n[a](https://e.example)\n\n</div>",
            "> - [a](javascript:x)",
            "[a](/\\e.example)",
            "| [a](https://e.example) |",
            "<scr<b>ipt>",
            "[a]<b>(https://e.example)",
            "[a]<!-- -->(https://e.example)",
            "[[a](https://e.example)](https://e.example)",
        ] {
            let left = cleaned(spelled);
            assert_eq!(ways_out(&left), [""; 0], "{spelled} became {left}");
        }
    }

    #[test]
    fn no_nesting_is_too_deep() {
        let deep = "[".repeat(2000) + "a" + &"](https://e.example)".repeat(2000);
        let tags = "<b>[a](//e)".repeat(500) + &"<".repeat(500);

        for text in [deep, tags] {
            assert_eq!(ways_out(&cleaned(&text)), [""; 0]);
        }
    }
}
