//! Which rows a list shows: a tree over static fields and bound values.

use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

use super::{Field, statement::Statement};

/// A value to compare with, always bound and never part of the SQL text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// For [`Kind::Text`](super::Kind::Text).
    Text(String),
    /// For [`Kind::Uuid`](super::Kind::Uuid).
    Uuid(Uuid),
    /// For [`Kind::Instant`](super::Kind::Instant).
    Instant(DateTime<Utc>),
    /// For [`Kind::Date`](super::Kind::Date).
    Date(NaiveDate),
    /// For [`Kind::Integer`](super::Kind::Integer).
    Integer(i64),
    /// For [`Kind::Bool`](super::Kind::Bool).
    Bool(bool),
}

macro_rules! values {
    ($($variant:ident: $type:ty),+ $(,)?) => {$(
        impl From<$type> for Value {
            fn from(value: $type) -> Self {
                Self::$variant(value.into())
            }
        }
    )+};
}

values! {
    Text: String,
    Text: &str,
    Uuid: Uuid,
    Instant: DateTime<Utc>,
    Date: NaiveDate,
    Integer: i64,
    Bool: bool,
}

/// How a field is compared with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// `=`.
    Equal,
    /// `!=`; a field that is null differs from every value.
    NotEqual,
    /// `<`.
    Less,
    /// `<=`.
    AtMost,
    /// `>`.
    Greater,
    /// `>=`.
    AtLeast,
    /// `:`, the value is found somewhere in the text, in any case.
    Contains,
}

/// Which rows to show.
///
/// A comparison with a field that is null is false (but for [`Op::NotEqual`]), and its negation
/// true: there is no third truth value, whatever SQL thinks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// The field compares so with the value.
    Compare(&'static Field, Op, Value),
    /// The field is one of the values; never with none.
    In(&'static Field, Vec<Value>),
    /// The field is null.
    IsNull(&'static Field),
    /// All hold; true of none.
    And(Vec<Self>),
    /// At least one holds; false of none.
    Or(Vec<Self>),
    /// It does not hold.
    Not(Box<Self>),
}

impl Condition {
    /// The field equals the value.
    pub fn is(field: &'static Field, value: impl Into<Value>) -> Self {
        Self::Compare(field, Op::Equal, value.into())
    }

    /// It does not hold.
    pub fn negated(self) -> Self {
        Self::Not(Box::new(self))
    }

    pub(super) fn write(&self, sql: &mut Statement) {
        match self {
            Self::Compare(field, op, value) => compare(field, *op, value, sql),
            Self::In(_, values) if values.is_empty() => sql.push("false"),
            Self::In(field, values) => {
                sql.column(field);
                sql.push(" in (");
                sql.separated(", ", values, |sql, value| sql.value(field.kind, value));
                sql.push(")");
            }
            Self::IsNull(field) => {
                sql.column(field);
                sql.push(" is null");
            }
            Self::And(parts) => all(parts, " and ", "true", sql),
            Self::Or(parts) => all(parts, " or ", "false", sql),
            Self::Not(part) => {
                sql.push("(");
                part.write(sql);
                // Unlike `not`, also true of the unknown.
                sql.push(") is not true");
            }
        }
    }
}

fn all(parts: &[Condition], joint: &'static str, none: &'static str, sql: &mut Statement) {
    if parts.is_empty() {
        sql.push(none);
    }
    sql.separated(joint, parts, |sql, part| {
        sql.push("(");
        part.write(sql);
        sql.push(")");
    });
}

fn compare(field: &Field, op: Op, value: &Value, sql: &mut Statement) {
    let operator = match op {
        Op::Equal => " = ",
        Op::NotEqual => " is distinct from ",
        Op::Less => " < ",
        Op::AtMost => " <= ",
        Op::Greater => " > ",
        Op::AtLeast => " >= ",
        Op::Contains => return contains(field, value, sql),
    };
    sql.column(field);
    sql.push(operator);
    sql.value(field.kind, value);
}

/// Not `like`: a caller's `%` is a per cent sign.
fn contains(field: &Field, value: &Value, sql: &mut Statement) {
    sql.push("strpos(lower(");
    sql.column(field);
    sql.push("), lower(");
    sql.value(field.kind, value);
    sql.push(")) > 0");
}
