//! Messages filled from their contract alone.

use std::collections::BTreeMap;

use bytes::Bytes;
use devsphere_rpc::validate;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value};
use uuid::Uuid;

use super::{
    needs::names_it,
    rules::{Rules, example, kind_name, noun, ours},
};

/// Ids by noun, or secrets by field name.
pub type Known = BTreeMap<String, Vec<String>>;

/// What a message is filled with beside its examples.
#[derive(Debug, Clone, Default)]
pub struct Filler {
    /// Ids of records by noun.
    pub records: Known,
    /// Values that were shown once, by field name.
    pub secrets: Known,
    /// The noun that the message creates: no id of that kind is filled in.
    pub creates: Option<String>,
    /// The paths of an update mask.
    pub mask: Vec<String>,
    /// Makes addresses unique; with 0 they are the examples.
    pub turn: usize,
    /// Which of an enum's values, from the first after zero, and which of the people known.
    pub variant: usize,
    /// Begins every free text, so that it is known wherever it turns up.
    pub canary: &'static str,
    /// How many items a list of messages has.
    pub many: usize,
}

impl Filler {
    /// A message that keeps every rule of its contract.
    ///
    /// # Errors
    /// What cannot be filled, or which rule is broken.
    pub fn fill(&self, descriptor: &MessageDescriptor) -> Result<DynamicMessage, String> {
        let message = self.message(descriptor, true)?;
        validate::message(&message)
            .map_err(|error| format!("filled against the rules: {error}"))?;
        Ok(message)
    }

    fn message(&self, descriptor: &MessageDescriptor, top: bool) -> Result<DynamicMessage, String> {
        let mut message = DynamicMessage::new(descriptor.clone());
        for field in descriptor.fields() {
            let chosen = field.containing_oneof().is_some_and(|oneof| {
                !oneof.is_synthetic() && oneof.fields().any(|other| message.has_field(&other))
            });
            if chosen || field.is_map() {
                continue;
            }
            if let Some(value) = self.value(&field, top)? {
                message.set_field(&field, value);
            }
        }
        Ok(message)
    }

    fn value(&self, field: &FieldDescriptor, top: bool) -> Result<Option<Value>, String> {
        let rules = Rules::of(field);
        if field.is_list() {
            return self.list(field, &rules).map(|items| items.map(Value::List));
        }
        if field.name() == "request_id" {
            // Only the request's own: what is nested in a batch has none.
            return Ok(top.then(|| Value::String(Uuid::now_v7().to_string())));
        }
        if let Some(noun) = noun(field) {
            return self.id(field, &noun);
        }
        if let Some(secret) = self.secrets.get(field.name()).and_then(|found| found.first()) {
            return Ok(Some(Value::String(secret.clone())));
        }
        // A page must lie on its site, which has another address than the example.
        if let Some(example) = example(field).filter(|_| field.name() != "target_url") {
            return self.parse(field, &rules, &example).map(Some);
        }
        self.free(field, &rules)
    }

    fn id(&self, field: &FieldDescriptor, noun: &str) -> Result<Option<Value>, String> {
        if self.creates.as_deref() == Some(noun) {
            return Ok(None);
        }
        let ids = self.records.get(noun).map(Vec::as_slice).unwrap_or_default();
        let known = match names_it(field, noun) {
            true => ids.first(),
            false => ids.get(self.variant % ids.len().max(1)),
        };
        let id =
            known.ok_or_else(|| format!("{} names a {noun}, which nothing makes", field.name()))?;
        Ok(Some(Value::String(id.clone())))
    }

    fn list(&self, field: &FieldDescriptor, rules: &Rules) -> Result<Option<Vec<Value>>, String> {
        if let Some(inner) = ours(field) {
            let items = (0..self.many.max(1)).map(|place| {
                let filler = Self { turn: self.turn * 1_000 + place, ..self.clone() };
                filler.message(&inner, false).map(Value::Message)
            });
            return items.collect::<Result<_, _>>().map(Some);
        }
        if let Some(noun) = noun(field) {
            let ids = self.records.get(&noun).into_iter().flatten();
            return Ok(Some(ids.map(|id| Value::String(id.clone())).collect()));
        }
        if let Some(example) = example(field) {
            return Ok(Some(vec![self.parse(field, &rules.items(), &example)?]));
        }
        if rules.number("repeated", "min_items").is_some_and(|least| least > 0) {
            return Ok(self.free(field, &rules.items())?.map(|item| vec![item]));
        }
        Ok(None)
    }

    fn parse(&self, field: &FieldDescriptor, rules: &Rules, text: &str) -> Result<Value, String> {
        let bad = || format!("the example of {} is no {}", field.full_name(), kind_name(field));
        Ok(match field.kind() {
            Kind::String if rules.switch("string", "email") && self.turn > 0 => {
                Value::String(format!("m{}.{text}", self.turn))
            }
            // Some names are unique in their organisation.
            Kind::String if ["display_name", "phrase"].contains(&field.name()) && self.turn > 0 => {
                Value::String(format!("{}{text} {}", self.canary, self.turn))
            }
            // So are the addresses of sites.
            Kind::String if field.name() == "base_url" && self.turn > 0 => {
                Value::String(text.replace("://", &format!("://m{}.", self.turn)))
            }
            Kind::String if is_free(field, rules) => {
                Value::String(format!("{}{text}", self.canary))
            }
            Kind::String => Value::String(text.to_owned()),
            Kind::Bytes => Value::Bytes(Bytes::from(text.to_owned().into_bytes())),
            Kind::Bool => Value::Bool(text.parse().map_err(|_| bad())?),
            Kind::Enum(kind) => {
                Value::EnumNumber(kind.get_value_by_name(text).ok_or_else(bad)?.number())
            }
            Kind::Double | Kind::Float => float(&field.kind(), text.parse().map_err(|_| bad())?),
            Kind::Message(_) => return Err(bad()),
            kind => integer(&kind, text.parse().map_err(|_| bad())?),
        })
    }

    /// A value for a field that names none: the emptiest that its rules allow.
    fn free(&self, field: &FieldDescriptor, rules: &Rules) -> Result<Option<Value>, String> {
        match field.kind() {
            Kind::Message(mask) if mask.full_name() == "google.protobuf.FieldMask" => {
                let mut paths = DynamicMessage::new(mask);
                let list = self.mask.iter().map(|path| Value::String(path.clone())).collect();
                paths.set_field_by_name("paths", Value::List(list));
                Ok(Some(Value::Message(paths)))
            }
            Kind::Message(_) if ours(field).is_some() => {
                let inner = ours(field).map(|inner| self.message(&inner, false)).transpose()?;
                Ok(inner.map(Value::Message))
            }
            Kind::Message(other) if rules.required() => {
                Err(format!("{} is a {}, without an example", field.name(), other.full_name()))
            }
            Kind::Enum(kind) => {
                let values: Vec<_> = kind.values().filter(|value| value.number() != 0).collect();
                let place = self.variant % values.len().max(1);
                Ok(values.get(place).map(|value| Value::EnumNumber(value.number())))
            }
            Kind::String => self.free_text(field, rules),
            Kind::Message(_) | Kind::Bool | Kind::Bytes => Ok(None),
            kind => {
                let kind_name = kind_name(field);
                let least = rules.number(kind_name, "gte");
                let least = least.or_else(|| rules.number(kind_name, "gt").map(|least| least + 1));
                Ok(least.filter(|least| *least > 0).map(|least| integer(&kind, least)))
            }
        }
    }

    fn free_text(&self, field: &FieldDescriptor, rules: &Rules) -> Result<Option<Value>, String> {
        let needed = rules.required() || !rules.ignores_empty();
        let least = rules.number("string", "min_len").unwrap_or_default();
        let text = if rules.switch("string", "uuid") && needed {
            Uuid::now_v7().to_string()
        } else if rules.switch("string", "email") && needed {
            format!("m{}@example.com", self.turn)
        } else if rules.text("string", "pattern").is_some() && needed {
            return Err(format!("{} has a pattern, and no example", field.name()));
        } else if least > 0 {
            "x".repeat(least.try_into().unwrap_or(1))
        } else {
            return Ok(None);
        };
        Ok(Some(Value::String(text)))
    }
}

/// Whether any text will do: no rule says what it must look like, and no reader parses it.
fn is_free(field: &FieldDescriptor, rules: &Rules) -> bool {
    let shaped = ["uuid", "email"].iter().any(|rule| rules.switch("string", rule))
        || rules.text("string", "pattern").is_some();
    let free = ["name", "company", "title", "source", "note", "reason", "tags"];
    !shaped && free.iter().any(|word| field.name().ends_with(word))
}

fn float(kind: &Kind, number: f64) -> Value {
    match kind {
        #[expect(clippy::cast_possible_truncation, reason = "an example of a contract")]
        Kind::Float => Value::F32(number as f32),
        _ => Value::F64(number),
    }
}

/// The number as the field's own type; one that it cannot hold stays at the type's end.
pub fn integer(kind: &Kind, number: i64) -> Value {
    match kind {
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => {
            Value::I32(number.clamp(i32::MIN.into(), i32::MAX.into()).try_into().unwrap())
        }
        Kind::Uint32 | Kind::Fixed32 => {
            Value::U32(number.clamp(0, u32::MAX.into()).try_into().unwrap())
        }
        Kind::Uint64 | Kind::Fixed64 => Value::U64(number.max(0).cast_unsigned()),
        _ => Value::I64(number),
    }
}
