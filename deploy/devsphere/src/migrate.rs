//! `devsphere migrate`: roles, rights, schemas, the ticket key and the admin code.

use anyhow::{Context as _, Result};
use devsphere_db::migrate::{self, MIGRATOR};
use devsphere_identity::keys::TicketKeys;

use crate::{
    admin_code,
    cli::Common,
    database::Database,
    folder::Folder,
    keys::{self, Passwords},
    modules, out,
    state::State,
};

/// Brings a database to this build; answers the admin code in the run that brings it there.
pub(crate) async fn apply(
    database: &Database,
    folder: &Folder,
    passwords: &Passwords,
    tickets: &TicketKeys,
) -> Result<Option<String>> {
    database.create().await?;
    let bootstrapped = migrate::bootstrap(database.admin(), &passwords.roles).await;
    bootstrapped.context("cannot make the roles")?;
    let migrator = database.role(MIGRATOR, passwords)?;
    migrate::migrate(&migrator, &modules::schemas()).await.context("cannot migrate")?;
    for key in [Some(&tickets.current), tickets.next.as_ref()].into_iter().flatten() {
        let written = migrate::install_ticket_key(&migrator, key).await;
        written.context("cannot write the ticket key")?;
    }
    let mut owner = database.owner(passwords).await?;
    admin_code::install(&mut owner, folder).await.context("cannot write the admin code")
}

/// The command.
pub(crate) async fn run(common: &Common) -> Result<()> {
    common.begin_log(None, "warn")?;
    let folder = Folder::open(common.data_dir.as_deref())?;
    let (passwords, ticket) = keys::init(&folder)?;
    let database = match (&common.database_url, State::of_running(&folder)?) {
        (None, None) => Database::private(&folder, &passwords).await?,
        _ => Database::find(&folder, &passwords, common.database_url.as_deref()).await?,
    };
    let admin_code = apply(&database, &folder, &passwords, &ticket).await?;
    for schema in modules::schemas() {
        out::say(&format!("{} is at version {}", schema.name, schema.version()));
    }
    if let Some(code) = admin_code {
        out::say(&format!("Admin code, for ClaimPlatformAdmin, once: {code}"));
    }
    database.close().await
}
