//! Leads as rows of a sheet.

use devsphere_error::Result;
use devsphere_rpc::csv::{self, instant, text};

use super::Lead;

const HEADER: [&str; 20] = [
    "lead_id",
    "display_name",
    "company",
    "job_title",
    "email",
    "phone",
    "website",
    "source",
    "value.minor_units",
    "value.currency_code",
    "tags",
    "note",
    "owner_id",
    "assigned_by",
    "state",
    "reason",
    "create_time",
    "update_time",
    "state_time",
    "delete_time",
];

/// The rows, after the header where it is asked for.
pub(super) fn rows(leads: &[Lead], with_header: bool) -> Result<Vec<u8>> {
    csv::rows(with_header.then_some(&HEADER), leads.iter().map(row))
}

fn row(lead: &Lead) -> csv::Row<'_, { HEADER.len() }> {
    let person = |id: Option<_>| id.map(|id: devsphere_ids::PersonId| id.to_string());
    [
        lead.lead_id.to_string().into(),
        text(&lead.display_name),
        text(&lead.company),
        text(&lead.job_title),
        text(&lead.email),
        text(&lead.phone),
        text(&lead.website),
        text(&lead.source),
        lead.value.map(|value| value.minor_units.to_string()).unwrap_or_default().into(),
        lead.value.map(|value| value.currency_code()).unwrap_or_default().into(),
        text(&lead.tags.join("; ")).into_owned().into(),
        text(&lead.note),
        person(lead.owner_id).unwrap_or_default().into(),
        person(lead.assigned_by).unwrap_or_default().into(),
        lead.state.word().into(),
        text(&lead.reason),
        instant(lead.create_time).into(),
        instant(lead.update_time).into(),
        instant(lead.state_time).into(),
        lead.delete_time.map(instant).unwrap_or_default().into(),
    ]
}
