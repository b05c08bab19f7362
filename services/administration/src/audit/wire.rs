//! Between the contract's words and the domain's.

use devsphere_proto::administration::v1 as pb;
use devsphere_rpc::time::timestamp;

use super::{AuditRecord, Change, KINDS, Names, known};

/// The record as the contract has it.
pub(super) fn message(record: AuditRecord, names: &Names) -> pb::AuditRecord {
    let changes = record.changes().into_iter().map(Into::into).collect();
    let display_name = record.person().and_then(|person| names.get(&person)).cloned();
    let principal = pb::AuditPrincipal {
        kind: kind(&record.principal_kind).into(),
        principal_id: known(record.principal_id),
        display_name: display_name.unwrap_or_default(),
    };
    pb::AuditRecord {
        audit_record_id: record.audit_id.to_string(),
        action: record.action,
        noun: record.noun,
        record_id: known(record.record_id),
        changes,
        create_time: Some(timestamp(record.create_time)),
        principal: Some(principal),
        client_address: record.client_address.unwrap_or_default(),
        session_id: record.session_id.map(known).unwrap_or_default(),
        method: record.method,
        trace_id: record.trace_id.to_string(),
    }
}

/// The kinds stand in the order of their numbers.
fn kind(word: &str) -> pb::AuditPrincipalKind {
    let number = KINDS.iter().zip(1..).find(|(known, _)| **known == word).map(|(_, number)| number);
    number.and_then(|number| number.try_into().ok()).unwrap_or_default()
}

impl From<Change> for pb::AuditChange {
    fn from(Change { field, before, after }: Change) -> Self {
        Self { field, before: before.unwrap_or_default(), after: after.unwrap_or_default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_its_number() {
        for word in KINDS {
            let name = format!("AUDIT_PRINCIPAL_KIND_{}", word.to_uppercase());
            assert_eq!(kind(word).as_str_name(), name);
        }
        assert_eq!(kind("nobody"), pb::AuditPrincipalKind::Unspecified);
    }
}
