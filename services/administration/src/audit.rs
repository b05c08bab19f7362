//! Who did what: the organisation's audit records, as they are read.

mod csv;
mod list;
mod rpc;
mod store;
mod wire;

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use devsphere_ids::{AuditRecordId, PersonId};
use serde_json::Value;
use uuid::Uuid;

pub(crate) use rpc::AuditRecords;

/// The kinds of principals, as stored.
const USER: &str = "user";
const KINDS: [&str; 7] = [USER, "key", "link", "hook", "job", "operator", "anonymous"];

/// One record of the log.
#[derive(Debug, sqlx::FromRow)]
struct AuditRecord {
    audit_id: AuditRecordId,
    action: String,
    noun: String,
    record_id: Uuid,
    principal_kind: String,
    principal_id: Uuid,
    session_id: Option<Uuid>,
    method: String,
    trace_id: Uuid,
    client_address: Option<String>,
    before: Option<Value>,
    after: Option<Value>,
    create_time: DateTime<Utc>,
}

/// One field before and after, as JSON.
#[derive(Debug, PartialEq, Eq)]
struct Change {
    field: String,
    before: Option<String>,
    after: Option<String>,
}

/// What people are called in the organisation.
type Names = HashMap<PersonId, String>;

impl AuditRecord {
    /// The person who acted, where it was one.
    fn person(&self) -> Option<PersonId> {
        (self.principal_kind == USER).then(|| self.principal_id.into())
    }

    /// What changed, by field, in the order of their names.
    fn changes(&self) -> Vec<Change> {
        let mut fields: BTreeMap<&str, (Option<String>, Option<String>)> = BTreeMap::new();
        for (field, value) in members(self.before.as_ref()) {
            fields.entry(field).or_default().0 = Some(value);
        }
        for (field, value) in members(self.after.as_ref()) {
            fields.entry(field).or_default().1 = Some(value);
        }
        let change =
            |(field, (before, after)): (&str, _)| Change { field: field.to_owned(), before, after };
        fields.into_iter().map(change).collect()
    }
}

fn members(object: Option<&Value>) -> impl Iterator<Item = (&str, String)> {
    let members = object.and_then(Value::as_object).into_iter().flatten();
    members.map(|(field, value)| (field.as_str(), value.to_string()))
}

/// The id in text, or nothing where it stands for nothing.
fn known(id: Uuid) -> String {
    if id.is_nil() { String::new() } else { id.to_string() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record(before: Option<Value>, after: Option<Value>) -> AuditRecord {
        AuditRecord {
            audit_id: AuditRecordId::fresh(),
            action: "lead.updated".into(),
            noun: "lead".into(),
            record_id: Uuid::nil(),
            principal_kind: USER.into(),
            principal_id: Uuid::nil(),
            session_id: None,
            method: String::new(),
            trace_id: Uuid::nil(),
            client_address: None,
            before,
            after,
            create_time: DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn each_field_that_is_on_either_side_is_a_change() {
        let change = |field: &str, before: Option<&str>, after: Option<&str>| Change {
            field: field.into(),
            before: before.map(Into::into),
            after: after.map(Into::into),
        };

        let changed = record(Some(json!({"b": 1, "a": "x"})), Some(json!({"b": null, "c": ["y"]})));

        assert_eq!(
            changed.changes(),
            [
                change("a", Some("\"x\""), None),
                change("b", Some("1"), Some("null")),
                change("c", None, Some("[\"y\"]")),
            ]
        );
        assert_eq!(record(None, None).changes(), []);
    }
}
