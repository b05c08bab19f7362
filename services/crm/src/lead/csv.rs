//! Leads as CSV (RFC 4180) that no spreadsheet computes.

use std::borrow::Cow;

use chrono::{DateTime, SecondsFormat, Utc};
use csv::{QuoteStyle, Terminator, WriterBuilder};
use devsphere_error::{Error, Result};

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
    let mut csv = WriterBuilder::new()
        .quote_style(QuoteStyle::NonNumeric)
        .terminator(Terminator::CRLF)
        .from_writer(Vec::new());
    if with_header {
        csv.write_record(HEADER).map_err(Error::internal)?;
    }
    for lead in leads {
        csv.write_record(row(lead).iter().map(|cell| cell.as_bytes())).map_err(Error::internal)?;
    }
    csv.into_inner().map_err(|error| Error::internal(error.into_error()))
}

fn row(lead: &Lead) -> [Cow<'_, str>; HEADER.len()] {
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

fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// A text that a spreadsheet would compute gets an apostrophe before it, and so does one that
/// already has it: whoever takes one off such a cell has the text back.
fn text(text: &str) -> Cow<'_, str> {
    const COMPUTED: [char; 12] = [
        '=', '+', '-', '@', '\t', '\r', '\n', '\0', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}',
    ];
    let passed_over = |c: char| (c.is_whitespace() || c == '\'') && !COMPUTED.contains(&c);
    if text.trim_start_matches(passed_over).starts_with(COMPUTED) {
        format!("'{text}").into()
    } else {
        text.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_spreadsheet_would_compute_is_marked() {
        for computed in [
            "=1+1",
            "+46 8 123",
            "-2",
            "@SUM(A1)",
            "\t=1",
            "\r=1",
            "\n=1",
            "\0=1",
            "  =1",
            "\u{a0}=1",
            "\u{3000}＝1",
            "＝1",
            "＋1",
            "－1",
            "＠1",
            "'=1",
            "' '=1",
        ] {
            assert_eq!(text(computed), format!("'{computed}"));
        }
    }

    #[test]
    fn other_text_stays_as_it_is() {
        for plain in
            ["", "Maria", "a=1", "'tis", "  indented", "https://x.example/?a=b", "1-2", "ß"]
        {
            assert_eq!(text(plain), plain);
        }
    }
}
