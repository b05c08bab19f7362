//! `devsphere restore`: a backup, proved row for row, in the place of a database that is empty.

mod fill;

use std::{fs, path::PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use devsphere_db::migrate;

use crate::{
    audit,
    backup::{files::Files, manifest::Manifest},
    cli::Common,
    database::Database,
    folder::{Folder, Occupied},
    keys::{self, Passwords},
    migrate as setup, modules, out,
    state::State,
};

/// What is to come back.
#[derive(Args)]
pub(crate) struct Restore {
    #[command(flatten)]
    common: Common,
    /// The backup's file, beside which lies its manifest; or a directory, for the newest in it.
    #[arg(value_name = "FILE|DIR")]
    path: PathBuf,
}

/// The command.
pub(crate) async fn run(args: &Restore) -> Result<()> {
    args.common.begin_log(None, "warn")?;
    let files = Files::find(&args.path)?;
    let manifest = files.read().await?;
    manifest.check(&migrate::versions(&modules::schemas()))?;
    out::say(&format!("{} shows {}, and is whole", files.dump.display(), manifest.create_time));

    let folder = Folder::open(args.common.data_dir.as_deref())?;
    let _occupied = alone(&folder)?;
    let (passwords, tickets) = keys::init(&folder)?;
    let database = match &args.common.database_url {
        Some(url) => Database::at(url)?,
        None => Database::private(&folder, &passwords).await?,
    };
    let restored = restore(&folder, &database, &passwords, &files, &manifest).await;
    let admin_code = match restored {
        Ok(()) => setup::apply(&database, &folder, &passwords, &tickets)
            .await
            .context("the backup is restored; `devsphere migrate` brings it to this build, but"),
        Err(error) => Err(error),
    };
    database.close().await?;
    if let Some(code) = admin_code? {
        out::say(&format!("Admin code, for ClaimPlatformAdmin, once: {code}"));
    }
    let rows: u64 = manifest.tables.values().map(|table| table.rows).sum();
    out::say(&format!("{rows} rows of {} tables are back, each as it was.", manifest.tables.len()));
    out::say("Every session has ended; passwords are what they were.");
    Ok(())
}

/// Keeps a mesh out of the directory, if none is in it.
fn alone(folder: &Folder) -> Result<Occupied> {
    if let Some(state) = State::of_running(folder)? {
        let (folder, pid) = (folder.path().display(), state.pid);
        bail!("{folder} is in use by process {pid}, and its database is not empty");
    }
    let occupied = folder.occupy()?;
    occupied.with_context(|| format!("{} is in use: try again", folder.path().display()))
}

/// Everything happens in another database, which takes the place of the empty one when it is proved:
/// whatever goes wrong, and whenever, the one that was named is as it was.
async fn restore(
    folder: &Folder,
    database: &Database,
    passwords: &Passwords,
    files: &Files,
    manifest: &Manifest,
) -> Result<()> {
    if let Some(found) = database.content().await? {
        bail!(
            "the database {} is not empty, it holds {found}: restore goes into an empty one, \
             or into a data directory without one",
            database.name()
        );
    }
    let fresh = database.beside(&format!("{}_restoring", database.name()))?;
    // Left by a restore that was killed.
    fresh.remove().await?;
    fresh.create().await?;
    let filled = async {
        fill::fill(folder, &fresh, passwords, &files.dump, manifest).await?;
        database.give_way().await?;
        fresh.rename(database.name()).await
    };
    if let Err(error) = filled.await {
        return match fresh.remove().await {
            Ok(()) => Err(error.context(format!("{} is as empty as it was", database.name()))),
            Err(_) => Err(error.context(format!(
                "{} is as empty as it was; `drop database \"{}\"` removes what there is half",
                database.name(),
                fresh.name()
            ))),
        };
    }
    let roots = folder.audit_roots();
    if roots.exists() {
        let kept = folder.path().join(format!("audit-roots.before-{}.log", manifest.stamp()));
        fs::rename(&roots, &kept)?;
        out::say(&format!("The copy of the audit roots that was here is kept: {}", kept.display()));
    }
    audit::inherit(folder, &manifest.audit.former(&audit::key(folder)?.public())?)
}
