//! Ten organisations at once over four connections, and callers who hang up.

use std::{cell::RefCell, collections::BTreeSet};

use devsphere_proto::crm::v1::{self as pb, lead_service_client::LeadServiceClient};
use devsphere_testkit::{CallerChannel, Org, StatusExt as _, World};
use futures_util::{StreamExt as _, stream};
use tonic::{Code, Status};
use uuid::Uuid;

use super::{MODULES, cut::cut, pool::no_transaction_is_left};
use crate::counts::{Chance, full_or_hundredth};

const ORGANIZATIONS: usize = 10;
/// Calls at the same time, four for each connection.
const AT_ONCE: usize = 16;
/// Callers sign in anew after so many calls, long before their assertions end.
const ROUND: usize = 1_000;

/// One organisation as the test knows it.
struct Place<'w> {
    org: Org<'w>,
    /// What each of its records carries, and no other's.
    canary: String,
    /// The leads whose making was answered.
    made: RefCell<Vec<String>>,
}

impl Place<'_> {
    fn leads(&self) -> LeadServiceClient<CallerChannel> {
        LeadServiceClient::new(self.org.caller(&["crm.*"]).channel("crm"))
    }

    /// Any of the leads made so far.
    fn any(&self, chance: &Chance) -> Option<String> {
        let made = self.made.borrow();
        let count = u64::try_from(made.len()).unwrap();
        (count > 0).then(|| made[usize::try_from(chance.below(count)).unwrap()].clone())
    }

    fn check(&self, leads: &[pb::Lead]) {
        for lead in leads {
            assert_eq!(lead.display_name, self.canary, "a foreign row");
        }
    }

    async fn create(&self, mut leads: LeadServiceClient<CallerChannel>) -> Result<(), Status> {
        let request = pb::CreateLeadRequest {
            lead: Some(pb::Lead { display_name: self.canary.clone(), ..Default::default() }),
            request_id: Uuid::now_v7().to_string(),
            validate_only: false,
        };
        let made = leads.create_lead(request).await?.into_inner();
        self.check(std::slice::from_ref(&made));
        self.made.borrow_mut().push(made.lead_id);
        Ok(())
    }

    async fn list(&self, mut leads: LeadServiceClient<CallerChannel>) -> Result<(), Status> {
        let known = self.made.borrow().len();
        let request = pb::ListLeadsRequest { page_size: 50, ..Default::default() };
        let page = leads.list_leads(request).await?.into_inner();
        self.check(&page.leads);
        assert!(page.leads.len() >= known.min(50), "an own row is missing");
        Ok(())
    }

    async fn get(
        &self,
        mut leads: LeadServiceClient<CallerChannel>,
        id: String,
    ) -> Result<(), Status> {
        let lead = leads.get_lead(pb::GetLeadRequest { lead_id: id }).await?.into_inner();
        self.check(&[lead]);
        Ok(())
    }
}

#[derive(Default)]
struct Tally {
    answered: usize,
    cancelled: usize,
    shed: usize,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_caller_meets_a_foreign_row_in_a_hundred_thousand_calls() {
    let world = World::start(&MODULES).await;
    let chance = Chance::seeded();
    let mut places = Vec::new();
    for number in 0..ORGANIZATIONS {
        let org = world.org(&format!("org {number}")).await;
        let canary = format!("canary of {}", org.id());
        places.push(Place { org, canary, made: RefCell::default() });
    }

    let tally = RefCell::new(Tally::default());
    let calls = full_or_hundredth(100_000);
    for begun in (0..calls).step_by(ROUND) {
        let clients: Vec<_> = places.iter().map(Place::leads).collect();
        let round = stream::iter(begun..calls.min(begun + ROUND));
        round
            .for_each_concurrent(AT_ONCE, async |number| {
                let place = number % ORGANIZATIONS;
                let client = clients[place].clone();
                let outcome = call(&places, place, client, &chance).await;
                tally.borrow_mut().note(outcome);
            })
            .await;
    }

    let Tally { answered, cancelled, shed } = tally.into_inner();
    println!("{answered} answered, {cancelled} cancelled, {shed} shed");
    assert_eq!(answered + cancelled + shed, calls);
    assert!(cancelled > calls / 50 && answered > calls / 2);
    what_is_stored_is_right(&world, &places).await;
}

impl Tally {
    fn note(&mut self, outcome: Option<Result<(), Status>>) {
        match outcome {
            None => self.cancelled += 1,
            Some(Ok(())) => self.answered += 1,
            Some(Err(refused)) => {
                assert_eq!(refused.reason(), "OVERLOADED", "{refused:?}");
                self.shed += 1;
            }
        }
    }
}

/// One call of a random kind. One caller in six hangs up at a random point, which for nearly half of
/// them comes too late.
async fn call(
    places: &[Place<'_>],
    number: usize,
    leads: LeadServiceClient<CallerChannel>,
    chance: &Chance,
) -> Option<Result<(), Status>> {
    let place = &places[number];
    let kind = chance.below(10);
    let work = async {
        match (kind, place.any(chance)) {
            (0..3, _) | (_, None) => place.create(leads).await,
            (3..6, _) => place.list(leads).await,
            (6..8, Some(own)) => place.get(leads, own).await,
            (..) => strangers(places, number, leads, chance).await,
        }
    };
    if chance.below(6) == 0 { cut(chance, work).await } else { Some(work.await) }
}

/// Asks for a lead of the next organisation: there is none.
async fn strangers(
    places: &[Place<'_>],
    number: usize,
    leads: LeadServiceClient<CallerChannel>,
    chance: &Chance,
) -> Result<(), Status> {
    let Some(theirs) = places[(number + 1) % places.len()].any(chance) else { return Ok(()) };
    match places[number].get(leads, theirs).await {
        Err(refused) if refused.code() == Code::NotFound => Ok(()),
        Err(refused) => Err(refused),
        Ok(()) => panic!("a foreign row"),
    }
}

/// Every row, event and record stands where its canary says, and what was answered is there.
async fn what_is_stored_is_right(world: &World, places: &[Place<'_>]) {
    let mut admin = world.admin().await;
    let astray: i64 = sqlx::query_scalar(
        "select count(*) from (
             select org_id, display_name as canary from crm.lead
             union all select org_id, data ->> 'display_name' from platform.outbox where noun = 'lead'
             union all select org_id, after ->> 'display_name' from platform.audit where noun = 'lead'
         ) as stored where canary is distinct from 'canary of ' || org_id",
    )
    .fetch_one(&mut admin)
    .await
    .unwrap();
    assert_eq!(astray, 0);

    for (number, place) in places.iter().enumerate() {
        let stored: Vec<Uuid> =
            sqlx::query_scalar("select lead_id from crm.lead where org_id = $1")
                .bind(place.org.id())
                .fetch_all(&mut admin)
                .await
                .unwrap();
        let stored: BTreeSet<String> = stored.iter().map(Uuid::to_string).collect();
        let made = place.made.borrow();
        let lost: Vec<_> = made.iter().filter(|id| !stored.contains(*id)).collect();
        assert!(lost.is_empty(), "organisation {number} lost {lost:?}");
    }
    no_transaction_is_left(&mut admin).await;
}
