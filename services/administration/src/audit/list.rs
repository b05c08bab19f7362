//! What lists of audit records may be filtered by, and in which orders there is an index.

use devsphere_db::list::{Field, List};
use devsphere_error::Result;
use devsphere_rpc::{filter, order};

use super::{KINDS, store};

const AUDIT_RECORD_ID: Field = Field::uuid("audit_record_id", "audit_id");
const CREATE_TIME: Field = Field::instant("create_time", "create_time").sortable();

static FIELDS: [Field; 11] = [
    AUDIT_RECORD_ID,
    Field::text("action", "action"),
    Field::text("noun", "noun"),
    Field::uuid("record_id", "record_id"),
    CREATE_TIME,
    Field::text("principal.kind", "principal_kind").one_of(&KINDS),
    Field::uuid("principal.principal_id", "principal_id"),
    Field::text("client_address", "host(client_address)").nullable(),
    Field::uuid("session_id", "session_id").nullable(),
    Field::text("method", "method"),
    Field::uuid("trace_id", "trace_id"),
];

/// The records that match, newest first unless ordered otherwise.
pub(super) fn matching(text: &str, order_by: &str) -> Result<List> {
    Ok(List::new(store::SELECT, &AUDIT_RECORD_ID)
        .filter(filter::parse(text, &FIELDS)?)
        .order(order::parse(order_by, &FIELDS, &[CREATE_TIME.descending()])?))
}
