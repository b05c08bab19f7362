//! What lists of sites may be filtered and sorted by.

use devsphere_db::list::{Field, List};
use devsphere_error::Result;
use devsphere_rpc::{filter, order};

use super::{ApprovalGate, store};

const SITE_ID: Field = Field::uuid("site_id", "site_id");
const CREATE_TIME: Field = Field::instant("create_time", "create_time").sortable();

static FIELDS: [Field; 10] = [
    SITE_ID,
    Field::text("display_name", "display_name").sortable(),
    Field::text("base_url", "base_url").sortable(),
    Field::text("client_name", "client_name").sortable(),
    Field::text("language", "language").sortable(),
    Field::text("country", "country").sortable(),
    Field::text("approval_gate", "approval_gate").one_of(ApprovalGate::WORDS).sortable(),
    CREATE_TIME,
    Field::instant("update_time", "update_time").sortable(),
    Field::instant("delete_time", "delete_time").nullable().sortable(),
];

/// The sites that match, newest first unless ordered otherwise.
pub(super) fn matching(text: &str, order_by: &str, show_deleted: bool) -> Result<List> {
    let list = List::new(store::SELECT, &SITE_ID)
        .filter(filter::parse(text, &FIELDS)?)
        .order(order::parse(order_by, &FIELDS, &[CREATE_TIME.descending()])?);
    Ok(if show_deleted { list } else { list.only("delete_time is null") })
}
