//! Fields that break a rule, gathered so that the caller hears of all of them at once.

use crate::{Error, Result};

/// One field that breaks a rule of the contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Path from the request's root, as in `lead.email` or `leads[2].email`.
    pub field: String,
    /// What is wrong, for people: lower case, no full stop.
    pub description: String,
    /// The rule's id, as in `string.email`; empty for rules that live in code.
    pub rule: String,
}

impl Violation {
    /// A violation found by code rather than by a declared rule.
    pub fn new(field: impl Into<String>, description: impl Into<String>) -> Self {
        Self { field: field.into(), description: description.into(), rule: String::new() }
    }
}

/// Gathers violations, then speaks once.
#[derive(Debug, Default)]
pub struct Check(Vec<Violation>);

impl Check {
    /// Notes a violation.
    pub fn note(&mut self, field: impl Into<String>, description: impl Into<String>) {
        self.0.push(Violation::new(field, description));
    }

    /// Takes a value, or notes why it cannot be had.
    pub fn take<T, E: std::fmt::Display>(
        &mut self,
        field: impl Into<String>,
        value: std::result::Result<T, E>,
    ) -> Option<T> {
        value.map_err(|error| self.note(field, error.to_string())).ok()
    }

    /// Fails with everything noted, if anything was.
    pub fn done(self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::Invalid(self.0)) }
    }
}

pub(crate) fn summary(violations: &[Violation]) -> String {
    match violations {
        [] => "bad request".into(),
        [one] => format!("{}: {}", one.field, one.description),
        [first, rest @ ..] => {
            format!("{}: {} (and {} more)", first.field, first.description, rest.len())
        }
    }
}
