//! The tables as an intruder sees them, and what may be tried on one.

use sqlx::{AssertSqlSafe, FromRow, PgConnection};
use uuid::Uuid;

use super::neighbours::Place;

/// A table of ours.
#[derive(Debug, FromRow)]
pub(super) struct Table {
    /// As in `crm.lead`.
    pub(super) name: String,
    pub(super) walled: bool,
    /// The column that says whose a row is, where one does.
    pub(super) tenant: Option<String>,
    columns: Vec<String>,
    key: Vec<String>,
}

/// One statement of an intruder.
pub(super) struct Attempt {
    pub(super) name: &'static str,
    pub(super) sql: String,
}

impl Table {
    /// Every table of the schemas of ours.
    pub(super) async fn all(admin: &mut PgConnection) -> Vec<Self> {
        sqlx::query_as(
            "select c.oid::regclass::text as name, c.relrowsecurity as walled,
                    (select a.attname::text from pg_attribute as a
                     where a.attrelid = c.oid and a.attname in ('org_id', 'person_id')
                     order by a.attname limit 1) as tenant,
                    array(select a.attname::text from pg_attribute as a
                          where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
                          order by a.attnum) as columns,
                    array(select a.attname::text from pg_index as i join pg_attribute as a
                              on a.attrelid = c.oid and a.attnum = any (i.indkey)
                          where i.indrelid = c.oid and i.indisprimary) as key
             from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
             where c.relkind = 'r' and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')
             order by 1",
        )
        .fetch_all(admin)
        .await
        .unwrap()
    }

    /// The id that rows of that place carry here.
    pub(super) fn whose(&self, place: &Place) -> Uuid {
        if self.tenant.as_deref() == Some("person_id") { place.person } else { place.org }
    }

    /// How many rows of that place there are, and what they say, in one word; a table of nobody's
    /// as a whole.
    pub(super) async fn state(&self, place: &Place, admin: &mut PgConnection) -> (usize, String) {
        let of = match &self.tenant {
            Some(tenant) => format!("{tenant} = '{}'", self.whose(place)),
            None => "true".into(),
        };
        let sql = format!(
            "select count(*), md5(coalesce(string_agg(t::text, '|' order by t::text), '')) from {} as t where {of}",
            self.name,
        );
        let (count, said): (i64, String) =
            sqlx::query_as(AssertSqlSafe(sql)).fetch_one(admin).await.unwrap();
        (count.try_into().unwrap(), said)
    }

    /// Every way to a row of the victim's, as statements of somebody else.
    pub(super) async fn attempts(&self, victim: &Place, admin: &mut PgConnection) -> Vec<Attempt> {
        let (name, whose) = (&self.name, self.whose(victim));
        let tenant = self.tenant.as_deref().unwrap_or(&self.columns[0]);
        let (taken, fresh) = self.rows(victim, admin).await;
        let row = |row: &str| format!("jsonb_populate_record(null::{name}, '{row}')");
        let all = self.columns.join(", ");
        let own: Vec<_> = self.columns.iter().filter(|column| *column != tenant).cloned().collect();
        let own = if own.is_empty() { all.clone() } else { own.join(", ") };
        let key = self.key.join(", ");
        let same_key: Vec<_> =
            self.key.iter().map(|column| format!("t.{column} = v.{column}")).collect();
        let (taken, fresh, on) = (row(&taken), row(&fresh), same_key.join(" and "));
        // The last column that no key holds, so that what may be changed at all is tried.
        let free = |column: &&String| !self.key.contains(column) && *column != tenant;
        let plain = self.columns.iter().rfind(free).unwrap_or(&self.columns[0]);
        let query = |name, sql| Attempt { name, sql };
        vec![
            query("select", format!("select t::text from {name} as t")),
            query(
                "select one",
                format!("select t::text from {name} as t where {tenant}::text = '{whose}'"),
            ),
            query("select for update", format!("select t::text from {name} as t for update")),
            query("insert", format!("insert into {name} ({own}) select {own} from {fresh}")),
            query(
                "insert for another",
                format!("insert into {name} ({all}) select {all} from {fresh}"),
            ),
            query("update", format!("update {name} set {plain} = {plain}")),
            query(
                "update one",
                format!("update {name} set {plain} = null where {tenant}::text = '{whose}'"),
            ),
            query("move", format!("update {name} set {tenant} = (select {tenant} from {taken})")),
            query("delete", format!("delete from {name}")),
            query(
                "upsert",
                format!(
                    "insert into {name} ({all}) select {all} from {taken}
                     on conflict ({key}) do update set {plain} = excluded.{plain}"
                ),
            ),
            query(
                "insert or leave",
                format!(
                    "insert into {name} ({all}) select {all} from {taken} on conflict do nothing"
                ),
            ),
            query(
                "merge",
                format!(
                    "merge into {name} as t using {taken} as v on {on}
                     when matched then update set {plain} = v.{plain}
                     when not matched then do nothing"
                ),
            ),
            query("copy from", format!("copy {name} from stdin")),
            query("truncate", format!("truncate {name} cascade")),
            query("lock", format!("lock table {name} in share mode")),
        ]
    }

    /// A row of the victim's as JSON, and the same under a new id.
    async fn rows(&self, victim: &Place, admin: &mut PgConnection) -> (String, String) {
        let of = match &self.tenant {
            Some(tenant) => format!("{tenant} = '{}'", self.whose(victim)),
            None => "true".into(),
        };
        let ids: Vec<_> =
            self.key.iter().filter(|column| Some(*column) != self.tenant.as_ref()).collect();
        let renamed: String = ids
            .iter()
            .map(|column| {
                // A number in a key is another number, a date another date.
                format!(
                    " || jsonb_build_object('{column}', case
                         when jsonb_typeof(to_jsonb(t) -> '{column}') = 'number' then to_jsonb(2000000000)
                         when pg_typeof(t.{column}) = 'date'::regtype then to_jsonb(date '2000-01-01')
                         else to_jsonb(gen_random_uuid()) end)"
                )
            })
            .collect();
        let sql = format!(
            "select to_jsonb(t)::text, (to_jsonb(t){renamed})::text from {} as t where {of} limit 1",
            self.name
        );
        let (taken, fresh): (String, String) =
            sqlx::query_as(AssertSqlSafe(sql)).fetch_one(admin).await.unwrap();
        (taken.replace('\'', "''"), fresh.replace('\'', "''"))
    }
}
