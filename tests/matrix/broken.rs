//! Every rule that a request declares, broken one at a time.

use devsphere_proto::Method;
use prost::Message as _;
use prost_reflect::{Kind, Value};
use tonic::Code;

use super::{
    fill::integer,
    rules::{Place, Rules, kind_name, places},
    stage::{Stage, all, said},
};

/// Sends the request with each field broken in each way that its rules forbid.
pub async fn probe(
    stage: &Stage,
    method: &'static Method,
    lines: &mut Vec<String>,
    failures: &mut Vec<String>,
) {
    let ready = match stage.ready(method, &stage.founder).await {
        Ok(ready) => ready,
        Err(problem) => return failures.push(format!("{}: {problem}", method.path)),
    };
    let door = stage.door(method, &ready.actor, &all());
    for place in places(&method.descriptor.input()) {
        for (rule, value) in breaks(&place) {
            let mut message = ready.message.clone();
            place.put(&mut message, value);
            let answer = stage.call(method, &door, message.encode_to_vec()).await;
            let name = format!("{} {} {rule}", method.path, place.name());
            let refused = answer.as_ref().err().filter(|refused| {
                let bad_request = (Code::InvalidArgument, "BAD_REQUEST");
                (refused.code, refused.reason.as_str()) == bad_request
                    && refused.blames(&place.name())
            });
            match refused {
                Some(_) => lines.push(name),
                None => failures.push(format!("{name}: {}", said(&answer))),
            }
        }
    }
}

/// What the field's rules forbid, with the rule.
fn breaks(place: &Place) -> Vec<(&'static str, Option<Value>)> {
    let field = place.field();
    let rules = Rules::of(field);
    let mut found = Vec::new();
    if field.is_list() {
        return list(place, &rules);
    }
    if rules.required() {
        found.push(("required", None));
    }
    match field.kind() {
        Kind::String => found.extend(
            texts(&rules).into_iter().map(|(rule, text)| (rule, Some(Value::String(text)))),
        ),
        Kind::Enum(_) if rules.switch("enum", "defined_only") => {
            found.push(("defined_only", Some(Value::EnumNumber(9_999))));
        }
        Kind::Message(_) | Kind::Enum(_) | Kind::Bool | Kind::Bytes => {}
        Kind::Double => {
            let bound = |name| rules.fraction("double", name);
            let below = bound("gte").map(|least| least - 1.0);
            let above = bound("lte").map(|most| most + 1.0);
            found.extend(below.map(|number| ("gte", Some(Value::F64(number)))));
            found.extend(above.map(|number| ("lte", Some(Value::F64(number)))));
        }
        kind => {
            let bound = |name| rules.number(kind_name(field), name);
            let below = bound("gte").and_then(|least| least.checked_sub(1));
            let above = bound("lte").and_then(|most| most.checked_add(1));
            found.extend(below.map(|number| ("gte", Some(integer(&kind, number)))));
            found.extend(above.map(|number| ("lte", Some(integer(&kind, number)))));
        }
    }
    found
}

fn texts(rules: &Rules) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    let longer = |most: i64| "x".repeat(usize::try_from(most + 1).unwrap());
    for bound in ["max_len", "max_bytes"] {
        if let Some(most) = rules.number("string", bound) {
            found.push((bound, longer(most)));
        }
    }
    if rules.number("string", "min_len").is_some_and(|least| least > 0) && !rules.ignores_empty() {
        found.push(("min_len", String::new()));
    }
    if rules.text("string", "pattern").is_some() {
        found.push(("pattern", "\u{1}".into()));
    }
    if rules.switch("string", "uuid") {
        found.push(("uuid", "not an id".into()));
        if !rules.ignores_empty() {
            found.push(("uuid", String::new()));
        }
    }
    if rules.switch("string", "email") {
        found.push(("email", "not an address".into()));
    }
    found
}

fn list(place: &Place, rules: &Rules) -> Vec<(&'static str, Option<Value>)> {
    let mut found = Vec::new();
    if rules.number("repeated", "min_items").is_some_and(|least| least > 0) {
        found.push(("min_items", None));
    }
    let item = |text: String| Value::List(vec![Value::String(text)]);
    if !matches!(place.field().kind(), Kind::String) {
        return found;
    }
    if let Some(most) = rules.number("repeated", "max_items") {
        let one = |number| Value::String(format!("item {number}"));
        found.push(("max_items", Some(Value::List((0..=most).map(one).collect()))));
    }
    if rules.switch("repeated", "unique") {
        let same = || Value::String("same".into());
        found.push(("unique", Some(Value::List(vec![same(), same()]))));
    }
    for (rule, text) in texts(&rules.items()) {
        found.push((rule, Some(item(text))));
    }
    found
}
