//! What lists of leads may be filtered and sorted by, and whose leads they show.

use devsphere_auth::Permit;
use devsphere_db::list::{Condition, Field, List};
use devsphere_error::Result;
use devsphere_rpc::{filter, order};

use super::{State, store};

const LEAD_ID: Field = Field::uuid("lead_id", "lead_id");
const OWNER_ID: Field = Field::uuid("owner_id", "owner_id").nullable();
const ASSIGNED_BY: Field = Field::uuid("assigned_by", "assigned_by").nullable();
const CREATE_TIME: Field = Field::instant("create_time", "create_time").sortable();

static FIELDS: [Field; 18] = [
    LEAD_ID,
    Field::text("display_name", "display_name").sortable(),
    Field::text("company", "company").sortable(),
    Field::text("job_title", "job_title").sortable(),
    Field::text("email", "email").sortable(),
    Field::text("phone", "phone"),
    Field::text("website", "website"),
    Field::text("source", "source").sortable(),
    Field::integer("value.minor_units", "value_minor").nullable().sortable(),
    Field::text("value.currency_code", "value_currency").nullable().sortable(),
    OWNER_ID,
    ASSIGNED_BY,
    Field::text("state", "state").one_of(&State::WORDS).sortable(),
    Field::text("reason", "reason").sortable(),
    CREATE_TIME,
    Field::instant("update_time", "update_time").sortable(),
    Field::instant("state_time", "state_time").sortable(),
    Field::instant("delete_time", "delete_time").nullable().sortable(),
];

/// The leads that match, newest first unless ordered otherwise.
pub(super) fn matching(
    permit: &Permit,
    text: &str,
    order_by: &str,
    show_deleted: bool,
) -> Result<List> {
    let list = List::new(store::SELECT, &LEAD_ID)
        .filter(own(permit))
        .filter(filter::parse(text, &FIELDS)?)
        .order(order::parse(order_by, &FIELDS, &[CREATE_TIME.descending()])?);
    Ok(if show_deleted { list } else { list.only("delete_time is null") })
}

/// What the wall lets through anyway, said in the query too, so that a plan can follow it.
fn own(permit: &Permit) -> Option<Condition> {
    let caller = permit.caller();
    let sees_all = caller.permissions().names().any(|name| name == "crm.all");
    let own = || {
        Condition::Or(vec![
            Condition::is(&OWNER_ID, caller.id()),
            Condition::IsNull(&OWNER_ID),
            Condition::is(&ASSIGNED_BY, caller.id()),
        ])
    };
    (!sees_all).then(own)
}
