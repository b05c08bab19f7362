//! A service's role in the wrong hands, with whatever ticket they can get.

use futures_util::TryStreamExt as _;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, Row as _};

use super::{MODULES, neighbours::Neighbours, table::Table};

/// What a statement came to: the rows that it showed, or its SQLSTATE.
pub(super) type Outcome = Result<Vec<String>, String>;

/// Whoever signs in as a service.
pub(super) struct Thief<'n> {
    neighbours: &'n Neighbours,
    pub(super) module: &'static str,
    connection: PgConnection,
    /// The tables that the service may use, each with its wall.
    pub(super) own: Vec<Table>,
    /// Those on which it has no right at all.
    pub(super) other: Vec<Table>,
}

impl<'n> Thief<'n> {
    /// One for each service.
    pub(super) async fn of_each_service(neighbours: &'n Neighbours) -> Vec<Self> {
        let mut admin = neighbours.world.admin().await;
        let mut thieves = Vec::new();
        for module in MODULES {
            let (module, role) = (module.schema.name, module.schema.role());
            let (mut own, mut other) = (Vec::new(), Vec::new());
            for table in Table::all(&mut admin).await {
                let any = "select has_any_column_privilege($1, $2, 'select, insert, update')";
                let any = sqlx::query_scalar(any).bind(&role).bind(&table.name);
                match any.fetch_one(&mut admin).await.unwrap() {
                    // Tables of nobody's, which the catalogue's rules list with each right.
                    true if !table.walled => {}
                    true => own.push(table),
                    false => other.push(table),
                }
            }
            let connection = neighbours.connect(module).await;
            thieves.push(Self { neighbours, module, connection, own, other });
        }
        thieves
    }

    /// Goes on with a new connection.
    pub(super) async fn start_afresh(&mut self) {
        self.connection = self.neighbours.connect(self.module).await;
    }

    /// Runs a statement in a transaction of that ticket, or of none, and commits.
    pub(super) async fn attempt(&mut self, ticket: Option<&str>, sql: &str) -> Outcome {
        let mut tx = self.connection.begin().await.unwrap();
        if let Some(ticket) = ticket {
            set(&mut tx, ticket).await;
        }
        let shown = rows(&mut tx, sql).await;
        match &shown {
            Ok(_) => tx.commit().await.unwrap(),
            Err(_) => tx.rollback().await.unwrap(),
        }
        shown
    }

    /// Copies a whole table out, in a transaction of that ticket.
    pub(super) async fn copy(&mut self, ticket: Option<&str>, table: &Table) -> Outcome {
        // After a refused COPY sqlx 0.9 miscounts the server's answers, so each has its connection.
        self.start_afresh().await;
        if let Some(ticket) = ticket {
            self.connection.execute("begin").await.unwrap();
            set(&mut self.connection, ticket).await;
        }
        let copy = format!("copy {} to stdout", table.name);
        let lines = self.connection.copy_out_raw(&copy).await.map_err(sqlstate)?;
        let lines: Vec<_> = lines.try_collect().await.map_err(sqlstate)?;
        Ok(lines.iter().map(|line| String::from_utf8_lossy(line).into_owned()).collect())
    }
}

/// Sets the ticket, as the opening statement does.
pub(super) async fn set(connection: &mut PgConnection, ticket: &str) {
    let set = sqlx::query("select set_config('devsphere.ticket', $1, true)").bind(ticket);
    set.execute(connection).await.unwrap();
}

/// The first column of what statements show, where it is text.
pub(super) async fn rows(connection: &mut PgConnection, sql: &str) -> Outcome {
    let shown = sqlx::raw_sql(AssertSqlSafe(sql)).fetch_all(connection).await.map_err(sqlstate)?;
    Ok(shown.iter().filter_map(|row| row.try_get_unchecked(0).ok()).collect())
}

fn sqlstate(error: sqlx::Error) -> String {
    let code = error.as_database_error().and_then(|error| error.code());
    code.unwrap_or_else(|| panic!("{error}")).into_owned()
}
