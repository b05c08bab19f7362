//! Single values: scalars, enums, and messages that are written as one value (times, masks).

use devsphere_proto::at;
use prost_reflect::{
    DeserializeOptions, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor,
    ReflectMessage as _, Value as Field,
};
use serde_json::{Map, Value};

use super::json::Reader;

const STRICT: DeserializeOptions = DeserializeOptions::new();

/// Whether a message is written as one value in JSON.
pub(super) fn is_leaf(kind: &MessageDescriptor) -> bool {
    kind.package_name() == "google.protobuf" && kind.name() != "Empty"
}

/// One value of a field; of a list, one item.
pub(super) fn single(field: &FieldDescriptor, value: Value) -> Result<Field, String> {
    if let (Some(mask), Value::String(paths)) = (mask_kind(field), &value) {
        return Ok(mask_of(&mask, paths));
    }
    if !field.is_list() {
        return whole(field, value);
    }
    // It would be left out, and the others would move up.
    if value.is_null() {
        return Err(expected(field));
    }
    match whole(field, Value::Array(vec![value]))? {
        Field::List(mut items) if items.len() == 1 => Ok(items.remove(0)),
        _ => Err(expected(field)),
    }
}

/// The field's whole value.
pub(super) fn whole(field: &FieldDescriptor, value: Value) -> Result<Field, String> {
    let object = Value::Object(Map::from_iter([(field.name().to_owned(), value)]));
    let parent = field.parent_message().clone();
    let read = DynamicMessage::deserialize_with_options(parent, object, &STRICT);
    let mut message = read.map_err(|_| expected(field))?;
    // What equals the default is not kept.
    Ok(message.take_field(field).unwrap_or_else(|| Field::default_value_for_field(field)))
}

fn mask_kind(field: &FieldDescriptor) -> Option<MessageDescriptor> {
    let kind = field.kind().as_message()?.clone();
    (kind.full_name() == "google.protobuf.FieldMask").then_some(kind)
}

/// The paths as the contracts write them; the canonical form of JSON has them in camelCase.
fn mask_of(kind: &MessageDescriptor, paths: &str) -> Field {
    let snake = |path: &str| {
        path.trim().chars().fold(String::new(), |mut path, letter| {
            if letter.is_ascii_uppercase() {
                path.push('_');
            }
            path.push(letter.to_ascii_lowercase());
            path
        })
    };
    let paths = paths.split(',').filter(|path| !path.trim().is_empty());
    mask(kind, paths.map(snake))
}

/// A mask of those paths.
pub(crate) fn mask(kind: &MessageDescriptor, paths: impl Iterator<Item = String>) -> Field {
    let mut mask = DynamicMessage::new(kind.clone());
    mask.set_field_by_name("paths", Field::List(paths.map(Field::String).collect()));
    Field::Message(mask)
}

fn expected(field: &FieldDescriptor) -> String {
    match field.kind() {
        Kind::Bool => "must be true or false".into(),
        Kind::String => "must be a text".into(),
        Kind::Bytes => "must be a text in base64".into(),
        Kind::Float | Kind::Double => "must be a number".into(),
        Kind::Message(kind) => match kind.name() {
            "Timestamp" => "must be a time as in 2026-11-24T09:30:00Z".into(),
            "Duration" => "must be a duration as in 1.5s".into(),
            "FieldMask" => "must be a text of paths with commas between them".into(),
            _ => "has the wrong form".into(),
        },
        Kind::Enum(kind) => {
            let names = kind.values().filter(|value| value.number() != 0);
            let names: Vec<_> = names.map(|value| value.name().to_owned()).collect();
            format!("must be one of {}", names.join(", "))
        }
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => "must be a whole number of 64 bits".into(),
        Kind::Uint64 | Kind::Fixed64 | Kind::Uint32 | Kind::Fixed32 => {
            "must be a whole number, not below zero".into()
        }
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => "must be a whole number of 32 bits".into(),
    }
}

/// Sets the field at a dotted path from a text, as paths and queries carry it; of a list, adds an
/// item.
pub(crate) fn from_text(
    reader: &mut Reader,
    message: &mut DynamicMessage,
    path: &str,
    text: &str,
) -> Option<()> {
    let field = at(&message.descriptor(), path)?;
    if let Kind::Message(kind) = field.kind()
        && !is_leaf(&kind)
    {
        reader.note(path, "holds several values: name one of its fields");
        return Some(());
    }
    let value = match field.kind() {
        Kind::Bool if text == "true" || text == "false" => Value::Bool(text == "true"),
        Kind::Enum(_) => text
            .parse::<i32>()
            .map_or_else(|_| Value::String(text.to_owned()), |number| Value::Number(number.into())),
        _ => Value::String(text.to_owned()),
    };
    match single(&field, value) {
        Err(problem) => reader.note(path, problem),
        Ok(value) => {
            let place = place(message, path)?;
            match place.get_field_mut(&field) {
                Field::List(items) if field.is_list() => items.push(value),
                before => *before = value,
            }
        }
    }
    Some(())
}

/// The message that holds the field at a path, made where it is not there.
fn place<'a>(message: &'a mut DynamicMessage, path: &str) -> Option<&'a mut DynamicMessage> {
    match path.split_once('.') {
        None => Some(message),
        Some((name, rest)) => place(message.get_field_by_name_mut(name)?.as_message_mut()?, rest),
    }
}
