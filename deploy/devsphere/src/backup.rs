//! `devsphere backup`: every row that there is, and what proves later that each of them came back.

pub(crate) mod files;
pub(crate) mod manifest;
pub(crate) mod program;
pub(crate) mod snapshot;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::Args;
use devsphere_db::{
    migrate::{BACKUP, NOT_BACKED_UP},
    seal::RootKey,
};

use crate::{
    audit,
    cli::Common,
    database::Database,
    folder::Folder,
    keys::{self, Passwords},
    out,
    state::State,
};

use self::{
    files::Files,
    manifest::{Audit, FORMAT, Manifest, stamp},
    program::{Door, Program},
    snapshot::Snapshot,
};

/// What is to be kept, and where.
#[derive(Args)]
pub(crate) struct Backup {
    #[command(flatten)]
    common: Common,
    /// The file to write, beside which goes its manifest; or a directory, for a file named after
    /// the time.
    #[arg(value_name = "FILE|DIR")]
    path: PathBuf,
    /// The public half of the audit key in hexadecimal, where the key file is not at hand.
    #[arg(long, env = "DEVSPHERE_PUBLIC_KEY", value_name = "HEX", value_parser = audit::public_key)]
    public_key: Option<RootKey>,
}

/// The command.
pub(crate) async fn run(args: &Backup) -> Result<()> {
    args.common.begin_log(None, "warn")?;
    // Only read from, but for what `Door` makes: the keys may be mounted from elsewhere.
    let folder = Folder::find(args.common.data_dir.as_deref())?;
    let key = match &args.public_key {
        Some(key) => key.clone(),
        None => audit::key(&folder)?.public(),
    };
    let password = keys::password_of(&folder, BACKUP)?;
    let database = find(&folder, args.common.database_url.as_deref()).await?;
    let kept = keep(&folder, &database, &password, &args.path, &key).await;
    database.close().await?;
    let (manifest, files) = kept?;
    let rows: u64 = manifest.tables.values().map(|table| table.rows).sum();
    out::say(&format!(
        "{rows} rows of {} tables are kept in {}, {} bytes; what they must be is in {}",
        manifest.tables.len(),
        files.dump.display(),
        manifest.dump.bytes,
        files.manifest.display()
    ));
    out::say(
        "It holds no key: the keys directory needs a copy of its own, or restore makes fresh keys.",
    );
    Ok(())
}

/// Where there is a server already, nothing but the backup's own password is needed.
async fn find(folder: &Folder, url: Option<&str>) -> Result<Database> {
    if let Some(url) = url {
        return Database::at(url);
    }
    if let Some(state) = State::of_running(folder)? {
        return Database::at(&state.database_url);
    }
    Database::find(folder, &Passwords::read(folder)?, None).await
}

/// Writes both files, or neither.
async fn keep(
    folder: &Folder,
    database: &Database,
    password: &str,
    path: &Path,
    key: &RootKey,
) -> Result<(Manifest, Files)> {
    let options = database.signed_in(BACKUP, password);
    let mut snapshot = Snapshot::open(&options).await?;
    let files = Files::fresh(path, &stamp(&snapshot.time))?;
    let door = Door::open(folder, &options, password)?;
    let mut dump = Program::find("pg_dump", snapshot.server, &door)?;
    dump.args(["--format=custom", "--verbose", "--exclude-table", NOT_BACKED_UP]);
    dump.args(["--snapshot", &snapshot.id, "--dbname", Door::NAME]);
    let part = files.part()?;
    // Both see the very same state of the database, whatever is written meanwhile.
    let (dumped, counted) = tokio::join!(
        dump.run(part.stdout()?, |line| {
            program::after(line, "dumping contents of table ")
                .map(|table| format!("keeping {table}"))
        }),
        snapshot.tables(|table, found| out::say(&format!("{table}: {} rows", found.rows)))
    );
    let tables = counted.context("cannot read every row")?;
    dumped?;
    let schemas = snapshot.versions().await?;
    let last_root = snapshot.last_root().await?;
    let manifest = Manifest {
        format: FORMAT,
        build: env!("CARGO_PKG_VERSION").to_owned(),
        create_time: snapshot.time.clone(),
        postgres: snapshot.server,
        dump: part.measure().await?,
        schemas,
        audit: Audit::of(key, last_root),
        tables,
    };
    snapshot.close().await?;
    part.finish(&manifest)?;
    Ok((manifest, files))
}
