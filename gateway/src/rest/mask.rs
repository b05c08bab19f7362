//! Partial updates: without a mask of its own, an update touches what its JSON names.

use devsphere_proto::Body;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor};
use serde_json::Value;

use super::Found;
use crate::transcode::mask;

/// The field of a request that names what an update touches.
const MASK: &str = "update_mask";

/// What the JSON of an update names: what is null is cleared, what is not there stays. Names nobody
/// knows are refused elsewhere.
pub(super) fn paths(found: &Found, json: &Value) -> Vec<String> {
    let (Some(_), Body::Field(field)) = (field(found), &found.binding.body) else {
        return Vec::new();
    };
    let Kind::Message(resource) = field.kind() else { return Vec::new() };
    let mut named = Vec::new();
    name(&resource, json, "", &mut named);
    // What names the record, and the version that was read, is no change.
    let in_path = |path: &String| {
        found.values.iter().any(|(value, _)| value.split_once('.').is_some_and(|(_, p)| p == path))
    };
    named.retain(|path| path != "etag" && !in_path(path));
    named
}

/// Puts them into the request, unless it has a mask.
pub(super) fn fill(found: &Found, paths: Vec<String>, message: &mut DynamicMessage) {
    let Some(field) = field(found) else { return };
    if let (false, Kind::Message(kind)) = (message.has_field(&field), field.kind()) {
        message.set_field(&field, mask(&kind, paths.into_iter()));
    }
}

fn field(found: &Found) -> Option<FieldDescriptor> {
    let field = found.method.descriptor.input().get_field_by_name(MASK)?;
    (found.binding.verb == "PATCH").then_some(field)
}

fn name(kind: &MessageDescriptor, json: &Value, above: &str, named: &mut Vec<String>) {
    let Value::Object(members) = json else { return };
    for (key, value) in members {
        let Some(field) = kind.get_field_by_name(key).or_else(|| kind.get_field_by_json_name(key))
        else {
            continue;
        };
        let path = format!("{above}{}", field.name());
        match field.kind() {
            Kind::Message(inner) if value.is_object() && is_parted(kind, &inner, &field) => {
                name(&inner, value, &format!("{path}."), named);
            }
            _ => named.push(path),
        }
    }
}

/// Whether an update may touch a part of it: a message of the module's own, not one value of several
/// words such as an amount of money.
fn is_parted(kind: &MessageDescriptor, inner: &MessageDescriptor, field: &FieldDescriptor) -> bool {
    !field.is_list() && !field.is_map() && inner.package_name() == kind.package_name()
}
