//! A message to JSON.

use devsphere_error::{Error, Result};
use prost_reflect::{DynamicMessage, MessageDescriptor, SerializeOptions};
use serde_json::Value;

use super::swift;

/// How fields are called, and whether empty ones are said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Names {
    /// The canonical form: camelCase, and what is empty is left out.
    Canonical,
    /// As filters, masks and violations write them, and lists and texts even when empty.
    Contract,
}

/// Decodes a message and writes it as JSON.
pub(crate) fn render(kind: &MessageDescriptor, message: &[u8], names: Names) -> Result<Vec<u8>> {
    if names == Names::Canonical
        && let Some(json) = swift::render(kind, message)
    {
        return Ok(json);
    }
    let message = DynamicMessage::decode(kind.clone(), message).map_err(Error::internal)?;
    let mut writer = serde_json::Serializer::new(Vec::with_capacity(256));
    message.serialize_with_options(&mut writer, &options(names)).map_err(Error::internal)?;
    Ok(writer.into_inner())
}

/// The same as a value.
pub(crate) fn value(message: &DynamicMessage, names: Names) -> Result<Value> {
    message
        .serialize_with_options(serde_json::value::Serializer, &options(names))
        .map_err(Error::internal)
}

const fn options(names: Names) -> SerializeOptions {
    match names {
        Names::Canonical => SerializeOptions::new(),
        Names::Contract => {
            SerializeOptions::new().use_proto_field_name(true).skip_default_fields(false)
        }
    }
}
