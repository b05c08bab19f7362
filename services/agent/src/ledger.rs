//! Asking within a budget: held before the question goes out, settled once when its end is known.

use std::time::Instant;

use devsphere_auth::{Caller, Permit};
use devsphere_boot::{Ctx, Renewer};
use devsphere_db::{Change, TenantDb};
use devsphere_error::{Error, Result};
use devsphere_proto::r#type::v1::AiUsage;
use tokio_util::sync::CancellationToken;

use crate::{
    connection::Connection,
    failed,
    provider::{self, Question, Reply},
    usage::{Asked, Outcome, Reservation, Usage, store},
};

/// The ledger of what is asked.
#[derive(Clone)]
pub(crate) struct Ledger {
    db: TenantDb,
    renewer: Renewer,
}

/// An answer, and its line in the ledger.
pub(crate) struct Answered {
    pub(crate) reply: Reply,
    pub(crate) usage: AiUsage,
}

/// Until when an answer is waited for, and who may give up earlier.
pub(crate) struct Wait<'a> {
    pub(crate) deadline: Instant,
    pub(crate) given_up: &'a CancellationToken,
}

impl Ledger {
    /// The ledger of that context.
    pub(crate) fn new(ctx: &Ctx, renewer: Renewer) -> Self {
        Self { db: ctx.tenant_db(), renewer }
    }

    /// Asks one question, if the budget holds it. `told` hears how many characters there are.
    ///
    /// When whoever waits gives up, the call ends at once, and what it has cost is noted.
    pub(crate) async fn ask(
        &self,
        permit: &Permit,
        connection: &Connection,
        (asked, question): (Asked<'_>, &Question),
        wait: &Wait<'_>,
        told: &mut (dyn FnMut(usize) + Send),
    ) -> Result<Answered> {
        let prices = &connection.prices;
        let left = wait.deadline.saturating_duration_since(Instant::now());
        let held = Reservation::of(&asked, question, prices, left);
        self.hold(permit, &held, connection).await?;

        let mut so_far = provider::Usage::default();
        let mut hear = |progress: provider::Progress<'_>| {
            so_far = progress.usage;
            told(progress.characters);
        };
        let asking = connection.provider.ask(question, wait.deadline, &mut hear);
        let ended = wait.given_up.run_until_cancelled(asking).await;

        let outcome = Outcome::of(ended.as_ref(), so_far, prices);
        let usage = self.settle(permit, &held, &outcome).await?;
        match ended {
            Some(Ok(reply)) => Ok(Answered { reply, usage }),
            Some(Err(failure)) => Err(failed(&failure)),
            None => Err(given_up()),
        }
    }

    async fn hold(
        &self,
        permit: &Permit,
        held: &Reservation,
        connection: &Connection,
    ) -> Result<()> {
        let permit = self.renewer.fresh(permit).await?;
        let mut tx = self.db.write(&permit).await?;
        store::insert(&mut tx, held, connection.budgets, zone(permit.caller())?).await?;
        tx.commit(()).await
    }

    async fn settle(
        &self,
        permit: &Permit,
        held: &Reservation,
        outcome: &Outcome,
    ) -> Result<AiUsage> {
        let permit = self.renewer.fresh(permit).await?;
        let mut tx = self.db.write(&permit).await?;
        let settled = store::settle(&mut tx, held, outcome).await?;
        let usage = settled.ok_or_else(|| Error::internal("a question was settled twice"))?;
        emit(&mut tx, &usage)?;
        tx.commit(usage.into()).await
    }
}

/// Notes what a question cost: one event and one audit record.
fn emit(tx: &mut devsphere_db::TenantTx, usage: &Usage) -> Result<()> {
    tx.emit(Change::of("ai_usage.settled", "ai_usage", (usage.id(), 1), None, usage)?);
    Ok(())
}

/// The zone of the caller's organisation, in which its months begin.
pub(crate) fn zone(caller: &Caller) -> Result<&str> {
    let organization = caller.organization();
    let zone = organization.map(|organization| organization.zone.as_str());
    zone.ok_or_else(|| Error::internal("no organisation behind an agent's work"))
}

/// Nobody waits for the answer any more.
pub(crate) fn given_up() -> Error {
    Error::AiFailed {
        cause: "interrupted",
        message: "the agent was stopped before it was done".into(),
        retry_after: None,
    }
}
