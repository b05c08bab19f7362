//! What a reader of a Markdown text sees: words, headings, links and images.

use pulldown_cmark::{Event, HeadingLevel, Parser, Tag, TagEnd};
use unicode_segmentation::UnicodeSegmentation as _;

/// A text, taken apart.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Text {
    /// All words in their order, a blank line after each block.
    pub(super) plain: String,
    pub(super) headings: Vec<(u8, String)>,
    pub(super) first_paragraph: String,
    pub(super) links: Vec<(String, String)>,
    /// What stands for an image, and where it lies.
    pub(super) images: Vec<(String, String)>,
    /// Whether it holds HTML, which no page of ours shows.
    pub(super) has_html: bool,
}

impl Text {
    /// Reads `CommonMark`.
    pub(super) fn of(markdown: &str) -> Self {
        let mut text = Self::default();
        let mut open: Vec<Open> = Vec::new();
        for event in Parser::new(markdown) {
            match event {
                Event::Start(tag) => open.extend(Open::of(tag)),
                Event::End(end) => text.close(end, &mut open),
                Event::Text(words) | Event::Code(words) => text.take(&words, &mut open),
                Event::SoftBreak | Event::HardBreak => text.take(" ", &mut open),
                Event::Html(_) | Event::InlineHtml(_) => text.has_html = true,
                _ => {}
            }
        }
        text
    }

    pub(super) fn words(&self) -> impl Iterator<Item = &str> {
        self.plain.unicode_words()
    }

    pub(super) fn sentences(&self) -> impl Iterator<Item = &str> {
        let sentences = self.plain.lines().flat_map(|line| line.unicode_sentences());
        sentences.map(str::trim).filter(|sentence| !sentence.is_empty())
    }

    fn take(&mut self, words: &str, open: &mut [Open]) {
        for part in &mut *open {
            part.words.push_str(words);
        }
        // What an image says in its place is no part of the text.
        if !open.iter().any(|part| matches!(part.kind, Kind::Image(_))) {
            self.plain.push_str(words);
        }
    }

    fn close(&mut self, end: TagEnd, open: &mut Vec<Open>) {
        let is_block = matches!(
            end,
            TagEnd::Paragraph | TagEnd::Heading(_) | TagEnd::Item | TagEnd::CodeBlock
        );
        if is_block {
            self.plain.push_str("\n\n");
        }
        if !Kind::ends(end) {
            return;
        }
        let Some(Open { kind, words }) = open.pop() else { return };
        match kind {
            Kind::Heading(level) => self.headings.push((level, words)),
            Kind::Paragraph if self.first_paragraph.is_empty() => self.first_paragraph = words,
            Kind::Paragraph => {}
            Kind::Link(url) => self.links.push((words, url)),
            Kind::Image(url) => self.images.push((words, url)),
        }
    }
}

/// A part whose words are being read.
struct Open {
    kind: Kind,
    words: String,
}

enum Kind {
    Heading(u8),
    Paragraph,
    Link(String),
    Image(String),
}

impl Open {
    fn of(tag: Tag<'_>) -> Option<Self> {
        let kind = match tag {
            Tag::Heading { level, .. } => Kind::Heading(depth(level)),
            Tag::Paragraph => Kind::Paragraph,
            Tag::Link { dest_url, .. } => Kind::Link(dest_url.into_string()),
            Tag::Image { dest_url, .. } => Kind::Image(dest_url.into_string()),
            _ => return None,
        };
        Some(Self { kind, words: String::new() })
    }
}

impl Kind {
    /// Whether that end is of one of these.
    const fn ends(end: TagEnd) -> bool {
        matches!(end, TagEnd::Heading(_) | TagEnd::Paragraph | TagEnd::Link | TagEnd::Image)
    }
}

const fn depth(level: HeadingLevel) -> u8 {
    match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        HeadingLevel::H4 => 4,
        HeadingLevel::H5 => 5,
        HeadingLevel::H6 => 6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_read_as_its_reader_sees_it() {
        let text = Text::of(
            "## What it *costs*\n\nAbout `5,000` kronor, [as listed](https://a.example/prices).\n\n\
             - one\n- two\n\n![A shop](shop.png)\n\nNot much. <b>Really</b>?",
        );

        assert_eq!(text.headings, [(2, "What it costs".to_owned())]);
        assert_eq!(text.first_paragraph, "About 5,000 kronor, as listed.");
        assert_eq!(text.links, [("as listed".to_owned(), "https://a.example/prices".to_owned())]);
        assert_eq!(text.images, [("A shop".to_owned(), "shop.png".to_owned())]);
        assert!(text.has_html);
        let words: Vec<_> = text.words().collect();
        assert_eq!(
            words.join(" "),
            "What it costs About 5,000 kronor as listed one two Not much Really"
        );
        assert_eq!(text.sentences().count(), 6);
    }

    #[test]
    fn nothing_is_no_text() {
        assert_eq!(Text::of(""), Text::default());
        assert_eq!(Text::of(" \n").words().count(), 0);
    }
}
