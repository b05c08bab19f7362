//! What lists of questions may be filtered by.

use devsphere_db::list::{Field, List};
use devsphere_error::Result;
use devsphere_rpc::{filter, order};

use super::{State, Step, store};

const USAGE_ID: Field = Field::uuid("usage_id", "usage_id");
const CREATE_TIME: Field = Field::instant("create_time", "create_time").sortable();

/// As lists show it: a question that nobody can still be asking is lost.
const STATE: &str = "case when state = 'running' and expire_time < transaction_timestamp() then 'lost' else state end";

static FIELDS: [Field; 8] = [
    USAGE_ID,
    Field::uuid("generation_id", "generation_id"),
    Field::text("agent_key", "agent_key"),
    Field::text("step", "step").one_of(&Step::WORDS),
    Field::uuid("person_id", "person_id"),
    Field::text("model", "model"),
    Field::text("state", STATE).one_of(&State::WORDS),
    CREATE_TIME,
];

/// The questions that match, the newest first.
pub(super) fn matching(text: &str) -> Result<List> {
    Ok(List::new(store::SELECT, &USAGE_ID)
        .filter(filter::parse(text, &FIELDS)?)
        .order(order::parse("", &FIELDS, &[CREATE_TIME.descending()])?))
}
