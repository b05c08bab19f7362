//! The contracts as text: every number that a client may have compiled in, and every rule.

use std::fmt::Write as _;

use devsphere_proto::{Access, Binding, Body, Contract, Method, option};
use prost_reflect::{
    DynamicMessage, EnumDescriptor, FieldDescriptor, FileDescriptor, Kind, MessageDescriptor,
    ServiceDescriptor, Value,
};

/// Every package, by name.
pub(super) fn text(contract: &Contract) -> String {
    let mut files: Vec<_> = ours(contract).collect();
    files.sort_by_key(|file| (file.package_name().to_owned(), file.name().to_owned()));
    let mut text = String::new();
    for file in files {
        let module = option(&file.options(), "module").and_then(|module| module.as_u32());
        let module = module.map(|module| format!(" module={module}")).unwrap_or_default();
        let _ = writeln!(text, "file {}{module}", file.name());
        file.services().for_each(|service| write_service(contract, &service, &mut text));
        file.messages().for_each(|message| write_message(&message, &mut text));
        file.enums().for_each(|kind| write_enum(&kind, &mut text));
        text.push('\n');
    }
    text
}

/// The files of our own contracts.
pub(super) fn ours(contract: &Contract) -> impl Iterator<Item = FileDescriptor> {
    contract.pool().files().filter(|file| file.package_name().starts_with("devsphere."))
}

fn write_service(contract: &Contract, service: &ServiceDescriptor, text: &mut String) {
    let _ = writeln!(text, "  service {}", service.name());
    for rpc in service.methods() {
        let path = format!("/{}/{}", service.full_name(), rpc.name());
        let Some(method) = contract.method(&path) else { continue };
        let stream = if method.streams { "stream " } else { "" };
        let (input, output) = (rpc.input(), rpc.output());
        let _ = writeln!(
            text,
            "    rpc {}({}) returns ({stream}{})",
            rpc.name(),
            input.name(),
            output.name()
        );
        let _ = writeln!(text, "      {}", declared(method));
        for binding in &method.bindings {
            let _ = writeln!(text, "      {}", rest(binding));
        }
    }
}

/// Where it lies in REST.
fn rest(binding: &Binding) -> String {
    let body = match &binding.body {
        Body::None => String::new(),
        Body::Whole => " body *".into(),
        Body::Field(field) => format!(" body {}", field.name()),
    };
    let answer = binding.response_body.as_ref();
    let answer = answer.map(|field| format!(" answer {}", field.name())).unwrap_or_default();
    format!("{} {}{body}{answer}", binding.verb, binding.template.openapi())
}

/// Who may call it and how, in one line.
pub(super) fn declared(method: &Method) -> String {
    let mut said = vec![match &method.access {
        Access::Public => "public".to_owned(),
        Access::SelfOnly => "self".to_owned(),
        Access::Granted { permission, link } => {
            let permission = permission.map(|permission| format!("permission {}", permission.name));
            let link = link.map(|verb| format!("link {verb}"));
            permission.into_iter().chain(link).collect::<Vec<_>>().join(" or ")
        }
        Access::Internal { services, without_caller } => {
            let alone = if *without_caller { ", without caller" } else { "" };
            format!("internal {}{alone}", services.join(" "))
        }
    }];
    let options = method.descriptor.options();
    let scope = option(&options, "scope").and_then(|scope| scope.as_str().map(str::to_owned));
    said.extend(scope.map(|scope| format!("scope {scope}")));
    said.push(if method.reads { "no side effects" } else { "writes" }.into());
    if method.repeatable {
        said.push("repeatable".into());
    }
    if method.secret_answer {
        said.push("secret answer".into());
    }
    said.join(" · ")
}

fn write_message(message: &MessageDescriptor, text: &mut String) {
    let _ = writeln!(text, "  message {}", message.name());
    let mut fields: Vec<_> = message.fields().collect();
    fields.sort_by_key(FieldDescriptor::number);
    for field in fields {
        let label = if field.is_list() {
            "repeated "
        } else if field.field_descriptor_proto().proto3_optional() {
            "optional "
        } else {
            ""
        };
        let rules = rules(&field);
        let rules =
            if rules.is_empty() { String::new() } else { format!("  [{}]", rules.join(", ")) };
        let _ = writeln!(
            text,
            "    {:>2} {label}{} {}{rules}",
            field.number(),
            type_of(&field),
            field.name()
        );
    }
    for range in message.reserved_ranges() {
        let _ = writeln!(text, "    reserved {}..{}", range.start, range.end);
    }
    message.child_messages().for_each(|inner| write_message(&inner, text));
    message.child_enums().for_each(|inner| write_enum(&inner, text));
}

fn write_enum(kind: &EnumDescriptor, text: &mut String) {
    let _ = writeln!(text, "  enum {}", kind.name());
    for value in kind.values() {
        let _ = writeln!(text, "    {:>2} {}", value.number(), value.name());
    }
    for range in kind.reserved_ranges() {
        let _ = writeln!(text, "    reserved {}..={}", range.start(), range.end());
    }
}

fn type_of(field: &FieldDescriptor) -> String {
    match field.kind() {
        Kind::Message(message) => message.full_name().to_owned(),
        Kind::Enum(kind) => kind.full_name().to_owned(),
        kind => format!("{kind:?}").to_lowercase(),
    }
}

fn rules(field: &FieldDescriptor) -> Vec<String> {
    let mut found = Vec::new();
    for name in ["ref", "example"] {
        let value = option(&field.options(), name);
        found.extend(value.as_ref().and_then(Value::as_str).map(|value| format!("{name}={value}")));
    }
    let options = field.options();
    for (extension, value) in options.extensions() {
        if let ("buf.validate.field", Some(rules)) = (extension.full_name(), value.as_message()) {
            flatten(rules, "", &mut found);
        }
    }
    found
}

fn flatten(rules: &DynamicMessage, above: &str, found: &mut Vec<String>) {
    for (field, value) in rules.fields() {
        let name = format!("{above}{}", field.name());
        match value {
            Value::Message(inner) => flatten(inner, &format!("{name}."), found),
            Value::List(items) => {
                for item in items.iter().filter_map(Value::as_message) {
                    flatten(item, &format!("{name}."), found);
                }
            }
            Value::EnumNumber(number) => {
                let kind = field.kind();
                let named = kind.as_enum().and_then(|kind| kind.get_value(*number));
                found.push(format!(
                    "{name}={}",
                    named.map_or_else(String::new, |value| value.name().to_owned())
                ));
            }
            Value::String(text) => found.push(format!("{name}={text}")),
            Value::Bool(switch) => found.push(format!("{name}={switch}")),
            Value::F64(number) => found.push(format!("{name}={number}")),
            value => found.push(format!("{name}={}", number(value))),
        }
    }
}

fn number(value: &Value) -> i128 {
    value
        .as_i64()
        .map(i128::from)
        .or_else(|| value.as_u64().map(i128::from))
        .or_else(|| value.as_i32().map(i128::from))
        .or_else(|| value.as_u32().map(i128::from))
        .unwrap_or_default()
}
