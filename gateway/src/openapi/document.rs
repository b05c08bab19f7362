//! The OpenAPI document: every method where `google.api.http` places it.

use devsphere_proto::{Access, Binding, Body, Contract, Method, comment, comment_at, option};
use serde_json::{Value, json};

use super::{
    access, example, methods, parameters, responses,
    schema::{Schemas, Way},
};

/// The whole document.
pub(super) fn write(contract: &Contract) -> Value {
    let mut schemas = Schemas::default();
    let mut paths = json!({});
    let mut tags = Vec::new();
    for method in methods(contract) {
        let service = method.descriptor.parent_service();
        let tag = tag(method);
        if !tags.iter().any(|known: &Value| known["name"] == tag) {
            let words = comment_at(&service.parent_file(), service.path());
            tags.push(json!({ "name": tag, "description": words }));
        }
        for (index, binding) in method.bindings.iter().enumerate() {
            let path = binding.template.openapi();
            let verb = binding.verb.to_lowercase();
            paths[path][verb] = operation(method, binding, index, &mut schemas);
        }
    }
    let mut schemas = schemas.done();
    schemas["Error"] = responses::error();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "DevSphere OS",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Made from the contracts. Fields that are given in neither case stay as they are; unknown ones are refused.",
        },
        "servers": [{ "url": "/" }],
        "tags": tags,
        "security": [{ "bearer": [] }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": responses::shared(),
            "securitySchemes": {
                "bearer": { "type": "http", "scheme": "bearer" },
            },
        },
    })
}

/// As in `crm.LeadService`.
pub(super) fn tag(method: &Method) -> String {
    format!("{}.{}", method.module, method.descriptor.parent_service().name())
}

fn operation(method: &Method, binding: &Binding, index: usize, schemas: &mut Schemas) -> Value {
    let service = method.descriptor.parent_service();
    let words = comment(method);
    let summary = words.split_inclusive(". ").next().unwrap_or_default().trim();
    let again = if index == 0 { String::new() } else { format!("_{}", index + 1) };
    let mut operation = json!({
        "operationId": format!("{}_{}{again}", service.name(), method.descriptor.name()),
        "tags": [tag(method)],
        "summary": summary,
        "description": words,
        "parameters": parameters::of(method, binding, schemas),
        "responses": responses::of(method, binding, schemas),
        "x-permission": access(method),
        "x-rpc": method.path,
    });
    let scope = option(&method.descriptor.options(), "scope");
    if let Some(scope) = scope.as_ref().and_then(|scope| scope.as_str()) {
        operation["x-scope"] = json!(scope);
    }
    if method.access == Access::Public {
        operation["security"] = json!([]);
    }
    if let Some(body) = request_body(method, binding, schemas) {
        operation["requestBody"] = body;
    }
    operation
}

fn request_body(method: &Method, binding: &Binding, schemas: &mut Schemas) -> Option<Value> {
    let input = method.descriptor.input();
    let elsewhere: Vec<_> =
        binding.template.variables().iter().map(|variable| variable.field.as_str()).collect();
    let (schema, required) = match &binding.body {
        Body::None => return None,
        Body::Whole => (schemas.object(&input, Way::In, &elsewhere), false),
        Body::Field(field) => (schemas.field(field, Way::In), true),
    };
    let required = required || schema.get("required").is_some();
    let example = example::body(&input, &binding.body, &elsewhere);
    Some(json!({
        "required": required,
        "content": { "application/json": { "schema": schema, "example": example } },
    }))
}
