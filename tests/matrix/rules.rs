//! What a contract says of a field beside its type: `ref`, `example`, and the rules of `buf.validate`.

use devsphere_proto::option;
use prost_reflect::{
    DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, ReflectMessage as _, Value,
};

/// Messages nest no deeper than this.
const DEEPEST: usize = 5;

/// A field of a request by the way to it; of a list, the first item.
#[derive(Debug, Clone)]
pub struct Place(Vec<FieldDescriptor>);

/// The rules of one field, or of the items of a list.
#[derive(Debug, Clone)]
pub struct Rules(Option<DynamicMessage>);

/// The noun whose record the field names.
pub fn noun(field: &FieldDescriptor) -> Option<String> {
    option(&field.options(), "ref")?.as_str().map(str::to_owned)
}

/// A value that the rules accept.
pub fn example(field: &FieldDescriptor) -> Option<String> {
    option(&field.options(), "example")?.as_str().map(str::to_owned)
}

/// The message of one of our own contracts that the field holds.
pub fn ours(field: &FieldDescriptor) -> Option<MessageDescriptor> {
    match field.kind() {
        Kind::Message(message) if message.full_name().starts_with("devsphere.") => Some(message),
        _ => None,
    }
}

/// Every field of a message, with those of the messages inside.
pub fn places(message: &MessageDescriptor) -> Vec<Place> {
    let mut found = Vec::new();
    gather(message, &[], &mut found);
    found
}

fn gather(message: &MessageDescriptor, above: &[FieldDescriptor], found: &mut Vec<Place>) {
    if above.len() >= DEEPEST {
        return;
    }
    for field in message.fields() {
        let place = [above, std::slice::from_ref(&field)].concat();
        found.push(Place(place.clone()));
        if let Some(inner) = ours(&field) {
            gather(&inner, &place, found);
        }
    }
}

impl Place {
    /// The field itself.
    pub fn field(&self) -> &FieldDescriptor {
        &self.0[self.0.len() - 1]
    }

    /// As a violation names it: `requests[0].lead.email`.
    pub fn name(&self) -> String {
        let (last, above) = self.0.split_last().unwrap();
        let step = |field: &FieldDescriptor| {
            let item = if field.is_list() { "[0]" } else { "" };
            format!("{}{item}.", field.name())
        };
        above.iter().map(step).collect::<String>() + last.name()
    }

    /// Puts a value there, or takes away what is there.
    pub fn put(&self, message: &mut DynamicMessage, value: Option<Value>) {
        let (last, above) = self.0.split_last().unwrap();
        let mut at = message;
        for field in above {
            let inner = match at.get_field_mut(field) {
                Value::List(items) => items.first_mut(),
                value => Some(value),
            };
            match inner.and_then(Value::as_message_mut) {
                Some(message) => at = message,
                None => return,
            }
        }
        match value {
            Some(value) => at.set_field(last, value),
            None => at.clear_field(last),
        }
    }
}

impl Rules {
    /// Those that the field declares.
    pub fn of(field: &FieldDescriptor) -> Self {
        let options = field.options();
        let declarable = options.descriptor();
        let known = declarable.extensions().find(|known| known.full_name() == "buf.validate.field");
        let declared = known.filter(|known| options.has_extension(known));
        let rules = declared.map(|known| options.get_extension(&known).into_owned());
        Self(rules.and_then(|rules| rules.as_message().cloned()))
    }

    /// Those of each item of a list.
    pub fn items(&self) -> Self {
        let items = self.rule("repeated", "items");
        Self(items.and_then(|items| items.as_message().cloned()))
    }

    /// The field must be there.
    pub fn required(&self) -> bool {
        self.get("required").is_some_and(|value| value.as_bool() == Some(true))
    }

    /// No rule holds for an empty field.
    pub fn ignores_empty(&self) -> bool {
        self.get("ignore").is_some_and(|value| value.as_enum_number() == Some(1))
    }

    /// A rule that is a switch, as `string.uuid`.
    pub fn switch(&self, kind: &str, name: &str) -> bool {
        self.rule(kind, name).is_some_and(|value| value.as_bool() == Some(true))
    }

    /// A rule that is a text, as `string.pattern`.
    pub fn text(&self, kind: &str, name: &str) -> Option<String> {
        self.rule(kind, name)?.as_str().map(str::to_owned)
    }

    /// A rule that is a number, as `string.max_len`.
    pub fn number(&self, kind: &str, name: &str) -> Option<i64> {
        let value = self.rule(kind, name)?;
        value
            .as_i64()
            .or_else(|| value.as_i32().map(i64::from))
            .or_else(|| value.as_u64().and_then(|number| number.try_into().ok()))
            .or_else(|| value.as_u32().map(i64::from))
    }

    /// A rule that is a number with a fraction, as `double.lte`.
    pub fn fraction(&self, kind: &str, name: &str) -> Option<f64> {
        self.rule(kind, name)?.as_f64()
    }

    fn rule(&self, kind: &str, name: &str) -> Option<Value> {
        let of_kind = self.get(kind)?;
        let of_kind = of_kind.as_message()?;
        of_kind
            .has_field_by_name(name)
            .then(|| of_kind.get_field_by_name(name))?
            .map(|v| v.into_owned())
    }

    fn get(&self, name: &str) -> Option<Value> {
        let rules = self.0.as_ref()?;
        rules
            .has_field_by_name(name)
            .then(|| rules.get_field_by_name(name))?
            .map(|v| v.into_owned())
    }
}

/// The name of a field's type in `buf.validate`, as `int32`.
pub fn kind_name(field: &FieldDescriptor) -> &'static str {
    match field.kind() {
        Kind::Double => "double",
        Kind::Float => "float",
        Kind::Int32 => "int32",
        Kind::Int64 => "int64",
        Kind::Uint32 => "uint32",
        Kind::Uint64 => "uint64",
        Kind::Sint32 => "sint32",
        Kind::Sint64 => "sint64",
        Kind::Fixed32 => "fixed32",
        Kind::Fixed64 => "fixed64",
        Kind::Sfixed32 => "sfixed32",
        Kind::Sfixed64 => "sfixed64",
        Kind::Bool => "bool",
        Kind::String => "string",
        Kind::Bytes => "bytes",
        Kind::Message(_) => "message",
        Kind::Enum(_) => "enum",
    }
}
