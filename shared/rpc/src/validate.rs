//! The rules declared on fields with `buf.validate`, in words for people.

use std::sync::LazyLock;

use devsphere_error::{Error, Result, Violation};
use prost_protovalidate::{Error as Broken, Validator};
use prost_reflect::DynamicMessage;

static VALIDATOR: LazyLock<Validator> = LazyLock::new(Validator::new);

/// Checks a message against its contract.
///
/// # Errors
/// `Invalid` with every violation at once; `Internal` for a rule that does not compile.
pub fn message(message: &DynamicMessage) -> Result<()> {
    match VALIDATOR.validate(message) {
        Ok(()) => Ok(()),
        Err(Broken::Validation(found)) => {
            Err(Error::Invalid(found.violations().iter().map(violation).collect()))
        }
        Err(broken) => Err(Error::internal(broken.to_string())),
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
