//! The filter of every list: a small part of AIP-160, checked against a table of fields.
//!
//! ```text
//! filter      = [ expression ]
//! expression  = conjunction { "OR" conjunction }
//! conjunction = term { "AND" term }
//! term        = ( "NOT" | "-" ) term | "(" expression ")" | comparison
//! comparison  = field operator ( value | "(" value { "OR" value } ")" )
//! operator    = "=" | "!=" | "<" | "<=" | ">" | ">=" | ":"
//! value       = word | '"' text '"'
//! ```
//!
//! As in `state = (new OR won) AND (owner_id = null OR email:"@example.com") AND NOT score < 50`.
//!
//! - `AND` binds tighter than `OR`, as in SQL and unlike AIP-160. Keywords are in capitals; two
//!   comparisons side by side, without one, are refused.
//! - A list takes `=` (one of these) or `!=` (none of these). There is no `in`.
//! - `:` looks for a piece of text, in any case; nothing is a wildcard.
//! - Ids, words of a closed set and `true`/`false` take `=` and `!=` only; open text is ordered as
//!   the database sorts it. A closed set's words are met in any case: `NEW` is `new`.
//! - `null` is written bare, and only fields that can be null take it. A null field equals nothing and
//!   differs from everything: `owner_id != "…"` and `NOT owner_id = "…"` both show what nobody owns.
//! - A quoted value knows `\"` and `\\`. Anything may be quoted but `null`; an unquoted value ends at
//!   a space, a bracket, a quote, a comma or one of `= ! < >`.
//!
//! One pass over at most [`MAX_BYTES`]; what it refuses, it refuses by name and place.

mod scan;
mod value;

use devsphere_db::list::{Condition, Field};
use devsphere_error::{Error, Result, Violation};

pub(crate) use scan::shown;
use scan::{Operand, Scanner};

/// The longest filter, in bytes.
pub const MAX_BYTES: usize = 2_000;

/// The most comparisons in one filter; a list is one.
pub const MAX_COMPARISONS: usize = 50;

/// How deep brackets and negations nest.
pub const MAX_NESTING: usize = 10;

// Violations travel in a header, which is small.
const MAX_VIOLATIONS: usize = 5;

/// Reads a filter; none if the text is blank.
pub fn parse(text: &str, fields: &'static [Field]) -> Result<Option<Condition>> {
    if text.len() > MAX_BYTES {
        return Err(Error::field("filter", format!("is longer than {MAX_BYTES} bytes")));
    }
    let mut parser =
        Parser { scanner: Scanner::new(text), fields, comparisons: 0, violations: Vec::new() };
    match parser.filter() {
        Ok(condition) if parser.violations.is_empty() => Ok(condition),
        _ => Err(Error::Invalid(parser.violations)),
    }
}

/// The reason to stop is among the violations already.
struct Stop;

struct Parser<'t> {
    scanner: Scanner<'t>,
    fields: &'static [Field],
    comparisons: usize,
    violations: Vec<Violation>,
}

impl Parser<'_> {
    fn filter(&mut self) -> Result<Option<Condition>, Stop> {
        if let Some(at) = self.scanner.find('\0') {
            return Err(self.fail(at, "a NUL character"));
        }
        if self.scanner.is_at_end() {
            return Ok(None);
        }
        let condition = self.expression(0)?;
        if !self.scanner.is_at_end() {
            return Err(self.expected("AND or OR (in capitals), or the end"));
        }
        Ok(Some(condition))
    }

    fn expression(&mut self, depth: usize) -> Result<Condition, Stop> {
        let first = self.conjunction(depth)?;
        let mut parts = vec![first];
        while self.scanner.take_keyword("OR") {
            parts.push(self.conjunction(depth)?);
        }
        Ok(joined(parts, Condition::Or))
    }

    fn conjunction(&mut self, depth: usize) -> Result<Condition, Stop> {
        let first = self.term(depth)?;
        let mut parts = vec![first];
        while self.scanner.take_keyword("AND") {
            parts.push(self.term(depth)?);
        }
        Ok(joined(parts, Condition::And))
    }

    fn term(&mut self, depth: usize) -> Result<Condition, Stop> {
        let at = self.scanner.at();
        let negated = self.scanner.take_keyword("NOT") || self.scanner.take_symbol("-");
        let grouped = !negated && self.scanner.take_symbol("(");
        if (negated || grouped) && depth == MAX_NESTING {
            return Err(self.fail(at, &format!("more than {MAX_NESTING} levels of nesting")));
        }
        if negated {
            return Ok(self.term(depth + 1)?.negated());
        }
        if !grouped {
            return self.comparison();
        }
        let inner = self.expression(depth + 1)?;
        if !self.scanner.take_symbol(")") {
            return Err(self.expected("AND or OR (in capitals), or a closing bracket"));
        }
        Ok(inner)
    }

    fn comparison(&mut self) -> Result<Condition, Stop> {
        let at = self.scanner.at();
        self.comparisons += 1;
        if self.comparisons > MAX_COMPARISONS {
            return Err(self.fail(at, &format!("more than {MAX_COMPARISONS} comparisons")));
        }
        let Some(name) = self.scanner.take_name() else {
            return Err(self.expected("a field"));
        };
        let Some(op) = self.scanner.take_operator() else {
            return Err(self.expected(
                "one of = != < <= > >= : after the field (a list is written field = (a OR b))",
            ));
        };
        let operand = self.operand()?;
        let Some(field) = self.fields.iter().find(|field| field.name == name) else {
            let names = self.fields.iter().map(|field| field.name).collect::<Vec<_>>().join(", ");
            return self.note(
                at,
                &format!("no field {}", shown(name)),
                &format!("; the fields are {names}"),
            );
        };
        match value::condition(field, op, &operand) {
            Ok(condition) => Ok(condition),
            Err(problem) => self.note(at, field.name, &format!(" {problem}")),
        }
    }

    fn operand(&mut self) -> Result<Operand, Stop> {
        if !self.scanner.take_symbol("(") {
            return self.literal().map(Operand::One);
        }
        let first = self.literal()?;
        let mut all = vec![first];
        while self.scanner.take_keyword("OR") {
            all.push(self.literal()?);
        }
        if !self.scanner.take_symbol(")") {
            return Err(self.expected("OR (in capitals), or the list's closing bracket"));
        }
        Ok(Operand::Many(all))
    }

    fn literal(&mut self) -> Result<scan::Literal, Stop> {
        let at = self.scanner.at();
        match self.scanner.take_literal() {
            Ok(literal) => Ok(literal),
            Err(problem) => Err(self.fail(at, problem)),
        }
    }

    /// Notes what is wrong with one comparison; the text goes on, so others are heard of as well.
    fn note(&mut self, at: usize, what: &str, more: &str) -> Result<Condition, Stop> {
        let place = self.scanner.place(at);
        self.violations
            .push(Violation::new("filter", format!("{what} at character {place}{more}")));
        if self.violations.len() == MAX_VIOLATIONS {
            Err(Stop)
        } else {
            Ok(Condition::And(Vec::new()))
        }
    }

    fn fail(&mut self, at: usize, what: &str) -> Stop {
        let place = self.scanner.place(at);
        self.violations.push(Violation::new("filter", format!("{what} at character {place}")));
        Stop
    }

    fn expected(&mut self, what: &str) -> Stop {
        let at = self.scanner.at();
        self.fail(at, &format!("expected {what},"))
    }
}

fn joined(mut parts: Vec<Condition>, join: fn(Vec<Condition>) -> Condition) -> Condition {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        last => {
            parts.extend(last);
            join(parts)
        }
    }
}

#[cfg(test)]
mod tests;
