//! Where a page ends, and the condition that begins the next one.

use devsphere_error::{Error, Result};

use sqlx::{Row as _, postgres::PgRow};

use super::{Order, statement::Statement};

/// One page of rows.
#[derive(Debug)]
pub struct Page<T> {
    /// The rows, in the list's order.
    pub rows: Vec<T>,
    /// Where the next page begins; none on the last.
    pub next: Option<PageKey>,
}

/// How many rows there are in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Total {
    /// The number, never above 10,000.
    pub count: i32,
    /// Whether that is the number, or there are more.
    pub exact: bool,
}

/// The last row of a page: its sort columns as PostgreSQL writes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageKey(pub Vec<Option<String>>);

/// A page of long rows ends here, well below the largest message.
const MAX_PAGE_BYTES: usize = 2 * 1024 * 1024;

/// How many of the first `size` rows make a page: all, or fewer where they are long; one at least.
pub(super) fn fits(rows: &[PgRow], size: usize) -> usize {
    let bytes = |row: &PgRow| {
        let columns = 0..row.len();
        columns
            .filter_map(|column| row.try_get_raw(column).ok()?.as_bytes().ok())
            .map(<[u8]>::len)
            .sum::<usize>()
    };
    let mut total = 0;
    let short = rows.iter().take(size).take_while(|row| {
        total += bytes(row);
        total <= MAX_PAGE_BYTES
    });
    short.count().max(1).min(size)
}

impl PageKey {
    /// What a caller hears whose page token is not of its query.
    pub fn foreign() -> Error {
        Error::field("page_token", "is not a token of this query")
    }

    /// Writes "comes after this key in this order".
    pub(super) fn write_after(&self, order: &[Order], sql: &mut Statement) -> Result<()> {
        if self.0.len() != order.len() {
            return Err(Self::foreign());
        }
        let steps: Vec<Step<'_>> = order
            .iter()
            .zip(&self.0)
            .map(|(order, key)| Step { order, key: key.as_deref() })
            .collect();
        if steps.iter().any(|step| step.key.is_none() && !step.order.field.nullable) {
            return Err(Self::foreign());
        }
        after(&steps, sql);
        Ok(())
    }

    /// Blames the key when PostgreSQL could not read a text of it: the token was made up.
    pub(super) fn blame(error: sqlx::Error) -> Error {
        const UNREADABLE: [&str; 5] = ["22P02", "22003", "22007", "22008", "22021"];
        let code = error.as_database_error().and_then(|database| database.code());
        match code {
            Some(code) if UNREADABLE.contains(&&*code) => Self::foreign(),
            _ => error.into(),
        }
    }
}

/// One column of the order with its value in the key.
struct Step<'a> {
    order: &'a Order,
    key: Option<&'a str>,
}

impl Step<'_> {
    /// Strictly later in this column, for values that are not null.
    const fn beyond(&self) -> &'static str {
        if self.order.descending { " < " } else { " > " }
    }

    const fn not_before(&self) -> &'static str {
        if self.order.descending { " <= " } else { " >= " }
    }

    fn compare(&self, operator: &'static str, sql: &mut Statement) {
        sql.column(self.order.field);
        sql.push(operator);
        self.write_key(sql);
    }

    fn write_key(&self, sql: &mut Statement) {
        sql.written(self.order.field.kind, self.key.unwrap_or_default());
    }

    fn is_null(&self, sql: &mut Statement) {
        sql.column(self.order.field);
        sql.push(" is null");
    }
}

/// Columns of one direction without nulls are compared as one row, which an index can follow;
/// each other one opens a level of "beyond, or level with it and the rest beyond".
fn after(steps: &[Step<'_>], sql: &mut Statement) {
    match steps {
        [] => sql.push("false"),
        [first, rest @ ..] if first.order.field.nullable => after_nullable(first, rest, sql),
        [first, ..] => {
            let same = |step: &Step<'_>| {
                !step.order.field.nullable && step.order.descending == first.order.descending
            };
            let run = steps.iter().position(|step| !same(step)).unwrap_or(steps.len());
            let (run, rest) = steps.split_at(run);
            if rest.is_empty() {
                return compare_rows(run, first.beyond(), sql);
            }
            compare_rows(run, first.not_before(), sql);
            sql.push(" and (");
            compare_rows(run, first.beyond(), sql);
            sql.push(" or ");
            nested(rest, sql);
            sql.push(")");
        }
    }
}

/// PostgreSQL's own places for nulls: last in ascending order, first in descending.
fn after_nullable(first: &Step<'_>, rest: &[Step<'_>], sql: &mut Statement) {
    match (first.key, first.order.descending) {
        (None, false) => {
            first.is_null(sql);
            sql.push(" and ");
            nested(rest, sql);
        }
        (None, true) => {
            sql.column(first.order.field);
            sql.push(" is not null or ");
            nested(rest, sql);
        }
        (Some(_), false) => {
            first.is_null(sql);
            sql.push(" or ");
            first.compare(first.beyond(), sql);
            sql.push(" or (");
            first.compare(" = ", sql);
            sql.push(" and ");
            nested(rest, sql);
            sql.push(")");
        }
        (Some(_), true) => {
            first.compare(first.not_before(), sql);
            sql.push(" and (");
            first.compare(first.beyond(), sql);
            sql.push(" or ");
            nested(rest, sql);
            sql.push(")");
        }
    }
}

fn nested(steps: &[Step<'_>], sql: &mut Statement) {
    sql.push("(");
    after(steps, sql);
    sql.push(")");
}

fn compare_rows(run: &[Step<'_>], operator: &'static str, sql: &mut Statement) {
    if let [one] = run {
        return one.compare(operator, sql);
    }
    sql.push("(");
    sql.separated(", ", run, |sql, step| sql.column(step.order.field));
    sql.push(")");
    sql.push(operator);
    sql.push("(");
    sql.separated(", ", run, |sql, step| step.write_key(sql));
    sql.push(")");
}
