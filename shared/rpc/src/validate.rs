//! The rules declared on fields with `buf.validate`, in words for people.

use std::sync::LazyLock;

use devsphere_error::{Error, Result, Violation};
use devsphere_proto::Contract;
use prost::{Message, Name};
use prost_protovalidate::{Error as Broken, Validator};
use prost_reflect::{DynamicMessage, Value};

static VALIDATOR: LazyLock<Validator> = LazyLock::new(Validator::new);

/// A message by its contract's own names, once it keeps every rule: a request, or what another service
/// has answered.
///
/// # Errors
/// As [`message`].
pub fn checked<M: Message + Name>(given: &M) -> Result<DynamicMessage> {
    let contract = Contract::get().map_err(|error| Error::internal(error.to_string()))?;
    let descriptor = contract
        .pool()
        .get_message_by_name(&M::full_name())
        .ok_or_else(|| Error::internal("a message without a contract"))?;
    let dynamic = DynamicMessage::decode(descriptor, given.encode_to_vec().as_slice())
        .map_err(Error::internal)?;
    message(&dynamic)?;
    Ok(dynamic)
}

/// Checks a message against its contract.
///
/// # Errors
/// `Invalid` with every violation at once; `Internal` for a rule that does not compile.
pub fn message(message: &DynamicMessage) -> Result<()> {
    let mut violations = match VALIDATOR.validate(message) {
        Ok(()) => Vec::new(),
        Err(Broken::Validation(found)) => found.violations().iter().map(violation).collect(),
        Err(broken) => return Err(Error::internal(broken.to_string())),
    };
    find_nul(message, "", &mut violations);
    if violations.is_empty() { Ok(()) } else { Err(Error::Invalid(violations)) }
}

/// Protobuf's text may hold U+0000, PostgreSQL's may not.
fn find_nul(message: &DynamicMessage, path: &str, violations: &mut Vec<Violation>) {
    for (field, value) in message.fields() {
        let path =
            if path.is_empty() { field.name().into() } else { format!("{path}.{}", field.name()) };
        match value {
            Value::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    find_nul_in(item, &format!("{path}[{index}]"), violations);
                }
            }
            one => find_nul_in(one, &path, violations),
        }
    }
}

fn find_nul_in(value: &Value, path: &str, violations: &mut Vec<Violation>) {
    match value {
        Value::String(text) if text.contains('\0') => {
            violations.push(Violation::new(path, "must not contain the character U+0000"));
        }
        Value::Message(inner) => find_nul(inner, path, violations),
        _ => {}
    }
}

fn violation(found: &prost_protovalidate::Violation) -> Violation {
    let rule = found.rule_id();
    let said = found.message().trim_end_matches('.');
    // The engine says nothing for well-known formats.
    let description = match rule {
        "required" => "is required",
        "string.uuid" | "string.uuid_empty" => "must be a UUID",
        "string.email" | "string.email_empty" => "must be an e-mail address",
        "repeated.unique" => "must not repeat an item",
        "enum.defined_only" => "must be one of the listed values",
        _ if !said.is_empty() => said,
        _ => rule,
    };
    Violation { field: found.field_path(), description: description.into(), rule: rule.into() }
}
