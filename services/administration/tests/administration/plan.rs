//! How PostgreSQL finds the pages of the log and of approvals, asked as the service's role behind the wall.

use devsphere_auth::{Kind, Ticket, TicketFields};
use devsphere_testkit::{Org, World};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use uuid::Uuid;

use super::{audit::fill, world};

/// The plan of a page of that table of the platform's, for the organisation of that ticket.
async fn plan(role: &mut PgConnection, ticket: &str, table: &str, condition: &str) -> String {
    let mut tx = role.begin().await.unwrap();
    let set = sqlx::query("select set_config('devsphere.ticket', $1, true)").bind(ticket);
    tx.execute(set).await.unwrap();
    let explain = format!(
        "explain select {table}_id from platform.{table} where {condition}
         order by (create_time) desc, ({table}_id) desc limit 51"
    );
    let lines: Vec<String> =
        sqlx::query_scalar(AssertSqlSafe(explain)).fetch_all(&mut *tx).await.unwrap();
    lines.join("\n")
}

/// A ticket of somebody there.
fn ticket(world: &World, org: &Org<'_>, person: Uuid) -> Ticket {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    world.backend().keys.ticket.ticket(&TicketFields {
        expires: now.as_secs().cast_signed() + 60,
        kind: Kind::User,
        org: Some(org.id().uuid()),
        sub: person,
        session: None,
        client: None,
        all: 0,
    })
}

/// A connection under the service's role.
#[expect(clippy::disallowed_methods, reason = "asks as the service's role, without the service")]
async fn role(world: &World) -> PgConnection {
    let options = world.backend().options("devsphere_administration");
    PgConnection::connect_with(&options).await.unwrap()
}

#[tokio::test]
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
    let ticket = ticket(&world, &north, someone);
    let mut role = role(&world).await;

    let pages = [
        ("(true)".to_owned(), "audit_newest"),
        (
            "(((create_time), (audit_id)) < (now()::timestamptz, gen_random_uuid()))".to_owned(),
            "audit_newest",
        ),
        (format!("((principal_id) = '{someone}'::uuid)"), "audit_by_principal"),
    ];
    for (condition, index) in pages {
        let plan = plan(&mut role, ticket.as_str(), "audit", &condition).await;

        assert!(plan.contains(index), "{plan}");
        assert!(!plan.contains("Sort") && !plan.contains("Seq Scan on audit"), "{plan}");
    }
}

/// Questions as they would have come in over a long time, one a minute, by ten people; one in
/// fifty waits, of two kinds of records.
async fn ask(world: &World, org: &Org<'_>, count: i32) {
    let ask = sqlx::query(
        "insert into platform.approval (org_id, noun, record_id, record_version, title, permission, asked_by,
                                        barred, required, state, create_time)
         select $1, 'content_piece', gen_random_uuid(), 3, 'Accessible web design',
                case n % 2 when 0 then 'seo.contentPieces.decide' else 'finance.invoices.decide' end,
                md5((n % 10)::text)::uuid, array[md5((n % 10)::text)::uuid], true,
                case when n % 100 < 2 then 'pending' else 'approved' end, now() - make_interval(mins => $2 - n)
         from generate_series(1, $2) as n",
    );
    world.admin().await.execute(ask.bind(org.id()).bind(count)).await.unwrap();
}

#[tokio::test]
async fn a_page_of_approvals_is_read_off_an_index_and_nothing_is_sorted() {
    let world = world().await;
    let (north, south) = (world.org("north").await, world.org("south").await);
    ask(&world, &north, 20_000).await;
    ask(&world, &south, 5_000).await;
    world.admin().await.execute("analyze platform.approval").await.unwrap();
    let someone: Uuid = sqlx::query_scalar("select asked_by from platform.approval limit 1")
        .fetch_one(&mut world.admin().await)
        .await
        .unwrap();
    let ticket = ticket(&world, &north, someone);
    let mut role = role(&world).await;

    let asked = format!("((asked_by) = '{someone}'::uuid)");
    let theirs = "((permission) in ('seo.contentPieces.decide'::text)) \
                  and (((select platform.sub()) = any (barred)) = false::boolean)";
    let pages = [
        (format!("(state = 'pending') and {theirs}"), "approval_waiting"),
        (asked.clone(), "approval_asked"),
        (format!("({asked} or ({theirs}))"), "approval_newest"),
    ];
    for (condition, index) in pages {
        let plan = plan(&mut role, ticket.as_str(), "approval", &condition).await;

        assert!(plan.contains(index), "{plan}");
        assert!(!plan.contains("Sort") && !plan.contains("Seq Scan on approval"), "{plan}");
    }
}
