//! Agent rows. Whose they are is the transaction's business: no query here names an organisation.

use chrono::{DateTime, Utc};
use devsphere_db::TenantTx;
use devsphere_error::{Error, Result};

use super::{
    Agent, Autonomy, Choice, State,
    seed::{SEEDS, Seed},
};

/// What is kept of an agent that somebody changed.
struct Kept {
    agent_key: String,
    display_name: Option<String>,
    prompt: Option<String>,
    model: Option<String>,
    temperature: Option<f64>,
    max_output_tokens: Option<i32>,
    autonomy: Option<Autonomy>,
    state: State,
    update_time: DateTime<Utc>,
    version: i64,
}

impl Kept {
    fn agent(self, seed: &'static Seed) -> Agent {
        let choice = Choice {
            display_name: self.display_name,
            prompt: self.prompt,
            model: self.model,
            temperature: self.temperature,
            max_output_tokens: self.max_output_tokens,
            autonomy: self.autonomy,
        };
        let (state, version) = (self.state, self.version);
        Agent { seed, choice, state, update_time: Some(self.update_time), version }
    }
}

/// A statement that answers rows: its text before and after their columns, and its values.
macro_rules! kept {
    ($before:literal, columns, $after:literal $(, $value:expr)* $(,)?) => {
        sqlx::query_as!(
            Kept,
            $before
                + r#"
                agent_key, display_name, prompt, model, temperature, max_output_tokens,
                autonomy as "autonomy: _", state as "state: _", update_time, version
                "#
                + $after
            $(, $value)*
        )
    };
}

/// The organisation's own, or as it is delivered.
pub(super) async fn fetch(tx: &mut TenantTx, seed: &'static Seed) -> Result<Agent> {
    let found =
        kept!("select", columns, "from administration.agent where agent_key = $1", seed.key);
    Ok(agent(seed, found.fetch_optional(tx.conn()).await?))
}

/// Every agent, in the order in which they are delivered.
pub(super) async fn fetch_all(tx: &mut TenantTx) -> Result<Vec<Agent>> {
    let mut found = kept!("select", columns, "from administration.agent order by agent_key")
        .fetch_all(tx.conn())
        .await?;
    let agents = SEEDS.iter().map(|seed| {
        let place = found.iter().position(|kept| kept.agent_key == seed.key);
        agent(seed, place.map(|place| found.swap_remove(place)))
    });
    Ok(agents.collect())
}

/// As [`fetch`], locked where there is a row.
pub(super) async fn fetch_for_update(tx: &mut TenantTx, seed: &'static Seed) -> Result<Agent> {
    let found = kept!(
        "select",
        columns,
        "from administration.agent where agent_key = $1 for update",
        seed.key,
    );
    Ok(agent(seed, found.fetch_optional(tx.conn()).await?))
}

/// Writes all of it over the version that was read. What nobody wrote before has no row to lock, so
/// of two first writers the second runs again.
pub(super) async fn write(tx: &mut TenantTx, agent: &Agent) -> Result<Agent> {
    let Agent { seed, choice, state, version, .. } = agent;
    let written = kept!(
        "insert into administration.agent as kept (
             agent_key, display_name, prompt, model, temperature, max_output_tokens, autonomy, state)
         values ($1, $2, $3, $4, $5, $6, $7, $8)
         on conflict (org_id, agent_key) do update
         set display_name = excluded.display_name, prompt = excluded.prompt, model = excluded.model,
             temperature = excluded.temperature, max_output_tokens = excluded.max_output_tokens,
             autonomy = excluded.autonomy, state = excluded.state,
             update_time = transaction_timestamp(), version = kept.version + 1
         where kept.version = $9
         returning",
        columns,
        "",
        seed.key,
        choice.display_name.as_deref(),
        choice.prompt.as_deref(),
        choice.model.as_deref(),
        choice.temperature,
        choice.max_output_tokens,
        choice.autonomy as _,
        *state as _,
        *version,
    );
    let written = written.fetch_optional(tx.conn()).await?.ok_or(Error::Serialization)?;
    Ok(written.agent(seed))
}

fn agent(seed: &'static Seed, kept: Option<Kept>) -> Agent {
    kept.map_or_else(|| Agent::delivered(seed), |kept| kept.agent(seed))
}
