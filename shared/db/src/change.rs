//! What a change leaves behind: one event and one audit record, and maybe a step of an approval.

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
    /// What the change means to the record's approval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
}

/// A step of a record's approval (`product.md` B3), taken as whoever makes the change. There is one
/// open approval of a record, which waits or has been given, or none.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum Approval {
    /// Asks for a decision; an approval waits from now on.
    Ask(Asked),
    /// Notes that the organisation asks for no decision here.
    Waive(Asked),
    /// Says yes to what waits. A person's, and nobody's whose work it is.
    Approve { note: String },
    /// Says no to what waits, likewise.
    Reject { note: String },
    /// Takes the question back.
    Cancel,
    /// Takes the approval back, because the record is another now.
    Supersede,
}

/// What is asked for.
#[derive(Debug, Clone, Serialize)]
pub struct Asked {
    /// For people: which record.
    pub title: String,
    /// What a decider needs.
    pub permission: &'static str,
    /// Whose work it is, beside whoever asks: they do not decide it.
    pub barred: Vec<Uuid>,
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

    /// The same, as a step of the record's approval.
    #[must_use]
    pub fn with(self, approval: Approval) -> Self {
        Self { approval: Some(approval), ..self }
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
        Self { name, noun, record_id, version, before, after, approval: None }
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
