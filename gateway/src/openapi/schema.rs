//! Messages as schemas: what is sent with its rules, what is answered with its types.

use std::collections::BTreeMap;

use devsphere_proto::{comment_at, option};
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value, json};

use super::{example, rules::Rules};

/// The way that a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Way {
    In,
    Out,
}

/// The schemas that others refer to, by name.
#[derive(Debug, Default)]
pub(super) struct Schemas(BTreeMap<String, Value>);

impl Schemas {
    /// A reference to the schema of a message.
    pub(super) fn refer(&mut self, message: &MessageDescriptor, way: Way) -> Value {
        let short = message.full_name().trim_start_matches("devsphere.");
        let name = match way {
            Way::In => format!("{short}.Input"),
            Way::Out => short.to_owned(),
        };
        if !self.0.contains_key(&name) {
            // A message may hold itself.
            self.0.insert(name.clone(), Value::Null);
            let schema = self.object(message, way, &[]);
            self.0.insert(name.clone(), schema);
        }
        json!({ "$ref": format!("#/components/schemas/{name}") })
    }

    /// A message's own schema, without the fields that stand elsewhere.
    pub(super) fn object(
        &mut self,
        message: &MessageDescriptor,
        way: Way,
        elsewhere: &[&str],
    ) -> Value {
        let mut properties = Map::new();
        let mut required = Vec::new();
        for field in message.fields().filter(|field| !elsewhere.contains(&field.name())) {
            properties.insert(field.name().to_owned(), self.field(&field, way));
            let is_needed = match way {
                Way::In => Rules::of(&field).required(),
                // What has no presence is always said.
                Way::Out => !field.supports_presence(),
            };
            if is_needed {
                required.push(field.name().to_owned());
            }
        }
        let mut schema = json!({ "type": "object", "properties": properties });
        if !required.is_empty() {
            schema["required"] = json!(required);
        }
        if way == Way::In {
            schema["additionalProperties"] = json!(false);
        }
        let comment = comment_at(&message.parent_file(), message.path());
        if !comment.is_empty() {
            schema["description"] = json!(comment);
        }
        schema
    }

    /// The schema of a field.
    pub(super) fn field(&mut self, field: &FieldDescriptor, way: Way) -> Value {
        let rules = Rules::of(field);
        let mut schema = Map::new();
        if field.is_map() {
            schema.insert("type".into(), json!("object"));
        } else if field.is_list() {
            schema.insert("type".into(), json!("array"));
            let mut items = self.single(field, way);
            if way == Way::In {
                rules.items().constrain(&mut items);
            }
            schema.insert("items".into(), Value::Object(items));
        } else {
            schema = self.single(field, way);
        }
        let mut words = vec![comment_at(&field.parent_message().parent_file(), field.path())];
        if way == Way::In {
            if schema.contains_key("type") {
                rules.constrain(&mut schema);
            }
            words.extend(rules.words());
            if let Some(example) = example::field(field) {
                schema.insert("examples".into(), json!([example]));
            }
        }
        if let Some(noun) =
            option(&field.options(), "ref").and_then(|noun| noun.as_str().map(str::to_owned))
        {
            schema.insert("x-ref".into(), json!(noun));
        }
        words.retain(|word| !word.is_empty());
        if !words.is_empty() {
            schema.insert("description".into(), json!(words.join("; ")));
        }
        Value::Object(schema)
    }

    fn single(&mut self, field: &FieldDescriptor, way: Way) -> Map<String, Value> {
        let schema = match field.kind() {
            Kind::String => json!({ "type": "string" }),
            Kind::Bool => json!({ "type": "boolean" }),
            Kind::Bytes => json!({ "type": "string", "contentEncoding": "base64" }),
            Kind::Float | Kind::Double => json!({ "type": "number" }),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => {
                json!({ "type": "integer", "format": "int32", "minimum": i32::MIN, "maximum": i32::MAX })
            }
            Kind::Uint32 | Kind::Fixed32 => {
                json!({ "type": "integer", "minimum": 0, "maximum": u32::MAX })
            }
            // A text, since JavaScript's numbers cannot hold it.
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => {
                json!({ "type": "string", "format": "int64", "pattern": "^-?[0-9]{1,18}$" })
            }
            Kind::Uint64 | Kind::Fixed64 => {
                json!({ "type": "string", "format": "uint64", "pattern": "^[0-9]{1,18}$" })
            }
            Kind::Enum(kind) => {
                let values = kind.values().filter(|value| way == Way::Out || value.number() != 0);
                let names: Vec<_> = values.map(|value| value.name().to_owned()).collect();
                json!({ "type": "string", "enum": names })
            }
            Kind::Message(kind) => match kind.full_name() {
                "google.protobuf.Timestamp" => json!({ "type": "string", "format": "date-time" }),
                "google.protobuf.Duration" => {
                    json!({ "type": "string", "pattern": "^-?[0-9]{1,12}([.][0-9]{1,9})?s$" })
                }
                "google.protobuf.FieldMask" => json!({ "type": "string", "maxLength": 2000 }),
                name if name.starts_with("google.protobuf.") => json!({}),
                _ => self.refer(&kind, way),
            },
        };
        schema.as_object().cloned().unwrap_or_default()
    }

    /// All of them.
    pub(super) fn done(self) -> Value {
        json!(self.0)
    }
}
