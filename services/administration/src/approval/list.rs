//! Which questions a list shows, and what it may be filtered by.

use devsphere_db::list::{Condition, Field, List};
use devsphere_error::Result;
use devsphere_rpc::filter;

use super::{Of, State, Viewer, store};

const APPROVAL_ID: Field = Field::uuid("approval_id", "approval_id");
const ASKED_BY: Field = Field::uuid("asked_by", "asked_by");
const CREATE_TIME: Field = Field::instant("create_time", "create_time").sortable();

static FIELDS: [Field; 7] = [
    APPROVAL_ID,
    Field::text("noun", "noun"),
    Field::text("state", "state").one_of(&State::WORDS),
    ASKED_BY,
    Field::uuid("decided_by", "decided_by").nullable(),
    CREATE_TIME,
    Field::instant("decide_time", "decide_time").nullable(),
];

// No filter names these.
const PERMISSION: Field = Field::text("permission", "permission");
const IS_OWN_WORK: Field = Field::bool("own_work", "(select platform.sub()) = any (barred)");

/// The questions that match, newest first.
pub(super) fn matching(of: Of, viewer: &Viewer, text: &str) -> Result<List> {
    let list = List::new(store::SELECT, &APPROVAL_ID)
        .filter(filter::parse(text, &FIELDS)?)
        .order(vec![CREATE_TIME.descending()]);
    Ok(match of {
        // The index of what waits holds nothing else, and a constant says so to the plan.
        Of::Waiting => list.only("state = 'pending'").filter(theirs(viewer)),
        Of::Mine => list.filter(asked(viewer)),
        Of::All => list.filter(Condition::Or(vec![asked(viewer), theirs(viewer)])),
    })
}

fn asked(viewer: &Viewer) -> Condition {
    Condition::is(&ASKED_BY, viewer.id)
}

/// As `Approval::is_for`, in SQL.
fn theirs(viewer: &Viewer) -> Condition {
    let held = viewer.deciding.iter().map(|name| (*name).into()).collect();
    Condition::And(vec![Condition::In(&PERMISSION, held), Condition::is(&IS_OWN_WORK, false)])
}
