//! How strong a login role may be: no stronger than the walls it works behind.

use sqlx::PgConnection;

/// What the session's role could do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub struct Strength {
    /// Read rows of every organisation.
    pub passes_walls: bool,
    /// Make roles, become another, or change a table.
    pub changes_walls: bool,
}

impl Strength {
    /// Asks the database.
    ///
    /// # Errors
    /// As any statement.
    pub async fn of(connection: &mut PgConnection) -> Result<Self, sqlx::Error> {
        sqlx::query_as(
            "select rolbypassrls or rolsuper as passes_walls,
                    rolsuper or rolcreaterole or rolcreatedb or rolreplication
                    or exists (select from pg_auth_members where member = pg_roles.oid)
                    or exists (select from pg_class where relowner = pg_roles.oid) as changes_walls
             from pg_roles where rolname = current_user",
        )
        .fetch_one(connection)
        .await
    }

    /// Whether a role that works behind the walls is stronger than it should be.
    pub const fn is_too_much(self) -> bool {
        self.passes_walls || self.changes_walls
    }
}
