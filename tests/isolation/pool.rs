//! Opens that are cancelled or fail leave nothing behind for whoever gets the connection next.

use std::time::Duration;

use devsphere_auth::{
    Attempt, Facts, Kind, PermissionSet, Permit, Role, Subject, TicketKey, Verifier, mint::Minter,
};
use devsphere_db::{Database, TenantDb, TenantTx};
use devsphere_error::{Error, Result};
use devsphere_ids::RequestId;
use devsphere_proto::Contract;
use devsphere_testkit::{eventually, organization};
use futures_util::{StreamExt as _, stream};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    cut::cut,
    neighbours::{Neighbours, Place, now},
};
use crate::counts::{Chance, full_or_hundredth};

const READ: &str = "/devsphere.crm.v1.LeadService/ListLeads";
const WRITE: &str = "/devsphere.crm.v1.LeadService/CreateLead";
/// Opens at the same time, two for each connection.
const AT_ONCE: usize = 4;
/// Opens between two looks at what they left.
const WAVE: usize = 10;

/// What the stack does before a handler: assertion, caller, permit.
struct Desk<'n> {
    neighbours: &'n Neighbours,
    verifier: Verifier,
    forger: Minter,
    db: TenantDb,
}

/// Which ticket the permit carries.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ticket {
    Good,
    Expired,
    Forged,
}

impl<'n> Desk<'n> {
    fn over_two_connections(neighbours: &'n Neighbours) -> Self {
        let backend = neighbours.world.backend();
        let keys = &backend.keys;
        let schema = devsphere_crm::MODULE.schema;
        let options = backend.options(&schema.role());
        let database = Database::new(schema, options, 2, Duration::from_secs(5));
        let wrong = TicketKey::new(keys.ticket.kid().into(), [7; 32]);
        Self {
            neighbours,
            verifier: Verifier::new(vec![keys.assertion.public()]),
            forger: Minter::new(Contract::get().unwrap(), keys.assertion.clone(), wrong),
            db: database.tenant(),
        }
    }

    async fn permit(&self, place: &Place, method: &str, ticket: Ticket) -> Permit {
        let organization = organization(place.org, Some(Role::Ceo));
        let subject = Subject {
            kind: Kind::User,
            id: place.person,
            session: Some(place.session),
            organization: Some(organization),
            client: None,
            permissions: PermissionSet::matching(&["crm.*"]),
        };
        let minter =
            if ticket == Ticket::Forged { &self.forger } else { self.neighbours.world.minter() };
        let begun = if ticket == Ticket::Expired { now() - 120 } else { now() };
        let (assertion, _) = minter.assertion(&subject, begun).unwrap();
        let caller = self.verifier.lapsed_caller(&assertion).await.unwrap();
        let facts = Facts {
            trace: Uuid::now_v7(),
            address: None,
            user_agent: "test".into(),
            deadline: None,
            attempt: Attempt::new([1; 32]),
        };
        let method = Contract::get().unwrap().method(method).unwrap();
        Permit::authorize(caller, method, None, facts).unwrap()
    }

    /// A permit to write, with a request id of its own.
    async fn to_write(&self, place: &Place, ticket: Ticket) -> Permit {
        self.permit(place, WRITE, ticket).await.repeatable(Some(RequestId::fresh()))
    }

    /// One call as a handler makes it: a transaction of its own, begun after it was asked for,
    /// which sees the place's rows and no other.
    async fn call(&self, place: &Place, writes: bool, admin: &mut PgConnection) {
        let asked: String =
            sqlx::query_scalar("select clock_timestamp()::text").fetch_one(admin).await.unwrap();
        let mut tx = if writes {
            self.db.write(&self.to_write(place, Ticket::Good).await).await.unwrap()
        } else {
            self.db.read(&self.permit(place, READ, Ticket::Good).await).await.unwrap()
        };
        let (fresh, read_only, strangers, own) = seen(&mut tx, place.org, &asked).await;
        assert!(fresh, "a transaction from before the call");
        assert_eq!(read_only, !writes);
        assert_eq!((strangers, own), (0, 1));
        if writes {
            tx.commit(()).await.unwrap();
        }
    }

    /// Good calls for both places in turn, over both connections, then nothing left open.
    async fn calls_are_sound(&self, count: usize) {
        let (north, south) = (&self.neighbours.north, &self.neighbours.south);
        let mut admin = self.neighbours.world.admin().await;
        for number in 0..count {
            let place = if number.is_multiple_of(2) { north } else { south };
            self.call(place, number.is_multiple_of(3), &mut admin).await;
        }
        self.open_both().await;
        no_transaction_is_left(&mut admin).await;
    }

    /// Holds both connections at the same time.
    async fn open_both(&self) {
        let permit = self.permit(&self.neighbours.north, READ, Ticket::Good).await;
        let _first = self.db.read(&permit).await.unwrap();
        let _second = self.db.read(&permit).await.unwrap();
    }
}

async fn seen(tx: &mut TenantTx, org: Uuid, asked: &str) -> (bool, bool, i64, i64) {
    sqlx::query_as(
        "select transaction_timestamp() > $1::timestamptz, current_setting('transaction_read_only')::boolean,
                count(*) filter (where org_id <> $2), count(*) filter (where org_id = $2)
         from crm.lead",
    )
    .bind(asked)
    .bind(org)
    .fetch_one(tx.conn())
    .await
    .unwrap()
}

/// Waits until no service's connection is inside a transaction.
pub(super) async fn no_transaction_is_left(admin: &mut PgConnection) {
    eventually("every connection out of its transaction", async || {
        let open: i64 = sqlx::query_scalar(
            "select count(*) from pg_stat_activity
             where datname = current_database() and usename like 'devsphere%' and xact_start is not null",
        )
        .fetch_one(&mut *admin)
        .await
        .unwrap();
        (open == 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_thousand_calls_are_sound_after_ten_thousand_cancelled_opens() {
    let neighbours = Neighbours::arrange().await;
    let mut admin = neighbours.world.admin().await;
    let desk = Desk::over_two_connections(&neighbours);
    let chance = Chance::seeded();
    desk.open_both().await;

    let (mut opened, mut cancelled) = (0, 0);
    while cancelled < full_or_hundredth(10_000) {
        let wave = stream::iter(0..WAVE).map(|number| hang_up(&desk, &chance, number));
        for hung_up in wave.buffer_unordered(AT_ONCE).collect::<Vec<bool>>().await {
            *(if hung_up { &mut cancelled } else { &mut opened }) += 1;
        }
        no_transaction_is_left(&mut admin).await;
    }

    println!("{cancelled} opens were cancelled, {opened} came to their end before");
    assert!(opened > 0);
    desk.calls_are_sound(full_or_hundredth(1_000)).await;
}

/// Opens a transaction, and perhaps does not wait for it.
async fn hang_up(desk: &Desk<'_>, chance: &Chance, number: usize) -> bool {
    let place =
        if number.is_multiple_of(2) { &desk.neighbours.north } else { &desk.neighbours.south };
    let opened = if number.is_multiple_of(3) {
        let permit = desk.to_write(place, Ticket::Good).await;
        cut(chance, desk.db.write(&permit)).await
    } else {
        let permit = desk.permit(place, READ, Ticket::Good).await;
        cut(chance, desk.db.read(&permit)).await
    };
    opened.map(Result::unwrap).is_none()
}

#[tokio::test]
async fn a_request_is_repeated_at_once_after_its_open_was_cancelled() {
    let neighbours = Neighbours::arrange().await;
    let desk = Desk::over_two_connections(&neighbours);
    let chance = Chance::seeded();
    desk.open_both().await;

    let mut cancelled = 0;
    while cancelled < full_or_hundredth(10_000) {
        let permit = desk.to_write(&neighbours.north, Ticket::Good).await;
        if cut(&chance, desk.db.write(&permit)).await.is_some() {
            continue;
        }
        cancelled += 1;
        // Nobody holds the request id any more; `in_flight` would say that somebody does.
        desk.db.write(&permit).await.unwrap().commit(()).await.unwrap();
    }
}

#[tokio::test]
async fn a_thousand_calls_are_sound_after_ten_thousand_failing_opens() {
    let neighbours = Neighbours::arrange().await;
    let desk = Desk::over_two_connections(&neighbours);
    let chance = Chance::seeded();
    desk.open_both().await;

    let opens = stream::iter(0..full_or_hundredth(10_000)).map(async |number| {
        let place = if number.is_multiple_of(2) { &neighbours.north } else { &neighbours.south };
        fail(&desk, place, chance.below(5)).await;
    });
    opens.buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;

    desk.calls_are_sound(full_or_hundredth(1_000)).await;
}

/// One of the ways in which an open fails, or the first statement after it.
async fn fail(desk: &Desk<'_>, place: &Place, way: u64) {
    let taken = RequestId::from(place.request_id);
    match way {
        0 => {
            let permit = desk.to_write(place, Ticket::Expired).await;
            assert!(matches!(desk.db.write(&permit).await, Err(Error::TicketExpired)));
        }
        1 => {
            let permit = desk.to_write(place, Ticket::Forged).await;
            assert!(matches!(desk.db.write(&permit).await, Err(Error::Internal(_))));
        }
        2 => {
            let permit = desk.permit(place, WRITE, Ticket::Good).await.repeatable(Some(taken));
            assert!(matches!(desk.db.write(&permit).await, Err(Error::BadRequest { .. })));
        }
        3 => {
            let permit = desk.to_write(place, Ticket::Good).await;
            desk.db.write(&permit).await.unwrap().commit(()).await.unwrap();
            assert!(matches!(desk.db.write(&permit).await, Err(Error::Replayed)));
        }
        _ => {
            let permit = desk.permit(place, READ, Ticket::Forged).await;
            let mut tx = desk.db.read(&permit).await.unwrap();
            let refused = sqlx::query("select from crm.lead").fetch_all(tx.conn()).await;
            let refused = refused.unwrap_err();
            assert_eq!(refused.as_database_error().unwrap().code().as_deref(), Some("DV002"));
        }
    }
}
