//! The words of a filter, one after another.

use devsphere_db::list::Op;

/// Longer before shorter, so that `<=` is not read as `<`.
const OPERATORS: [(&str, Op); 7] = [
    ("!=", Op::NotEqual),
    ("<=", Op::AtMost),
    (">=", Op::AtLeast),
    ("=", Op::Equal),
    ("<", Op::Less),
    (">", Op::Greater),
    (":", Op::Contains),
];

const KEYWORDS: [&str; 3] = ["AND", "OR", "NOT"];

/// How much of a caller's text an error repeats, in characters.
const SHOWN: usize = 40;

/// A value as it was written.
pub(super) struct Literal {
    pub(super) text: String,
    pub(super) quoted: bool,
}

/// What a field is compared with.
pub(super) enum Operand {
    One(Literal),
    Many(Vec<Literal>),
}

/// A place in the text, always at the beginning of a character and never at a space.
pub(super) struct Scanner<'t> {
    text: &'t str,
    rest: &'t str,
}

impl<'t> Scanner<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, rest: text.trim_start() }
    }

    pub(super) const fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// The byte that is next.
    pub(super) const fn at(&self) -> usize {
        self.text.len() - self.rest.len()
    }

    /// The place of a byte as people count: in characters, from one.
    pub(super) fn place(&self, at: usize) -> usize {
        self.text.char_indices().take_while(|(start, _)| *start < at).count() + 1
    }

    pub(super) fn find(&self, character: char) -> Option<usize> {
        self.text.find(character)
    }

    pub(super) fn take_symbol(&mut self, symbol: &str) -> bool {
        match self.rest.strip_prefix(symbol) {
            Some(rest) => {
                self.rest = rest.trim_start();
                true
            }
            None => false,
        }
    }

    pub(super) fn take_keyword(&mut self, keyword: &str) -> bool {
        self.word(is_of_name) == keyword && self.take_symbol(keyword)
    }

    pub(super) fn take_name(&mut self) -> Option<&'t str> {
        let name = self.word(is_of_name);
        if name.is_empty() || KEYWORDS.contains(&name) {
            return None;
        }
        self.take_symbol(name);
        Some(name)
    }

    pub(super) fn take_operator(&mut self) -> Option<Op> {
        OPERATORS.iter().find(|(symbol, _)| self.take_symbol(symbol)).map(|(_, op)| *op)
    }

    pub(super) fn take_literal(&mut self) -> Result<Literal, &'static str> {
        if let Some(quoted) = self.rest.strip_prefix('"') {
            return self.take_quoted(quoted);
        }
        let word = self.word(is_of_value);
        if word.is_empty() || KEYWORDS.contains(&word) {
            return Err("expected a value,");
        }
        self.take_symbol(word);
        Ok(Literal { text: word.into(), quoted: false })
    }

    fn take_quoted(&mut self, quoted: &'t str) -> Result<Literal, &'static str> {
        let mut text = String::new();
        let mut characters = quoted.char_indices();
        while let Some((at, character)) = characters.next() {
            match character {
                '"' => {
                    self.rest = quoted.get(at + 1..).unwrap_or_default().trim_start();
                    return Ok(Literal { text, quoted: true });
                }
                '\\' => match characters.next() {
                    Some((_, escaped @ ('"' | '\\'))) => text.push(escaped),
                    _ => return Err("a backslash that is not followed by \" or \\, in the quotes"),
                },
                _ => text.push(character),
            }
        }
        Err("no closing quote for the one")
    }

    fn word(&self, is_part: fn(char) -> bool) -> &'t str {
        let end = self.rest.find(|character| !is_part(character)).unwrap_or(self.rest.len());
        self.rest.get(..end).unwrap_or_default()
    }
}

/// The symbol of an operator.
pub(super) fn symbol(op: Op) -> &'static str {
    OPERATORS.iter().find(|(_, known)| *known == op).map_or("", |(symbol, _)| symbol)
}

/// A caller's text, short and quoted, for a message.
pub(crate) fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{:?}…", text.get(..end).unwrap_or_default()),
        None => format!("{text:?}"),
    }
}

const fn is_of_name(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '_' | '.')
}

fn is_of_value(character: char) -> bool {
    !character.is_whitespace()
        && !matches!(character, '(' | ')' | '"' | ',' | '=' | '!' | '<' | '>')
}
