//! A path of REST as `google.api.http` writes it: `/api/v1/{name=notes/*}/pages/{page_id}:print`.

use std::ops::Range;

/// A path with places for values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    segments: Vec<Segment>,
    variables: Vec<Variable>,
    verb: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Literal(String),
    /// `*`
    One,
    /// `**`, at the end only.
    Rest,
}

/// A value that the path carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// The request's field, as in `lead.lead_id`.
    pub field: String,
    segments: Range<usize>,
}

impl Variable {
    /// What it is called where it stands alone, as in `lead_id`.
    pub fn name(&self) -> &str {
        self.field.rsplit('.').next().unwrap_or(&self.field)
    }
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let bad = |problem: &str| format!("{text}: {problem}");
        let path = text.strip_prefix('/').ok_or_else(|| bad("does not begin with a slash"))?;
        let (path, verb) = verb(path);
        let mut template = Self { segments: Vec::new(), variables: Vec::new(), verb };
        let mut rest = path;
        loop {
            rest = match rest.strip_prefix('{') {
                Some(variable) => {
                    let (variable, rest) =
                        variable.split_once('}').ok_or_else(|| bad("an open brace"))?;
                    let (field, pattern) = variable.split_once('=').unwrap_or((variable, "*"));
                    if !field.split('.').all(is_name) {
                        return Err(bad("no name of a field"));
                    }
                    let from = template.segments.len();
                    for segment in pattern.split('/') {
                        template.push(segment).map_err(bad)?;
                    }
                    let segments = from..template.segments.len();
                    template.variables.push(Variable { field: field.to_owned(), segments });
                    rest
                }
                None => {
                    let end = rest.find('/').unwrap_or(rest.len());
                    template.push(&rest[..end]).map_err(bad)?;
                    &rest[end..]
                }
            };
            match rest.strip_prefix('/') {
                Some(next) => rest = next,
                None if rest.is_empty() => return Ok(template),
                None => return Err(bad("a segment is part variable, part text")),
            }
        }
    }

    fn push(&mut self, segment: &str) -> Result<(), &'static str> {
        if self.segments.last() == Some(&Segment::Rest) {
            return Err("something follows `**`");
        }
        self.segments.push(match segment {
            "*" => Segment::One,
            "**" => Segment::Rest,
            text if !text.is_empty() && text.bytes().all(is_plain) => {
                Segment::Literal(text.to_owned())
            }
            _ => return Err("a segment that is no plain text"),
        });
        Ok(())
    }

    /// The values in a path that this template describes, by field; none if it describes another.
    /// A colon in the last segment begins a verb; as part of a value it is written `%3A`.
    pub fn values<'a>(&'a self, path: &str) -> Option<Vec<(&'a str, String)>> {
        let (path, verb) = verb(path.strip_prefix('/')?);
        let found: Vec<_> = path.split('/').collect();
        let open = self.segments.last() == Some(&Segment::Rest);
        let fixed = self.segments.len() - usize::from(open);
        let fits = if open { found.len() >= fixed } else { found.len() == fixed };
        let same = self.segments.iter().zip(&found).all(|(segment, found)| match segment {
            Segment::Literal(text) => text == found,
            Segment::One => !found.is_empty(),
            Segment::Rest => true,
        });
        if !fits || !same || verb != self.verb {
            return None;
        }
        let values = self.variables.iter().map(|variable| {
            let Range { start, mut end } = variable.segments;
            if open && end == self.segments.len() {
                end = found.len();
            }
            let segments: Option<Vec<_>> =
                found[start..end.max(start)].iter().map(|segment| decode(segment)).collect();
            Some((variable.field.as_str(), segments?.join("/")))
        });
        values.collect()
    }

    /// What the path carries, in its order.
    pub fn variables(&self) -> &[Variable] {
        &self.variables
    }

    /// Two templates of the same shape describe the same paths.
    pub fn shape(&self) -> String {
        self.write(|_| None)
    }

    /// The path in the form of OpenAPI: each variable by its last name, so that all methods of a path
    /// call it the same.
    pub fn openapi(&self) -> String {
        self.write(|variable| Some(format!("{{{}}}", variable.name())))
    }

    /// How many segments are plain text: of two templates that fit a path, the plainer one is meant.
    pub fn plainness(&self) -> usize {
        let plain = |segment: &&Segment| matches!(segment, Segment::Literal(_));
        self.segments.iter().filter(plain).count()
    }

    fn write(&self, named: impl Fn(&Variable) -> Option<String>) -> String {
        let mut text = String::new();
        let mut place = 0;
        while place < self.segments.len() {
            let variable = self.variables.iter().find(|variable| variable.segments.start == place);
            text.push('/');
            if let Some(variable) = variable
                && let Some(name) = named(variable)
            {
                text.push_str(&name);
                place = variable.segments.end;
                continue;
            }
            text.push_str(match &self.segments[place] {
                Segment::Literal(text) => text,
                Segment::One => "*",
                Segment::Rest => "**",
            });
            place += 1;
        }
        if let Some(verb) = &self.verb {
            text.push(':');
            text.push_str(verb);
        }
        text
    }
}

fn verb(path: &str) -> (&str, Option<String>) {
    let last = path.rfind(['/', '}']).map_or(0, |place| place + 1);
    match path[last..].find(':') {
        Some(colon) => (&path[..last + colon], Some(path[last + colon + 1..].to_owned())),
        None => (path, None),
    }
}

fn is_name(text: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    text.bytes().next().is_some_and(|first| first.is_ascii_lowercase()) && text.bytes().all(legal)
}

const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~')
}

/// Percent-decoded; none unless it is UTF-8.
fn decode(segment: &str) -> Option<String> {
    let mut bytes = segment.bytes();
    let mut decoded = Vec::with_capacity(segment.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => {
                let mut digit = || bytes.next().and_then(|digit| char::from(digit).to_digit(16));
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(template: &str, path: &str) -> Option<Vec<(String, String)>> {
        let template = Template::parse(template).unwrap();
        let values = template.values(path)?.into_iter();
        Some(values.map(|(field, value)| (field.to_owned(), value)).collect())
    }

    fn one(field: &str, value: &str) -> Option<Vec<(String, String)>> {
        Some(vec![(field.to_owned(), value.to_owned())])
    }

    #[test]
    fn a_variable_is_one_segment_unless_its_pattern_says_more() {
        assert_eq!(values("/a/{b.c}", "/a/x%20y"), one("b.c", "x y"));
        assert_eq!(values("/{name=a/*/c/*}", "/a/1/c/2"), one("name", "a/1/c/2"));
        assert_eq!(values("/{name=a/**}:do", "/a/1/c/2:do"), one("name", "a/1/c/2"));
        assert_eq!(values("/{name=**}", "/"), one("name", ""));
        assert_eq!(values("/a/*/{b}", "/a/z/1"), one("b", "1"));
        for (template, path) in [
            ("/a/{b}", "/a"),
            ("/a/{b}", "/a/"),
            ("/a/{b}", "/a/1/"),
            ("/a/{b}", "/a/1/2"),
            ("/a/{b}", "/A/1"),
            ("/a/{b}", "/a/%ff"),
            ("/a/{b}", "/a/%4"),
            ("/{name=a/*}", "/b/1"),
            ("/a/{b}", ""),
        ] {
            assert_eq!(values(template, path), None, "{template} {path}");
        }
    }

    #[test]
    fn a_verb_is_part_of_the_path_and_never_of_a_value() {
        assert_eq!(values("/a/{b}:win", "/a/1:win"), one("b", "1"));
        assert_eq!(values("/a/{b}:win", "/a/x%3Ay:win"), one("b", "x:y"));
        assert_eq!(values("/a:all", "/a:all"), Some(Vec::new()));
        for path in ["/a/1", "/a/1:lose", "/a/1:win:win", "/a/:win", "/a/1%3Awin"] {
            assert_eq!(values("/a/{b}:win", path), None, "{path}");
        }
        assert_eq!(values("/a/{b}", "/a/1:win"), None);
    }

    #[test]
    fn what_is_no_template_is_refused() {
        for text in
            ["", "a", "/", "/a//b", "/{a", "/{A}", "/{a=}", "/{a}b", "/**/a", "/a?b", "/{a.}"]
        {
            assert!(Template::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_shape_has_no_names() {
        let of = |text| Template::parse(text).unwrap();
        assert_eq!(of("/a/{b=c/*}/{d}:e").shape(), "/a/c/*/*:e");
        assert_eq!(of("/a/{b=c/*}/{d.e}:f").openapi(), "/a/{b}/{e}:f");
        assert_eq!(of("/a/{b=c/*}/{d}:e").plainness(), 2);
    }
}
