//! What lists of keywords may be filtered and sorted by.

use devsphere_db::list::{Field, List};
use devsphere_error::Result;
use devsphere_rpc::{filter, order};

use super::{Device, SearchIntent, store};

const KEYWORD_ID: Field = Field::uuid("keyword_id", "keyword_id");
const CREATE_TIME: Field = Field::instant("create_time", "create_time").sortable();

static FIELDS: [Field; 11] = [
    KEYWORD_ID,
    Field::uuid("site_id", "site_id"),
    Field::text("phrase", "phrase").sortable(),
    Field::text("country", "country").sortable(),
    Field::text("device", "device").one_of(Device::WORDS).sortable(),
    Field::text("intent", "intent").nullable().one_of(SearchIntent::WORDS).sortable(),
    Field::text("target_url", "target_url").sortable(),
    Field::integer("monthly_volume", "monthly_volume").nullable().sortable(),
    CREATE_TIME,
    Field::instant("update_time", "update_time").sortable(),
    Field::instant("delete_time", "delete_time").nullable().sortable(),
];

/// The keywords that match, newest first unless ordered otherwise.
pub(super) fn matching(text: &str, order_by: &str, show_deleted: bool) -> Result<List> {
    let list = List::new(store::SELECT, &KEYWORD_ID)
        .filter(filter::parse(text, &FIELDS)?)
        .order(order::parse(order_by, &FIELDS, &[CREATE_TIME.descending()])?);
    Ok(if show_deleted { list } else { list.only("delete_time is null") })
}
