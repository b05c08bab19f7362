//! Lists: a constant select, a filter, an order and a page in one statement that binds every value.
//!
//! This is the one place where SQL is built. Text comes from constants of the code alone;
//! conditions are trees over static fields, and what callers sent is bound, cast to its field's type.

mod condition;
mod field;
mod page;
mod statement;

use devsphere_error::{Error, Result};
use sqlx::{FromRow, PgConnection, Postgres, QueryBuilder, Row, postgres::PgRow};

pub use condition::{Condition, Op, Value};
pub use field::{Field, Kind, Order};
pub use page::{Page, PageKey, Total};
use statement::Statement;

/// The largest total that is counted out; beyond it a total says "at least".
const MAX_TOTAL: i32 = 10_000;

/// A query for one page of rows, and for their number.
///
/// Pages are found by key, never by offset: a row is shown once however many come and go between
/// two pages. Nulls stand last in ascending order and first in descending, as PostgreSQL has it.
#[derive(Debug, Clone)]
pub struct List {
    select: &'static str,
    only: Vec<&'static str>,
    conditions: Vec<Condition>,
    order: Vec<Order>,
    tie: &'static Field,
    size: u32,
    after: Option<PageKey>,
}

impl List {
    /// A list over `select … from …`, without a `where`.
    ///
    /// `tie` is a field that is never null and unique among the rows: it ends every order.
    pub const fn new(select: &'static str, tie: &'static Field) -> Self {
        Self {
            select,
            only: Vec::new(),
            conditions: Vec::new(),
            order: Vec::new(),
            tie,
            size: 50,
            after: None,
        }
    }

    /// Narrows to rows of which this constant SQL holds.
    #[must_use]
    pub fn only(mut self, sql: &'static str) -> Self {
        self.only.push(sql);
        self
    }

    /// Narrows to rows of which the condition holds, if there is one.
    #[must_use]
    pub fn filter(mut self, condition: impl Into<Option<Condition>>) -> Self {
        self.conditions.extend(condition.into());
        self
    }

    /// Sorts by these fields in turn; rows that are level in all stand in the tie field's order.
    #[must_use]
    pub fn order(mut self, order: Vec<Order>) -> Self {
        self.order = order;
        self
    }

    /// Asks for `size` rows (at least one), after the key if there is one.
    #[must_use]
    pub fn page(mut self, size: u32, after: Option<PageKey>) -> Self {
        self.size = size.max(1);
        self.after = after;
        self
    }

    /// Runs it. `T` finds its columns by name: `page_key` is selected before them.
    pub async fn fetch<T>(self, conn: &mut PgConnection) -> Result<Page<T>>
    where
        T: for<'r> FromRow<'r, PgRow>,
    {
        let fetched = self.page_statement()?.build().fetch_all(conn).await;
        let fetched = match self.after {
            Some(_) => fetched.map_err(PageKey::blame)?,
            None => fetched?,
        };
        let size = page::fits(&fetched, usize::try_from(self.size).unwrap_or(usize::MAX));
        let last = if fetched.len() > size { fetched.get(size - 1) } else { None };
        let next = last.map(|row| row.try_get("page_key").map(PageKey)).transpose()?;
        let rows = fetched.iter().take(size).map(T::from_row).collect::<Result<_, _>>()?;
        Ok(Page { rows, next })
    }

    /// Counts the rows of all pages, up to 10,000.
    pub async fn count(&self, conn: &mut PgConnection) -> Result<Total> {
        let found: i32 = self.count_statement().build_query_scalar().fetch_one(conn).await?;
        Ok(Total { count: found.min(MAX_TOTAL), exact: found <= MAX_TOTAL })
    }

    /// The text of the page's statement, for tests.
    pub fn sql(&self) -> Result<String> {
        self.page_statement().map(QueryBuilder::into_string)
    }

    fn page_statement(&self) -> Result<QueryBuilder<Postgres>> {
        let columns = self
            .select
            .strip_prefix("select")
            .ok_or_else(|| Error::internal("the text of a list begins with `select`"))?;
        let order = self.full_order();
        let mut sql = Statement::new("select array[");
        sql.separated(", ", &order, |sql, step| {
            sql.column(step.field);
            sql.push("::text");
        });
        sql.push("] as page_key,");
        sql.push(columns);
        self.write_where(&mut sql);
        if let Some(key) = &self.after {
            sql.push(if self.is_narrowed() { " and (" } else { " where (" });
            key.write_after(&order, &mut sql)?;
            sql.push(")");
        }
        sql.push(" order by ");
        sql.separated(", ", &order, |sql, step| {
            sql.column(step.field);
            sql.push(if step.descending { " desc" } else { "" });
        });
        sql.push(" limit ");
        // One more than asked for tells whether there is a next page.
        sql.number(i64::from(self.size) + 1);
        Ok(sql.done())
    }

    fn count_statement(&self) -> QueryBuilder<Postgres> {
        // PostgreSQL does not compute columns that nobody outside the subquery reads.
        let mut sql = Statement::new("select count(*)::int4 from (");
        sql.push(self.select);
        self.write_where(&mut sql);
        sql.push(" limit ");
        sql.number(i64::from(MAX_TOTAL) + 1);
        sql.push(") as counted");
        sql.done()
    }

    const fn is_narrowed(&self) -> bool {
        !self.only.is_empty() || !self.conditions.is_empty()
    }

    fn write_where(&self, sql: &mut Statement) {
        if !self.is_narrowed() {
            return;
        }
        sql.push(" where (");
        sql.separated(") and (", &self.only, |sql, only| sql.push(only));
        if !self.only.is_empty() && !self.conditions.is_empty() {
            sql.push(") and (");
        }
        sql.separated(") and (", &self.conditions, |sql, condition| condition.write(sql));
        sql.push(")");
    }

    /// The order down to the tie field, which follows the last direction so that one index serves both.
    fn full_order(&self) -> Vec<Order> {
        let mut order = self.order.clone();
        match order.iter().position(|step| step.field == self.tie) {
            Some(tie) => order.truncate(tie + 1),
            None => order.push(Order {
                field: self.tie,
                descending: order.last().is_some_and(|last| last.descending),
            }),
        }
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAD_ID: Field = Field::uuid("lead_id", "lead_id");
    const NAME: Field = Field::text("name", "name").sortable();
    const OWNER_ID: Field = Field::uuid("owner_id", "owner_id").nullable();
    const CREATE_TIME: Field = Field::instant("create_time", "create_time").sortable();

    fn leads() -> List {
        List::new("select name from crm.lead", &LEAD_ID)
    }

    fn key<const N: usize>(texts: [Option<&str>; N]) -> Option<PageKey> {
        Some(PageKey(texts.iter().map(|text| text.map(Into::into)).collect()))
    }

    fn tail(list: &List) -> String {
        let sql = list.sql().expect("the list is sound");
        let (_, tail) = sql.split_once("from crm.lead").expect("the select is there");
        tail.into()
    }

    #[test]
    fn a_bare_list_is_in_the_order_of_its_tie_field() {
        assert_eq!(
            leads().sql().expect("the list is sound"),
            "select array[(lead_id)::text] as page_key, name from crm.lead \
             order by (lead_id) limit $1"
        );
    }

    #[test]
    fn constants_and_conditions_are_joined_and_values_bound() {
        let list = leads()
            .only("delete_time is null")
            .filter(Condition::Or(vec![Condition::is(&NAME, "x'y"), Condition::IsNull(&OWNER_ID)]))
            .filter(Condition::is(&NAME, "z").negated())
            .filter(None);

        assert_eq!(
            tail(&list),
            " where (delete_time is null) and (((name) = $1::text) or ((owner_id) is null)) \
             and (((name) = $2::text) is not true) order by (lead_id) limit $3"
        );
        assert_eq!(
            list.count_statement().into_string(),
            "select count(*)::int4 from (select name from crm.lead where (delete_time is null) \
             and (((name) = $1::text) or ((owner_id) is null)) \
             and (((name) = $2::text) is not true) limit $3) as counted"
        );
    }

    #[test]
    fn columns_of_one_direction_are_compared_as_a_row() {
        let list = leads()
            .order(vec![CREATE_TIME.descending()])
            .page(10, key([Some("2026-01-31 09:00:00+00"), Some("…")]));

        assert_eq!(
            tail(&list),
            " where (((create_time), (lead_id)) < ($1::timestamptz, $2::uuid)) \
             order by (create_time) desc, (lead_id) desc limit $3"
        );
    }

    #[test]
    fn mixed_directions_and_nulls_open_a_level_each() {
        let order = vec![NAME.ascending(), OWNER_ID.descending()];
        let by_both = |owner| {
            let page = leads().order(order.clone()).page(10, key([Some("n"), owner, Some("…")]));
            tail(&page)
        };

        assert_eq!(
            by_both(Some("…")),
            " where ((name) >= $1::text and ((name) > $2::text or ((owner_id) <= $3::uuid \
             and ((owner_id) < $4::uuid or ((lead_id) < $5::uuid))))) \
             order by (name), (owner_id) desc, (lead_id) desc limit $6"
        );
        assert_eq!(
            by_both(None),
            " where ((name) >= $1::text and ((name) > $2::text or \
             ((owner_id) is not null or ((lead_id) < $3::uuid)))) \
             order by (name), (owner_id) desc, (lead_id) desc limit $4"
        );
    }

    #[test]
    fn nothing_follows_the_tie_field_in_an_order() {
        let list = leads().order(vec![LEAD_ID.descending(), NAME.ascending()]);

        assert_eq!(tail(&list), " order by (lead_id) desc limit $1");
    }

    #[test]
    fn a_key_of_another_order_is_refused() {
        let by_name = leads().order(vec![NAME.ascending()]);

        for key in [key([Some("a")]), key([None, Some("…")]), key([Some("a"), None])] {
            assert!(matches!(by_name.clone().page(10, key).sql(), Err(Error::Invalid(_))));
        }
    }
}
