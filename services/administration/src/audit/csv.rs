//! Audit records as rows of a sheet.

use devsphere_error::Result;
use devsphere_rpc::csv::{self, instant, text};
use serde_json::Value;

use super::{AuditRecord, known};

const HEADER: [&str; 13] = [
    "audit_record_id",
    "create_time",
    "action",
    "noun",
    "record_id",
    "before",
    "after",
    "principal.kind",
    "principal.principal_id",
    "client_address",
    "session_id",
    "method",
    "trace_id",
];

/// The rows, after the header where it is asked for.
pub(super) fn rows(records: &[AuditRecord], with_header: bool) -> Result<Vec<u8>> {
    csv::rows(with_header.then_some(&HEADER), records.iter().map(row))
}

fn row(record: &AuditRecord) -> csv::Row<'_, { HEADER.len() }> {
    let json = |value: &Option<Value>| value.as_ref().map(Value::to_string).unwrap_or_default();
    [
        record.audit_id.to_string().into(),
        instant(record.create_time).into(),
        text(&record.action),
        text(&record.noun),
        known(record.record_id).into(),
        text(&json(&record.before)).into_owned().into(),
        text(&json(&record.after)).into_owned().into(),
        text(&record.principal_kind),
        known(record.principal_id).into(),
        record.client_address.as_deref().unwrap_or_default().into(),
        record.session_id.map(known).unwrap_or_default().into(),
        text(&record.method),
        record.trace_id.to_string().into(),
    ]
}
