//! JSON to a message: unknown fields are named, and everything wrong is said at once.

use devsphere_error::{Error, Result, Violation};
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value as Field};
use serde_json::Value;

use super::{leaf, scan};

/// More of them would say nothing more.
const MOST_VIOLATIONS: usize = 100;

/// A longer name is not repeated in full.
const SHOWN_CHARS: usize = 60;

/// Reads values into messages, and gathers what is wrong.
#[derive(Debug, Default)]
pub(crate) struct Reader(Vec<Violation>);

/// JSON, if it is any and of a sane size; nothing at all is an empty object.
pub(crate) fn parse(json: &[u8]) -> Result<Value> {
    if json.is_empty() {
        return Ok(Value::Object(serde_json::Map::new()));
    }
    scan::check(json)?;
    serde_json::from_slice(json).map_err(|_| Error::BadRequest {
        cause: "malformed_message",
        message: "the body is no valid JSON",
    })
}

/// One message from its JSON.
pub(crate) fn read(kind: &MessageDescriptor, json: &[u8]) -> Result<DynamicMessage> {
    let mut reader = Reader::default();
    let message = reader.message(kind, parse(json)?, "");
    reader.done()?;
    Ok(message)
}

impl Reader {
    /// Notes what is wrong with a field.
    pub(crate) fn note(&mut self, field: impl Into<String>, description: impl Into<String>) {
        if self.0.len() < MOST_VIOLATIONS {
            self.0.push(Violation::new(field, description));
        }
    }

    /// Fails with everything noted, if anything was.
    pub(crate) fn done(self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::Invalid(self.0)) }
    }

    /// A message from an object; `path` is where it stands in the request.
    pub(crate) fn message(
        &mut self,
        kind: &MessageDescriptor,
        value: Value,
        path: &str,
    ) -> DynamicMessage {
        let mut message = DynamicMessage::new(kind.clone());
        let Value::Object(members) = value else {
            self.note(if path.is_empty() { "body" } else { path }, "must be an object");
            return message;
        };
        for (name, value) in members {
            let Some(field) =
                kind.get_field_by_name(&name).or_else(|| kind.get_field_by_json_name(&name))
            else {
                self.note(join(path, &shown(&name)), "is unknown");
                continue;
            };
            let path = join(path, field.name());
            if message.has_field(&field) {
                self.note(path, "is given twice");
            } else if !value.is_null() {
                self.field(&mut message, &field, value, &path);
            }
        }
        message
    }

    /// Sets one field of a message.
    pub(crate) fn field(
        &mut self,
        message: &mut DynamicMessage,
        field: &FieldDescriptor,
        value: Value,
        path: &str,
    ) {
        let found = if field.is_map() {
            leaf::whole(field, value).map_err(|problem| self.note(path, problem)).ok()
        } else if field.is_list() {
            self.list(field, value, path)
        } else {
            self.single(field, value, path)
        };
        if let Some(found) = found {
            message.set_field(field, found);
        }
    }

    fn list(&mut self, field: &FieldDescriptor, value: Value, path: &str) -> Option<Field> {
        let Value::Array(items) = value else {
            self.note(path, "must be a list");
            return None;
        };
        let items = items.into_iter().enumerate();
        let items =
            items.filter_map(|(index, item)| self.single(field, item, &format!("{path}[{index}]")));
        Some(Field::List(items.collect()))
    }

    fn single(&mut self, field: &FieldDescriptor, value: Value, path: &str) -> Option<Field> {
        match field.kind() {
            Kind::Message(kind) if !leaf::is_leaf(&kind) => {
                Some(Field::Message(self.message(&kind, value, path)))
            }
            _ => leaf::single(field, value).map_err(|problem| self.note(path, problem)).ok(),
        }
    }
}

/// A path and a name below it.
pub(crate) fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// What a client calls a field, fit to be said back.
pub(crate) fn shown(name: &str) -> String {
    let mut shown: String = name.chars().filter(|c| !c.is_control()).take(SHOWN_CHARS).collect();
    if shown.len() < name.len() {
        shown.push('…');
    }
    shown
}
