//! `devsphere keys rotate`: fresh signing keys under load, with no call that fails for it.

use std::time::Duration;

use anyhow::{Context as _, Result};
use devsphere_auth::{VAULT_FILE, Vault};
use devsphere_db::migrate::{self, MIGRATOR};
use devsphere_identity::keys::{self, Kind};
use sqlx::postgres::PgConnectOptions;

use super::{Passwords, lock};
use crate::{
    cli::{Rotate, RotateKind},
    database::Database,
    folder::Folder,
    out::{self, in_full},
    secret,
};

impl RotateKind {
    fn kinds(self) -> Vec<Kind> {
        match self {
            Self::Access => vec![Kind::Access],
            Self::Assertion => vec![Kind::Assertion],
            Self::Ticket => vec![Kind::Ticket],
            Self::Vault => Vec::new(),
            Self::All => Kind::ALL.to_vec(),
        }
    }
}

/// The command. Each step leaves files and rows that work, so that another run goes on wherever one
/// broke off; the lock keeps a second one waiting.
pub(crate) async fn run(args: &Rotate) -> Result<()> {
    args.common.begin_log(None, "warn")?;
    let folder = Folder::open(args.common.data_dir.as_deref())?;
    let _alone = lock(&folder)?;
    if matches!(args.kind, RotateKind::Vault | RotateKind::All) {
        turn_vault(&folder)?;
    }
    let kinds = args.kind.kinds();
    if kinds.is_empty() {
        return Ok(());
    }
    let database = match kinds.contains(&Kind::Ticket) {
        true => Some(Tickets::find(args, &folder).await?),
        false => None,
    };
    let rotated = rotate(args, &folder, &kinds, database.as_ref()).await;
    if let Some(tickets) = database {
        tickets.database.close().await?;
    }
    rotated
}

/// Whoever opens a secret reads the file anew, so that nobody has to be told.
fn turn_vault(folder: &Folder) -> Result<()> {
    let path = folder.keys().join(VAULT_FILE);
    let text = secret::read(&path)?.context("there is no vault key: `devsphere keys init`")?;
    let turned = Vault::turned(&format!("{text}\n")).map_err(in_full)?;
    secret::write(&path, &String::from_utf8(turned)?)?;
    out::say("vault: a fresh key seals, the older ones still open");
    Ok(())
}

async fn rotate(
    args: &Rotate,
    folder: &Folder,
    kinds: &[Kind],
    tickets: Option<&Tickets>,
) -> Result<()> {
    for kind in kinds {
        keys::publish_next(&folder.keys(), *kind).map_err(in_full)?;
    }
    if let Some(tickets) = tickets {
        tickets.install(folder).await?;
    }
    out::say(&format!("The next keys are published; they sign in {} s.", args.wait));
    tokio::time::sleep(Duration::from_secs(args.wait)).await;
    for kind in kinds {
        let until = keys::promote(&folder.keys(), *kind).map_err(in_full)?;
        out::say(&format!(
            "{}: a fresh key signs, the old one verifies {}",
            name(*kind),
            left(until)
        ));
    }
    match tickets {
        Some(tickets) => tickets.settle(folder).await,
        None => Ok(()),
    }
}

/// The rows of ticket keys that the database checks with.
struct Tickets {
    database: Database,
    migrator: PgConnectOptions,
}

impl Tickets {
    async fn find(args: &Rotate, folder: &Folder) -> Result<Self> {
        let passwords = Passwords::read(folder)?;
        let url = args.common.database_url.as_deref();
        let database = Database::find(folder, &passwords, url).await?;
        let migrator = database.role(MIGRATOR, &passwords)?;
        Ok(Self { database, migrator })
    }

    /// Before the next key signs, the database knows it.
    async fn install(&self, folder: &Folder) -> Result<()> {
        let found = keys::init(&folder.keys()).map_err(in_full)?;
        for key in [Some(found.current), found.next].iter().flatten() {
            let written = migrate::install_ticket_key(&self.migrator, key).await;
            written.context("cannot write the ticket key")?;
        }
        Ok(())
    }

    /// The rows end with their files: at once, or when the key's time is over.
    async fn settle(&self, folder: &Folder) -> Result<()> {
        let mut known = Vec::new();
        for file in keys::list(&folder.keys()).map_err(in_full)? {
            if file.kind == Kind::Ticket {
                known.push((file.kid().map_err(in_full)?, file.state.until()));
            }
        }
        let settled = migrate::settle_ticket_keys(&self.migrator, &known).await;
        settled.context("cannot end the old ticket key")
    }
}

pub(super) const fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Access => "access tokens",
        Kind::Assertion => "assertions",
        Kind::Ticket => "tickets",
    }
}

/// How long from now.
pub(super) fn left(until: i64) -> String {
    let left = until.saturating_sub(super::now());
    if left > 0 { format!("for {left} s") } else { "nothing any more".to_owned() }
}
