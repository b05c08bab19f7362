//! CSV (RFC 4180) that no spreadsheet computes.

use std::borrow::Cow;

use chrono::{DateTime, SecondsFormat, Utc};
use csv::{QuoteStyle, Terminator, WriterBuilder};
use devsphere_error::{Error, Result};

/// One row of a sheet with that many columns.
pub type Row<'a, const COLUMNS: usize> = [Cow<'a, str>; COLUMNS];

/// The rows, after the header where there is one.
///
/// # Errors
/// When memory is short.
pub fn rows<'a, const COLUMNS: usize>(
    header: Option<&[&str; COLUMNS]>,
    rows: impl IntoIterator<Item = Row<'a, COLUMNS>>,
) -> Result<Vec<u8>> {
    let mut csv = WriterBuilder::new()
        .quote_style(QuoteStyle::NonNumeric)
        .terminator(Terminator::CRLF)
        .from_writer(Vec::new());
    if let Some(header) = header {
        csv.write_record(header).map_err(Error::internal)?;
    }
    for row in rows {
        csv.write_record(row.iter().map(|cell| cell.as_bytes())).map_err(Error::internal)?;
    }
    csv.into_inner().map_err(|error| Error::internal(error.into_error()))
}

/// An instant as RFC 3339.
pub fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// A text that a spreadsheet would compute gets an apostrophe before it, and so does one that
/// already has it: whoever takes one off such a cell has the text back.
pub fn text(text: &str) -> Cow<'_, str> {
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

    #[test]
    fn cells_are_quoted_and_lines_end_as_the_standard_says() {
        let sheet = rows(Some(&["name", "size"]), [["a \"b\"".into(), "7".into()]]).unwrap();

        assert_eq!(String::from_utf8(sheet).unwrap(), "\"name\",\"size\"\r\n\"a \"\"b\"\"\",7\r\n");
    }

    /// As a spreadsheet looks at a cell: past spaces, at a sign of ASCII or of full width.
    fn is_formula(cell: &str) -> bool {
        let begin = cell.trim_start_matches([' ', '\u{a0}', '\u{3000}', '\t', '\r', '\n', '\0']);
        let skipped = &cell[..cell.len() - begin.len()];
        begin.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠'])
            || skipped.contains(['\t', '\r', '\n', '\0'])
    }

    #[test]
    fn no_cell_of_thousands_is_a_formula_and_each_gives_its_text_back() {
        let spaces = ["", " ", "   ", "\u{a0}", "\u{3000}", " \u{a0} ", "'", "''", " '", "' "];
        let signs = [
            "=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝", "＋", "－", "＠", "\"", ",", ";",
            "a", "1", "ß", "/", "",
        ];
        let ends = [
            "",
            "1+1",
            "SUM(A1)",
            "cmd|' /C calc'!A0",
            "\"quoted\"",
            "a,b",
            "a\r\nb",
            "=",
            "-",
            "@",
            "'",
            "\t",
            " ",
            "２",
            "https://x.example",
            "46 8 123",
            "\u{feff}",
            "\0",
            "a=b",
            "\\",
            "%",
            "(1)",
            "HYPERLINK(\"x\")",
            "é",
            "\u{200b}",
        ];
        let texts: Vec<_> = spaces
            .iter()
            .flat_map(|space| signs.map(|sign| format!("{space}{sign}")))
            .flat_map(|begin| ends.map(|end| format!("{begin}{end}")))
            .collect();
        assert_eq!(texts.len(), 5_000);

        let sheet = rows(None, texts.iter().map(|cell| [text(cell)])).unwrap();
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(&sheet[..]);
        let cells: Vec<_> =
            reader.records().map(|record| record.unwrap().get(0).unwrap().to_owned()).collect();
        assert_eq!(cells.len(), texts.len());
        for (cell, was) in cells.iter().zip(&texts) {
            assert!(!is_formula(cell), "{cell:?}");
            let bare = cell.strip_prefix('\'').filter(|bare| text(bare) != *bare);
            assert_eq!(bare.unwrap_or(cell), was, "{cell:?}");
        }
    }
}
