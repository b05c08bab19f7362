//! How PostgreSQL finds the log's pages, asked as the service's role behind the wall.

use devsphere_auth::{Kind, TicketFields};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use uuid::Uuid;

use super::{audit::fill, world};

/// The plan of a select over the log, for the organisation of that ticket.
async fn plan(role: &mut PgConnection, ticket: &str, condition: &str) -> String {
    let mut tx = role.begin().await.unwrap();
    let set = sqlx::query("select set_config('devsphere.ticket', $1, true)").bind(ticket);
    tx.execute(set).await.unwrap();
    let explain = format!(
        "explain select audit_id from platform.audit where ({condition})
         order by (create_time) desc, (audit_id) desc limit 51"
    );
    let lines: Vec<String> =
        sqlx::query_scalar(AssertSqlSafe(explain)).fetch_all(&mut *tx).await.unwrap();
    lines.join("\n")
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "asks as the service's role, without the service")]
async fn a_page_is_read_off_an_index_and_nothing_is_sorted() {
    let world = world().await;
    let (north, south) = (world.org("north").await, world.org("south").await);
    fill(&world, &north, 20_000).await;
    fill(&world, &south, 5_000).await;
    world.admin().await.execute("analyze platform.audit").await.unwrap();
    let someone: Uuid = sqlx::query_scalar("select principal_id from platform.audit limit 1")
        .fetch_one(&mut world.admin().await)
        .await
        .unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let ticket = world.backend().keys.ticket.ticket(&TicketFields {
        expires: now.as_secs().cast_signed() + 60,
        kind: Kind::User,
        org: Some(north.id().uuid()),
        sub: someone,
        session: None,
        client: None,
        all: 0,
    });
    let options = world.backend().options("devsphere_administration");
    let mut role = PgConnection::connect_with(&options).await.unwrap();

    let pages = [
        ("true".to_owned(), "audit_newest"),
        (
            "((create_time), (audit_id)) < (now()::timestamptz, gen_random_uuid())".to_owned(),
            "audit_newest",
        ),
        (format!("(principal_id) = '{someone}'::uuid"), "audit_by_principal"),
    ];
    for (condition, index) in pages {
        let plan = plan(&mut role, ticket.as_str(), &condition).await;

        assert!(plan.contains(index), "{plan}");
        assert!(!plan.contains("Sort") && !plan.contains("Seq Scan on audit"), "{plan}");
    }
}
