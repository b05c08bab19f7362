//! The text of a list's SQL: constants go in as they are, everything else is bound.

use sqlx::{Postgres, QueryBuilder};

use super::{Field, Kind, Value};

/// A statement in the making; the only text it takes is constant.
pub(super) struct Statement(QueryBuilder<Postgres>);

impl Statement {
    pub(super) fn new(text: &'static str) -> Self {
        Self(QueryBuilder::new(text))
    }

    pub(super) fn push(&mut self, text: &'static str) {
        self.0.push(text);
    }

    pub(super) fn column(&mut self, field: &Field) {
        self.push("(");
        self.push(field.column);
        self.push(")");
    }

    pub(super) fn value(&mut self, kind: Kind, value: &Value) {
        match value {
            Value::Text(value) => self.0.push_bind(value),
            Value::Uuid(value) => self.0.push_bind(value),
            Value::Instant(value) => self.0.push_bind(value),
            Value::Date(value) => self.0.push_bind(value),
            Value::Integer(value) => self.0.push_bind(value),
            Value::Bool(value) => self.0.push_bind(value),
        };
        self.push(kind.cast());
    }

    /// Binds what PostgreSQL wrote as text, to be read back by PostgreSQL.
    pub(super) fn written(&mut self, kind: Kind, text: &str) {
        self.0.push_bind(text);
        self.push(kind.cast());
    }

    pub(super) fn number(&mut self, number: i64) {
        self.0.push_bind(number);
    }

    pub(super) fn separated<T>(
        &mut self,
        joint: &'static str,
        items: impl IntoIterator<Item = T>,
        mut write: impl FnMut(&mut Self, T),
    ) {
        for (place, item) in items.into_iter().enumerate() {
            if place > 0 {
                self.push(joint);
            }
            write(self, item);
        }
    }

    pub(super) fn done(self) -> QueryBuilder<Postgres> {
        self.0
    }
}
