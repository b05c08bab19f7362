//! Where a method lies in REST, as its `google.api.http` option says.

use prost_reflect::{
    DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, MethodDescriptor,
    ReflectMessage as _, Value,
};

use crate::template::Template;

/// Every path of REST begins so.
pub const ROOT: &str = "/api/v1/";

/// One way to a method.
#[derive(Debug)]
pub struct Binding {
    /// The HTTP method, as in `GET`.
    pub verb: &'static str,
    /// The path.
    pub template: Template,
    /// What the request's body is.
    pub body: Body,
    /// The field that the answer's body is, if it is not the whole answer.
    pub response_body: Option<FieldDescriptor>,
}

/// What a request's body is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// There is none: everything stands in path and query.
    None,
    /// The whole request, but for what the path says.
    Whole,
    /// One field; the others may stand in the query.
    Field(FieldDescriptor),
}

/// The ways to a method; none where it has no option.
pub(crate) fn of(method: &MethodDescriptor) -> Result<Vec<Binding>, String> {
    let options = method.options();
    let known = options.descriptor();
    let http = known.extensions().find(|known| known.full_name() == "google.api.http");
    let Some(http) = http.filter(|http| options.has_extension(http)) else { return Ok(Vec::new()) };
    let rule = options.get_extension(&http);
    let rule = rule.as_message().ok_or("google.api.http is no message")?;
    let mut bindings = vec![binding(method, rule)?];
    let others = field(rule, "additional_bindings");
    for other in others.as_list().into_iter().flatten().filter_map(Value::as_message) {
        bindings.push(binding(method, other)?);
    }
    Ok(bindings)
}

fn binding(method: &MethodDescriptor, rule: &DynamicMessage) -> Result<Binding, String> {
    const VERBS: [(&str, &str); 5] = [
        ("get", "GET"),
        ("put", "PUT"),
        ("post", "POST"),
        ("delete", "DELETE"),
        ("patch", "PATCH"),
    ];
    let mut found = VERBS.iter().filter(|(name, _)| rule.has_field_by_name(name));
    let (name, verb) = found.next().ok_or("google.api.http names no verb that we know")?;
    let path = text(rule, name);
    if !path.starts_with(ROOT) {
        return Err(format!("{path} does not begin with {ROOT}"));
    }
    let template = Template::parse(&path)?;
    let input = method.input();
    for variable in template.variables() {
        let end = at(&input, &variable.field)
            .ok_or_else(|| format!("{path}: no field {}", variable.field))?;
        if end.is_list() || end.is_map() || matches!(end.kind(), Kind::Message(_) | Kind::Bytes) {
            return Err(format!("{path}: {} is no single value", variable.field));
        }
    }
    let named = |message: &MessageDescriptor, name: &str| {
        message.get_field_by_name(name).ok_or_else(|| format!("{path}: no field {name}"))
    };
    let body = match text(rule, "body").as_str() {
        "" => Body::None,
        "*" => Body::Whole,
        name => Body::Field(named(&input, name)?),
    };
    if body != Body::None && matches!(*verb, "GET" | "DELETE") {
        return Err(format!("{path}: {verb} has no body"));
    }
    let response_body = match text(rule, "response_body").as_str() {
        "" => None,
        name => Some(named(&method.output(), name)?),
    };
    Ok(Binding { verb, template, body, response_body })
}

/// The field at a dotted path of a message.
pub fn at(message: &MessageDescriptor, path: &str) -> Option<FieldDescriptor> {
    let (name, rest) = path.split_once('.').map_or((path, None), |(name, rest)| (name, Some(rest)));
    let field = message.get_field_by_name(name)?;
    match rest {
        None => Some(field),
        Some(_) if field.is_list() || field.is_map() => None,
        Some(rest) => at(field.kind().as_message()?, rest),
    }
}

fn field(rule: &DynamicMessage, name: &str) -> Value {
    rule.get_field_by_name(name).map_or(Value::Bool(false), |value| value.into_owned())
}

fn text(rule: &DynamicMessage, name: &str) -> String {
    field(rule, name).as_str().map(str::to_owned).unwrap_or_default()
}
