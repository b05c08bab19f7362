//! The parameters of an operation: path, query, and the headers that stand for fields.

use devsphere_proto::{Binding, Body, Method, at};
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Value, json};

use super::{
    example,
    rules::Rules,
    schema::{Schemas, Way},
};

/// All of them.
pub(super) fn of(method: &Method, binding: &Binding, schemas: &mut Schemas) -> Vec<Value> {
    let input = method.descriptor.input();
    let mut found = Vec::new();
    for variable in binding.template.variables() {
        let Some(field) = at(&input, &variable.field) else { continue };
        let mut schema = schemas.field(&field, Way::In);
        let example = example::field(&field).or_else(|| example::id(&field));
        // An empty segment would be another path.
        schema["minLength"] = json!(1);
        found.push(json!({
            "name": variable.name(),
            "in": "path",
            "required": true,
            "schema": schema,
            "example": example,
        }));
    }
    if binding.body != Body::Whole {
        query(&input, "", method, binding, schemas, &mut found);
    }
    found.extend(headers(method, binding));
    found.push(json!({
        "name": "Accept-Language",
        "in": "header",
        "description": "The language of `LocalizedMessage` in errors: `en` or `de`.",
        "schema": { "type": "string", "maxLength": 100, "pattern": "^[A-Za-z, ;=.0-9*-]*$" },
    }));
    found
}

fn query(
    message: &MessageDescriptor,
    above: &str,
    method: &Method,
    binding: &Binding,
    schemas: &mut Schemas,
    found: &mut Vec<Value>,
) {
    for field in message.fields() {
        let path = format!("{above}{}", field.name());
        let in_path = binding.template.variables().iter().any(|variable| variable.field == path);
        let in_body = above.is_empty() && binding.body == Body::Field(field.clone());
        if in_path || in_body {
            continue;
        }
        match field.kind() {
            Kind::Message(inner) if inner.full_name().starts_with("devsphere.") => {
                if !field.is_list() {
                    query(&inner, &format!("{path}."), method, binding, schemas, found);
                }
            }
            _ => found.push(one(&field, &path, method, schemas)),
        }
    }
}

fn one(field: &FieldDescriptor, path: &str, method: &Method, schemas: &mut Schemas) -> Value {
    let mut schema = schemas.field(field, Way::In);
    let description = schema.as_object_mut().and_then(|schema| schema.remove("description"));
    // An update's mask is derived from its body.
    let required = Rules::of(field).required() && path != "update_mask";
    let mut parameter = json!({
        "name": path,
        "in": "query",
        "required": required,
        "schema": schema,
    });
    if let Some(description) = description {
        parameter["description"] = description;
    }
    let example = example::field(field).or_else(|| example::id(field).filter(|_| method.reads));
    if let Some(example) = example {
        parameter["example"] = example;
    }
    parameter
}

fn headers(method: &Method, binding: &Binding) -> Vec<Value> {
    let input = method.descriptor.input();
    let has = |name: &str| input.get_field_by_name(name).is_some();
    let in_body = match &binding.body {
        Body::Field(field) => {
            let kind = field.kind();
            kind.as_message().is_some_and(|kind| kind.get_field_by_name("etag").is_some())
        }
        _ => false,
    };
    let mut found = Vec::new();
    let mut header = |name: &str, description: &str, schema: Value| {
        found.push(json!({
            "name": name, "in": "header", "description": description, "schema": schema,
        }));
    };
    if has("etag") || in_body {
        let schema = json!({ "type": "string", "pattern": "^\"W[0-9]{1,10}\"$" });
        header("If-Match", "The etag that was read; stands for the field `etag`.", schema);
    }
    if has("request_id") && !method.reads {
        let schema = json!({ "type": "string", "pattern": "^[A-Za-z0-9-]{1,60}$" });
        let words = "Stands for `request_id`: a UUID as it is, any other text by its hash.";
        header("Idempotency-Key", words, schema);
    }
    if has("validate_only") {
        let schema = json!({ "type": "string", "enum": ["validate-only"] });
        header("Prefer", "Checks everything, changes nothing.", schema);
    }
    found
}
