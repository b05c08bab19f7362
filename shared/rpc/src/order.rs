//! The order of every list (AIP-132): `create_time desc, name`.

use devsphere_db::list::{Field, Order};
use devsphere_error::{Error, Result, Violation};

use crate::filter::shown;

/// The most fields in one order.
pub const MAX_FIELDS: usize = 5;

/// Reads an order over the sortable fields; a blank text means the list's own.
pub fn parse(text: &str, fields: &'static [Field], default: &[Order]) -> Result<Vec<Order>> {
    if text.trim().is_empty() {
        return Ok(default.to_vec());
    }
    if text.split(',').nth(MAX_FIELDS).is_some() {
        return Err(Error::field("order_by", format!("names more than {MAX_FIELDS} fields")));
    }
    let mut order: Vec<Order> = Vec::new();
    let mut violations = Vec::new();
    for part in text.split(',') {
        match step(part, fields) {
            Ok(step) if order.iter().any(|known| known.field == step.field) => {
                violations.push(format!("names {} twice", step.field.name));
            }
            Ok(step) => order.push(step),
            Err(problem) => violations.push(problem),
        }
    }
    if violations.is_empty() {
        return Ok(order);
    }
    let violations = violations.into_iter().map(|problem| Violation::new("order_by", problem));
    Err(Error::Invalid(violations.collect()))
}

fn step(text: &str, fields: &'static [Field]) -> Result<Order, String> {
    let mut words = text.split_whitespace();
    let name = words.next().ok_or("holds a comma without a field")?;
    let sortable = || fields.iter().filter(|field| field.sortable);
    let Some(field) = sortable().find(|field| field.name == name) else {
        let names = sortable().map(|field| field.name).collect::<Vec<_>>().join(", ");
        return Err(format!("cannot sort by {}; the fields are {names}", shown(name)));
    };
    match (words.next(), words.next()) {
        (None | Some("asc"), None) => Ok(field.ascending()),
        (Some("desc"), None) => Ok(field.descending()),
        _ => Err(format!("takes only desc or asc after {}", field.name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static FIELDS: [Field; 3] = [
        Field::text("name", "name").sortable(),
        Field::instant("create_time", "create_time").sortable(),
        Field::text("email", "email"),
    ];

    fn problems(text: &str) -> Vec<String> {
        match parse(text, &FIELDS, &[]) {
            Err(Error::Invalid(violations)) => {
                assert!(violations.iter().all(|violation| violation.field == "order_by"));
                violations.into_iter().map(|violation| violation.description).collect()
            }
            other => panic!("{text} gave {other:?}"),
        }
    }

    #[test]
    fn fields_come_in_turn_each_with_its_direction() {
        let read = |text| parse(text, &FIELDS, &[]).expect("the order is sound");

        assert_eq!(read("name"), [FIELDS[0].ascending()]);
        assert_eq!(
            read(" create_time  desc ,name asc"),
            [FIELDS[1].descending(), FIELDS[0].ascending()]
        );
    }

    #[test]
    fn blank_is_the_lists_own_order() {
        let own = [FIELDS[1].descending()];

        assert_eq!(parse("  ", &FIELDS, &own).expect("blank is sound"), own);
    }

    #[test]
    fn what_cannot_be_sorted_by_is_named_with_what_can() {
        let fields = "the fields are name, create_time";
        assert_eq!(problems("email"), [format!("cannot sort by \"email\"; {fields}")]);
        assert_eq!(problems("Name"), [format!("cannot sort by \"Name\"; {fields}")]);
        assert_eq!(problems("name, name desc"), ["names name twice"]);
        assert_eq!(problems("name,"), ["holds a comma without a field"]);
        assert_eq!(problems("name DESC"), ["takes only desc or asc after name"]);
        assert_eq!(problems("name desc x"), ["takes only desc or asc after name"]);
        assert_eq!(problems("name,a,b,c,d,e"), ["names more than 5 fields"]);
        assert_eq!(problems("a, b").len(), 2);
    }
}
