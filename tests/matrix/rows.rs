//! What the tables hold, so that a change of any of them is seen.

use std::collections::BTreeMap;

use sqlx::{AssertSqlSafe, Row as _};

use super::stage::Stage;

impl Stage {
    /// Every row there is, or every row of one organisation, table by table as a hash.
    pub async fn rows(&self, org: Option<&str>) -> BTreeMap<String, String> {
        let mut admin = self.admin.lock().await;
        let tables = sqlx::query(
            "select format('%I.%I', n.nspname, c.relname) as name from pg_class as c
             join pg_namespace as n on n.oid = c.relnamespace
             where c.relkind = 'r' and n.nspname not in ('pg_catalog', 'information_schema')
               and ($1::text is null or exists (
                   select from pg_attribute as a where a.attrelid = c.oid and a.attname = 'org_id'))",
        );
        let tables = tables.bind(org).fetch_all(&mut *admin).await.unwrap();
        let mut rows = BTreeMap::new();
        for table in tables {
            let name: String = table.get("name");
            let only =
                if org.is_some() { "where org_id = $1::uuid" } else { "where $1::text is null" };
            let hash = format!(
                "select md5(string_agg(t::text, '' order by t::text)) from {name} as t {only}"
            );
            let hash = sqlx::query_scalar(AssertSqlSafe(hash)).bind(org).fetch_one(&mut *admin);
            let hash: Option<String> = hash.await.unwrap();
            rows.insert(name, hash.unwrap_or_default());
        }
        rows
    }
}
