//! Keywords as rows of a sheet.

use devsphere_error::Result;
use devsphere_rpc::csv::{self, instant, text};

use super::{Keyword, SearchIntent};

const HEADER: [&str; 13] = [
    "keyword_id",
    "site_id",
    "phrase",
    "country",
    "device",
    "intent",
    "target_url",
    "monthly_volume",
    "tags",
    "note",
    "create_time",
    "update_time",
    "delete_time",
];

/// The rows, after the header where it is asked for.
pub(super) fn rows(keywords: &[Keyword], with_header: bool) -> Result<Vec<u8>> {
    csv::rows(with_header.then_some(&HEADER), keywords.iter().map(row))
}

fn row(keyword: &Keyword) -> csv::Row<'_, { HEADER.len() }> {
    [
        keyword.keyword_id.to_string().into(),
        keyword.site_id.to_string().into(),
        text(&keyword.phrase),
        text(&keyword.country),
        keyword.device.word().into(),
        keyword.intent.map(SearchIntent::word).unwrap_or_default().into(),
        text(&keyword.target_url),
        keyword.monthly_volume.map(|volume| volume.to_string()).unwrap_or_default().into(),
        text(&keyword.tags.join("; ")).into_owned().into(),
        text(&keyword.note),
        instant(keyword.create_time).into(),
        instant(keyword.update_time).into(),
        keyword.delete_time.map(instant).unwrap_or_default().into(),
    ]
}
