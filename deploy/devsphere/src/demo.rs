//! `devsphere demo seed` and `purge`: an organisation to look at, made through the gateway as clients make theirs.

mod client;
mod kept;
mod leads;
mod organization;
mod purge;
mod site;

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use devsphere_boot::channel;
use serde::Serialize;

use crate::{
    cli::Common, database::Database, folder::Folder, keys::Passwords, mesh, out, state::State,
};
use client::Client;
use kept::{Kept, Person};

/// What to do when a seed cannot go on.
const START_OVER: &str = "`devsphere demo purge`, then `devsphere demo seed`, starts over";

/// How often a seed goes on after the mesh was too busy for it, and how much later.
const ATTEMPTS: u32 = 10;
const PAUSE: Duration = Duration::from_secs(1);

/// A demo user, for whoever wants to sign in.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Account {
    pub(crate) email: String,
    pub(crate) password: String,
    pub(crate) role: String,
    #[serde(rename = "name")]
    pub(crate) display_name: String,
}

/// A call to show: who makes it, with which token.
pub(crate) struct Example {
    pub(crate) account: Account,
    pub(crate) access_token: String,
}

/// Signs the organisation up and fills it; goes on where a seed before was cut short.
pub(crate) async fn seed(
    folder: &Folder,
    database: &Database,
    passwords: &Passwords,
) -> Result<bool> {
    let client = Client::new(channel(&mesh::gateway(folder)));
    let found = Kept::read(folder)?;
    if let Some(kept) = found.as_ref().filter(|kept| kept.done) {
        let ceo = kept.ceo()?;
        let signed_in = client.sign_in(ceo).await;
        signed_in.with_context(|| format!("{} does not sign in; {START_OVER}", ceo.email))?;
        return Ok(false);
    }
    let mut kept = match found {
        Some(kept) => kept.still_good()?,
        None => Kept::fresh()?,
    };
    // Before the first call, so that no password is lost that a call has set.
    kept.write(folder)?;
    let mut attempts = 1;
    while let Err(error) = fill(&client, &kept, database, passwords).await {
        if attempts == ATTEMPTS || !client::passes(&error) {
            let what = format!("cut short, and goes on when run again; {START_OVER}");
            return Err(error.context(what));
        }
        attempts += 1;
        tokio::time::sleep(PAUSE).await;
    }
    kept.done = true;
    kept.write(folder)?;
    Ok(true)
}

/// Goes on from wherever the demo stands.
async fn fill(
    client: &Client,
    kept: &Kept,
    database: &Database,
    passwords: &Passwords,
) -> Result<()> {
    organization::found(client, kept, database, passwords).await?;
    organization::join(client, kept).await?;
    leads::enter(client, kept).await?;
    site::enter(client, kept).await
}

/// The demo's users, once they are complete.
pub(crate) fn people(folder: &Folder) -> Result<Vec<Account>> {
    let kept = Kept::read(folder)?.filter(|kept| kept.done);
    Ok(kept.map_or_else(Vec::new, |kept| kept.people.into_iter().map(Account::from).collect()))
}

/// A fresh token of the manager, who sees every lead; none where nobody can sign in.
pub(crate) async fn example(folder: &Folder, people: &[Account]) -> Option<Example> {
    let account = people.iter().find(|account| account.role == "manager")?.clone();
    let client = Client::new(channel(&mesh::gateway(folder)));
    let grant = client.grant(&account.email, &account.password).await.ok()?;
    Some(Example { account, access_token: grant.access_token })
}

/// The command that seeds.
pub(crate) async fn run_seed(common: &Common) -> Result<()> {
    common.begin_log(None, "warn")?;
    let folder = Folder::find(common.data_dir.as_deref())?;
    if State::of_running(&folder)?.is_none() {
        bail!("no mesh runs in {}: start `devsphere up` first", folder.path().display());
    }
    let passwords = Passwords::read(&folder)?;
    let database = Database::find(&folder, &passwords, common.database_url.as_deref()).await?;
    let seeded = seed(&folder, &database, &passwords).await?;
    out::say(if seeded { "The demo is seeded:\n" } else { "The demo is there already:\n" });
    for Account { email, password, role, .. } in people(&folder)? {
        out::say(&format!("  {role:<8} {email:<34} {password}"));
    }
    Ok(())
}

/// The command that purges.
pub(crate) async fn run_purge(common: &Common) -> Result<()> {
    common.begin_log(None, "warn")?;
    let folder = Folder::find(common.data_dir.as_deref())?;
    let passwords = Passwords::read(&folder)?;
    let database = Database::find(&folder, &passwords, common.database_url.as_deref()).await?;
    let purged = purge::run(&folder, &database, &passwords).await;
    database.close().await?;
    for line in purged? {
        out::say(&line);
    }
    Ok(())
}

impl From<Person> for Account {
    fn from(person: Person) -> Self {
        let Person { email, password, role, display_name } = person;
        Self { email, password, role, display_name }
    }
}
