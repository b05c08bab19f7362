//! Query parameters: dotted paths, repeated for lists; an unknown one is an error that names it.

use std::collections::HashSet;

use devsphere_proto::{Body, at};
use prost_reflect::{DynamicMessage, MessageDescriptor};

use super::Found;
use crate::transcode::{Reader, from_text, shown};

/// Reads them into the message.
pub(super) fn read(found: &Found, query: &str, message: &mut DynamicMessage, reader: &mut Reader) {
    let input = found.method.descriptor.input();
    let mut given = HashSet::new();
    for (name, text) in form_urlencoded::parse(query.as_bytes()) {
        let path = canonical(&input, &name);
        let Some((path, field)) = path.and_then(|path| Some((path.clone(), at(&input, &path)?)))
        else {
            reader.note(shown(&name), "is no query parameter here");
            continue;
        };
        let in_body = match &found.binding.body {
            Body::None => false,
            Body::Whole => true,
            Body::Field(body) => path.split('.').next() == Some(body.name()),
        };
        if found.values.iter().any(|(field, _)| *field == path) {
            reader.note(path, "stands in the path already");
        } else if in_body {
            reader.note(path, "belongs into the body");
        } else if !given.insert(path.clone()) && !field.is_list() {
            reader.note(path, "is given twice");
        } else {
            from_text(reader, message, &path, &text);
        }
    }
}

/// The path in the contract's words; JSON's are understood as well.
fn canonical(kind: &MessageDescriptor, name: &str) -> Option<String> {
    let (name, rest) = name.split_once('.').map_or((name, None), |(name, rest)| (name, Some(rest)));
    let field = kind.get_field_by_name(name).or_else(|| kind.get_field_by_json_name(name))?;
    match rest {
        None => Some(field.name().to_owned()),
        Some(rest) => {
            let below = canonical(field.kind().as_message()?, rest)?;
            Some(format!("{}.{below}", field.name()))
        }
    }
}
