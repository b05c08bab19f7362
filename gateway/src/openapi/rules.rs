//! The rules of `buf.validate` on a field, as constraints of JSON Schema.

use prost_reflect::{DynamicMessage, FieldDescriptor, ReflectMessage as _, Value};
use serde_json::{Map, json};

/// The rules of one field, or of the items of a list.
pub(super) struct Rules(Option<DynamicMessage>);

impl Rules {
    pub(super) fn of(field: &FieldDescriptor) -> Self {
        let options = field.options();
        let kind = options.descriptor();
        let known = kind.extensions().find(|known| known.full_name() == "buf.validate.field");
        let declared = known.filter(|known| options.has_extension(known));
        let rules = declared.map(|known| options.get_extension(&known).into_owned());
        Self(rules.and_then(|rules| rules.as_message().cloned()))
    }

    pub(super) fn items(&self) -> Self {
        Self(self.rule("repeated", "items").and_then(|items| items.as_message().cloned()))
    }

    /// Whether an empty value is refused: it must be given.
    pub(super) fn required(&self) -> bool {
        let declared = self.get("required").is_some_and(|value| value.as_bool() == Some(true));
        let ignored = self.get("ignore").is_some_and(|value| value.as_enum_number() == Some(1));
        let some = |kind, name| self.number(kind, name).is_some_and(|number| number > 0);
        let never_empty = some("string", "min_len")
            || some("repeated", "min_items")
            || self.switch("string", "uuid")
            || self.switch("string", "email");
        declared || (never_empty && !ignored)
    }

    /// Adds what JSON Schema has words for.
    pub(super) fn constrain(&self, schema: &mut Map<String, serde_json::Value>) {
        for (kind, rule, word) in [
            ("string", "min_len", "minLength"),
            ("string", "max_len", "maxLength"),
            ("string", "max_bytes", "maxLength"),
            ("string", "len", "maxLength"),
            ("repeated", "min_items", "minItems"),
            ("repeated", "max_items", "maxItems"),
            ("int32", "gte", "minimum"),
            ("int32", "lte", "maximum"),
            ("int32", "gt", "exclusiveMinimum"),
            ("int32", "lt", "exclusiveMaximum"),
            ("uint32", "gte", "minimum"),
            ("uint32", "lte", "maximum"),
        ] {
            if let Some(number) = self.number(kind, rule) {
                schema.insert(word.into(), json!(number));
            }
        }
        for (rule, word) in [("gte", "minimum"), ("lte", "maximum")] {
            if let Some(number) = self.rule("double", rule).and_then(|value| value.as_f64()) {
                schema.insert(word.into(), json!(number));
            }
        }
        for (rule, format) in [("uuid", "uuid"), ("email", "email"), ("uri", "uri")] {
            if self.switch("string", rule) {
                schema.insert("format".into(), json!(format));
            }
        }
        if let Some(pattern) = self.text("string", "pattern") {
            // RE2 and ECMA agree on what the contracts use, but for a slash that needs no escape.
            schema.insert("pattern".into(), json!(pattern.replace("\\/", "/")));
        }
        if self.switch("repeated", "unique") {
            schema.insert("uniqueItems".into(), json!(true));
        }
    }

    /// What only words can say.
    pub(super) fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        for bound in ["gte", "lte"] {
            if let Some(number) = self.number("int64", bound) {
                let less = if bound == "gte" { "at least" } else { "at most" };
                words.push(format!("{less} {number}"));
            }
        }
        let rules = self.get("cel");
        let rules = rules.as_ref().and_then(Value::as_list).into_iter().flatten();
        words.extend(rules.filter_map(|rule| {
            let message = rule.as_message()?.get_field_by_name("message")?;
            message.as_str().map(str::to_owned)
        }));
        words
    }

    fn number(&self, kind: &str, name: &str) -> Option<i64> {
        let value = self.rule(kind, name)?;
        value
            .as_i64()
            .or_else(|| value.as_i32().map(i64::from))
            .or_else(|| value.as_u64().and_then(|number| number.try_into().ok()))
            .or_else(|| value.as_u32().map(i64::from))
    }

    fn switch(&self, kind: &str, name: &str) -> bool {
        self.rule(kind, name).is_some_and(|value| value.as_bool() == Some(true))
    }

    fn text(&self, kind: &str, name: &str) -> Option<String> {
        self.rule(kind, name)?.as_str().map(str::to_owned)
    }

    fn rule(&self, kind: &str, name: &str) -> Option<Value> {
        set(self.get(kind)?.as_message()?, name)
    }

    fn get(&self, name: &str) -> Option<Value> {
        set(self.0.as_ref()?, name)
    }
}

fn set(message: &DynamicMessage, name: &str) -> Option<Value> {
    let value = message.has_field_by_name(name).then(|| message.get_field_by_name(name))??;
    Some(value.into_owned())
}
