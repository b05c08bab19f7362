//! Every statement on every table, under a service's own role: what would a thief of its password
//! get, or an injection?

use sqlx::Connection as _;

use super::{
    neighbours::{Neighbours, Place},
    table::{Attempt, Table},
    thief::{Outcome, Thief, rows, set},
};

/// Says that a role has no right at all, or that a bulk copy passes no wall.
const DENIED: [&str; 2] = ["42501", "0A000"];

#[tokio::test]
async fn both_neighbours_have_rows_in_every_walled_table() {
    let neighbours = Neighbours::arrange().await;
    let mut admin = neighbours.world.admin().await;

    for table in Table::all(&mut admin).await {
        for place in [&neighbours.north, &neighbours.south] {
            let (count, _) = table.state(place, &mut admin).await;

            assert!(count > 0 || !table.walled, "nothing to steal in {}", table.name);
        }
    }
}

#[tokio::test]
async fn without_a_good_ticket_every_statement_is_an_error() {
    let neighbours = Neighbours::arrange().await;
    let mut admin = neighbours.world.admin().await;

    for mut thief in Thief::of_each_service(&neighbours).await {
        for table in std::mem::take(&mut thief.own) {
            let before = table.state(&neighbours.north, &mut admin).await;
            let attempts = table.attempts(&neighbours.north, &mut admin).await;
            // Nothing was ever set there, as on the first call of a service.
            thief.start_afresh().await;
            for (what, ticket, code) in neighbours.worthless() {
                for attempt in &attempts {
                    let refused = thief.attempt(ticket.as_deref(), &attempt.sql).await;

                    let tried = tried(attempt, &table, what);
                    let refused = refused.expect_err(&tried);
                    let denied = DENIED.contains(&refused.as_str()) && attempt.name != "select";
                    assert!(refused == code || denied, "{tried}: {refused}");
                }
                let after = table.state(&neighbours.north, &mut admin).await;
                assert_eq!(after, before, "{} after ticket: {what}", table.name);
            }
        }
    }
}

#[tokio::test]
async fn with_its_own_ticket_a_service_touches_nothing_of_a_neighbour() {
    let neighbours = Neighbours::arrange().await;
    let mut admin = neighbours.world.admin().await;
    let own = neighbours.ticket(&neighbours.south);

    for mut thief in Thief::of_each_service(&neighbours).await {
        for table in std::mem::take(&mut thief.own) {
            let before = table.state(&neighbours.north, &mut admin).await;
            let (mine, _) = table.state(&neighbours.south, &mut admin).await;
            for attempt in table.attempts(&neighbours.north, &mut admin).await {
                let outcome = thief.attempt(Some(&own), &attempt.sql).await;

                let tried = tried(&attempt, &table, "their own");
                assert_no_trace(&outcome, &table, &neighbours.north, &tried);
                match attempt.name {
                    "select" => assert_eq!(outcome.map(|shown| shown.len()), Ok(mine), "{tried}"),
                    "insert for another" | "move" | "upsert" | "insert or leave" => {
                        assert_eq!(outcome, Err("42501".into()), "{tried}");
                    }
                    _ => {}
                }
                assert_eq!(table.state(&neighbours.north, &mut admin).await, before, "{tried}");
            }
        }
    }
}

#[tokio::test]
async fn a_bulk_copy_stands_behind_the_same_wall() {
    let neighbours = Neighbours::arrange().await;
    let mut admin = neighbours.world.admin().await;
    let own = neighbours.ticket(&neighbours.south);

    for mut thief in Thief::of_each_service(&neighbours).await {
        for table in std::mem::take(&mut thief.own) {
            let (mine, _) = table.state(&neighbours.south, &mut admin).await;
            let shown = thief.copy(Some(&own), &table).await;
            assert_no_trace(&shown, &table, &neighbours.north, &table.name);
            assert_eq!(shown.map(|shown| shown.len()), Ok(mine), "{}", table.name);

            for (what, ticket, code) in neighbours.worthless() {
                // The wall is the same; these are the three ways to be turned away by it.
                if !["none", "expired", "altered organisation"].contains(&what) {
                    continue;
                }
                let copied = thief.copy(ticket.as_deref(), &table).await;

                assert_eq!(copied, Err(code.into()), "{}, ticket: {what}", table.name);
            }
        }
        for table in std::mem::take(&mut thief.other) {
            let copied = thief.copy(Some(&own), &table).await;

            assert_eq!(copied, Err("42501".into()), "{}", table.name);
        }
    }
}

#[tokio::test]
async fn a_ticket_changed_amid_a_transaction_opens_nothing() {
    let neighbours = Neighbours::arrange().await;
    let own = neighbours.ticket(&neighbours.south);

    for thief in Thief::of_each_service(&neighbours).await {
        let mut service = neighbours.connect(thief.module).await;
        for (what, ticket, code) in neighbours.worthless() {
            for table in &thief.own {
                let select = format!("select t::text from {} as t", table.name);
                let mut tx = service.begin().await.unwrap();
                set(&mut tx, &own).await;
                let first = rows(&mut tx, &select).await;

                set(&mut tx, ticket.as_deref().unwrap_or_default()).await;
                let second = rows(&mut tx, &select).await;

                assert!(first.is_ok_and(|shown| !shown.is_empty()), "{}", table.name);
                let code = if ticket.is_none() { "DV002" } else { code };
                assert_eq!(second, Err(code.into()), "{}, then ticket: {what}", table.name);
                tx.rollback().await.unwrap();
            }
        }
    }
}

#[tokio::test]
async fn a_service_touches_no_table_of_another_or_of_the_platform() {
    let neighbours = Neighbours::arrange().await;
    let mut admin = neighbours.world.admin().await;

    for mut thief in Thief::of_each_service(&neighbours).await {
        for table in std::mem::take(&mut thief.other) {
            for place in [&neighbours.north, &neighbours.south] {
                let own = neighbours.ticket(place);
                for attempt in table.attempts(place, &mut admin).await {
                    let outcome = thief.attempt(Some(&own), &attempt.sql).await;

                    let tried = tried(&attempt, &table, thief.module);
                    assert_eq!(outcome, Err("42501".into()), "{tried}");
                }
            }
        }
    }
}

fn tried(attempt: &Attempt, table: &Table, ticket: &str) -> String {
    format!("{} on {}, ticket: {ticket}", attempt.name, table.name)
}

/// No row that was shown names the place.
fn assert_no_trace(outcome: &Outcome, table: &Table, place: &Place, tried: &str) {
    let whose = table.whose(place).to_string();
    for row in outcome.iter().flatten() {
        assert!(!row.contains(&whose), "{tried} showed {row}");
    }
}
