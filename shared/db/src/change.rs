//! What a change leaves behind: one event and one audit record.

use devsphere_error::{Error, Result};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

/// One change of one record.
#[derive(Debug, Clone, Serialize)]
pub struct Change {
    /// The event's name, as in `lead.qualified`.
    pub name: &'static str,
    /// As in `lead`.
    pub noun: &'static str,
    /// The record.
    pub record_id: Uuid,
    /// The record's version after the change, which orders its events.
    pub version: i64,
    /// The fields that changed, as they were; none for a new record.
    pub before: Option<Value>,
    /// The fields that changed, as they are.
    pub after: Value,
}

impl Change {
    /// A change of a record whose JSON is what events and audit show.
    ///
    /// # Errors
    /// When it has no JSON.
    pub fn of<T: Serialize>(
        name: &'static str,
        noun: &'static str,
        record: (Uuid, i64),
        before: Option<&T>,
        after: &T,
    ) -> Result<Self> {
        let json = |record: &T| serde_json::to_value(record).map_err(Error::internal);
        Ok(Self::between(name, noun, record, before.map(json).transpose()?, json(after)?))
    }

    /// A change from one state of the record to another, as JSON objects; only what differs is kept.
    pub fn between(
        name: &'static str,
        noun: &'static str,
        (record_id, version): (Uuid, i64),
        before: Option<Value>,
        after: Value,
    ) -> Self {
        let (before, after) = match (before, after) {
            (Some(Value::Object(mut before)), Value::Object(mut after)) => {
                before.retain(|field, value| after.get(field) != Some(value));
                after.retain(|field, _| before.contains_key(field));
                (Some(Value::Object(before)), Value::Object(after))
            }
            whole => whole,
        };
        Self { name, noun, record_id, version, before, after }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_differs_is_kept() {
        let change = Change::between(
            "lead.updated",
            "lead",
            (Uuid::nil(), 2),
            Some(json!({"email": "a", "note": "same"})),
            json!({"email": "b", "note": "same"}),
        );

        assert_eq!(change.before, Some(json!({"email": "a"})));
        assert_eq!(change.after, json!({"email": "b"}));
    }
}
