//! From written values to typed ones: what each kind of field takes.

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use devsphere_db::list::{Condition, Field, Kind, Op, Value};
use uuid::Uuid;

use super::scan::{Literal, Operand, shown, symbol};

/// One comparison, or what is wrong with it, as a clause that follows the field's name and place.
pub(super) fn condition(
    field: &'static Field,
    op: Op,
    operand: &Operand,
) -> Result<Condition, String> {
    if !takes(field, op) {
        return Err(format!("does not take {}, only {}", symbol(op), operators(field)));
    }
    match (operand, op) {
        (Operand::One(literal), Op::Equal | Op::NotEqual) if is_null(literal) => {
            null(field).map(|condition| turned(op, condition))
        }
        (Operand::One(literal), _) => {
            value(field, literal).map(|value| Condition::Compare(field, op, value))
        }
        (Operand::Many(literals), Op::Equal | Op::NotEqual) => {
            one_of(field, literals).map(|condition| turned(op, condition))
        }
        (Operand::Many(_), _) => Err("takes a list only after = or !=".into()),
    }
}

fn turned(op: Op, condition: Condition) -> Condition {
    if op == Op::NotEqual { condition.negated() } else { condition }
}

fn one_of(field: &'static Field, literals: &[Literal]) -> Result<Condition, String> {
    let (nulls, literals): (Vec<_>, Vec<_>) = literals.iter().partition(|literal| is_null(literal));
    let values = literals.into_iter().map(|literal| value(field, literal));
    let among = Condition::In(field, values.collect::<Result<_, _>>()?);
    if nulls.is_empty() {
        return Ok(among);
    }
    Ok(Condition::Or(vec![among, null(field)?]))
}

fn null(field: &'static Field) -> Result<Condition, String> {
    if field.nullable { Ok(Condition::IsNull(field)) } else { Err("is never null".into()) }
}

fn is_null(literal: &Literal) -> bool {
    !literal.quoted && literal.text == "null"
}

const fn is_ordered(field: &Field) -> bool {
    field.values.is_empty() && !matches!(field.kind, Kind::Uuid | Kind::Bool)
}

const fn takes(field: &Field, op: Op) -> bool {
    match op {
        Op::Equal | Op::NotEqual => true,
        Op::Contains => field.values.is_empty() && matches!(field.kind, Kind::Text),
        Op::Less | Op::AtMost | Op::Greater | Op::AtLeast => is_ordered(field),
    }
}

const fn operators(field: &Field) -> &'static str {
    if !is_ordered(field) {
        "= and !="
    } else if takes(field, Op::Contains) {
        "= != < <= > >= and :"
    } else {
        "= != < <= > and >="
    }
}

fn value(field: &Field, literal: &Literal) -> Result<Value, String> {
    let text = literal.text.as_str();
    if is_null(literal) {
        return Err("compares with null only after = or !=".into());
    }
    let (value, wanted) = match field.kind {
        Kind::Text if field.values.is_empty() => (Some(text.into()), ""),
        Kind::Text => return word(field, text),
        Kind::Uuid => (Uuid::try_parse(text).ok().map(Value::Uuid), "a UUID"),
        Kind::Instant => (instant(text), "an RFC 3339 instant such as 2026-01-31T09:00:00Z"),
        Kind::Date => (date(text), "a date such as 2026-01-31"),
        Kind::Integer => (text.parse().ok().map(Value::Integer), "a whole number"),
        Kind::Bool => (text.parse().ok().map(Value::Bool), "true or false"),
    };
    value.ok_or_else(|| format!("takes {wanted}, not {}", shown(text)))
}

fn word(field: &Field, text: &str) -> Result<Value, String> {
    match field.values.iter().find(|known| known.eq_ignore_ascii_case(text)) {
        Some(known) => Ok((*known).into()),
        None => Err(format!("takes one of {}, not {}", field.values.join(", "), shown(text))),
    }
}

fn instant(text: &str) -> Option<Value> {
    let instant = DateTime::parse_from_rfc3339(text).ok()?;
    Some(Value::Instant(instant.with_timezone(&Utc)))
}

/// Four digits of year alone: PostgreSQL ends before chrono does.
fn date(text: &str) -> Option<Value> {
    let date: NaiveDate = text.parse().ok()?;
    let plain = text.len() == 10 && date.year() >= 1;
    plain.then_some(Value::Date(date))
}
