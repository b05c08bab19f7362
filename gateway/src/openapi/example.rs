//! Examples, from what the contracts give for each field.

use devsphere_proto::{Body, option};
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value, json};

/// Messages nest no deeper than this.
const DEEPEST: usize = 5;

/// An id of nobody's, in the form of ours.
const ID: &str = "0190c2f6-1c5e-7d1a-9c39-0d4a4f2b6e01";

/// A value that a field may have; none where the contract gives none.
pub(super) fn field(field: &FieldDescriptor) -> Option<Value> {
    let text = option(&field.options(), "example")?;
    let text = text.as_str()?;
    let value = match field.kind() {
        Kind::Bool => json!(text == "true"),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 | Kind::Uint32 | Kind::Fixed32 => {
            json!(text.parse::<i64>().ok()?)
        }
        Kind::Float | Kind::Double => json!(text.parse::<f64>().ok()?),
        _ => json!(text),
    };
    Some(if field.is_list() { json!([value]) } else { value })
}

/// What names a record.
pub(super) fn id(field: &FieldDescriptor) -> Option<Value> {
    option(&field.options(), "ref")?;
    Some(if field.is_list() { json!([ID]) } else { json!(ID) })
}

/// A body that a binding could take, with the fields that the path does not have.
pub(super) fn body(input: &MessageDescriptor, body: &Body, elsewhere: &[&str]) -> Option<Value> {
    match body {
        Body::None => None,
        Body::Whole => Some(message(input, elsewhere, 0)),
        Body::Field(field) => match field.kind() {
            Kind::Message(kind) => Some(message(&kind, &[], 0)),
            _ => self::field(field),
        },
    }
}

fn message(kind: &MessageDescriptor, elsewhere: &[&str], depth: usize) -> Value {
    let mut object = Map::new();
    // Members come without names of records: those of a resource are the mesh's to give.
    let is_request = kind.name().ends_with("Request");
    for field in kind.fields().filter(|field| !elsewhere.contains(&field.name())) {
        let inner = match field.kind() {
            Kind::Message(kind)
                if kind.full_name().starts_with("devsphere.") && depth < DEEPEST =>
            {
                let value = message(&kind, &[], depth + 1);
                let is_empty = value.as_object().is_none_or(Map::is_empty);
                (!is_empty).then(|| if field.is_list() { json!([value]) } else { value })
            }
            _ => self::field(&field).or_else(|| id(&field).filter(|_| is_request)),
        };
        if let Some(value) = inner {
            object.insert(field.name().to_owned(), value);
        }
    }
    Value::Object(object)
}
