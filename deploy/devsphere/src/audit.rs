//! `devsphere audit verify`: recomputes the log's chains and signed roots, and names each place that does not fit.

use std::{
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use clap::{Args, Subcommand};
use devsphere_db::{
    migrate::SEALER,
    seal::{FormerKey, Report, RootKey, SealKey, Sealer, verify},
};
use sqlx::{Connection as _, postgres::PgConnectOptions};
use uuid::Uuid;

use crate::{
    cli::{BadConfig, Common},
    database::{Database, connect},
    folder::Folder,
    keys::Passwords,
    out, secret,
};

/// The key that signs roots; the sealer's alone.
pub(crate) const KEY_FILE: &str = "audit-root.key";
/// The public halves of those before it: no secret, but what the signatures stand on.
const FORMER_FILE: &str = "audit-root.former";

#[derive(Subcommand)]
pub(crate) enum Audit {
    /// Checks every record of the audit log against its chain and the signed roots; ends with 1
    /// when one was changed, removed or put in.
    Verify(Verify),
}

#[derive(Args)]
pub(crate) struct Verify {
    #[command(flatten)]
    common: Common,
    /// One organisation's chain only; the roots are checked all the same.
    #[arg(long, value_name = "ID")]
    organization: Option<Uuid>,
    /// The outside copy of the signed roots; by default the one in the data directory.
    #[arg(long, value_name = "FILE")]
    root_file: Option<PathBuf>,
    /// The public half of the audit key in hexadecimal, for whoever does not hold the key file.
    #[arg(long, value_name = "HEX", value_parser = public_key)]
    public_key: Option<RootKey>,
    /// With --public-key, a key that signed before it and the number of its last root, as
    /// keys/audit-root.former lists them; for each of them once.
    #[arg(long, value_name = "HEX:NUMBER", requires = "public_key")]
    former_key: Vec<FormerKey>,
}

pub(crate) fn public_key(text: &str) -> Result<RootKey, &'static str> {
    RootKey::from_hex(text).ok_or("is not 32 bytes in hexadecimal")
}

/// Makes the key if it is missing.
pub(crate) fn init(folder: &Folder) -> Result<()> {
    let path = folder.keys().join(KEY_FILE);
    secret::read_or_make(&path, || Ok(SealKey::generate()?)).map(drop)
}

/// The sealer of this installation, which signs in so.
pub(crate) fn sealer(folder: &Folder, options: PgConnectOptions) -> Result<Sealer> {
    Ok(Sealer::new(options.application_name(SEALER), key(folder)?, folder.audit_roots()))
}

/// The key, and those that signed before it.
pub(crate) fn key(folder: &Folder) -> Result<SealKey> {
    let path = folder.keys().join(KEY_FILE);
    let text = secret::read(&path)?.with_context(|| {
        format!("{} is missing: `devsphere keys init` makes it", path.display())
    })?;
    let key = SealKey::parse(&text).with_context(|| path.display().to_string())?;
    let former = folder.keys().join(FORMER_FILE);
    let lines = secret::read(&former)?.unwrap_or_default();
    let keys = lines.lines().map(str::parse).collect::<Result<_, _>>();
    Ok(key.after(keys.with_context(|| former.display().to_string())?))
}

/// Notes who signed before, in a log that came from elsewhere.
pub(crate) fn inherit(folder: &Folder, former: &[FormerKey]) -> Result<()> {
    let path = folder.keys().join(FORMER_FILE);
    if former.is_empty() && !path.exists() {
        return Ok(());
    }
    let lines: Vec<String> = former.iter().map(ToString::to_string).collect();
    secret::write(&path, &lines.join("\n"))
}

/// The command: 1 when something does not fit.
pub(crate) async fn run(Audit::Verify(args): Audit) -> Result<ExitCode> {
    args.common.begin_log(None, "warn")?;
    let folder = Folder::find(args.common.data_dir.as_deref())?;
    let passwords = Passwords::read(&folder)?;
    let public = match args.public_key {
        Some(public) => public.after(args.former_key),
        None => key(&folder)?.public(),
    };
    let file = match args.root_file {
        Some(file) if !file.exists() => {
            return Err(BadConfig(format!("--root-file {}: no such file", file.display())).into());
        }
        Some(file) => Some(file),
        None => Some(folder.audit_roots()).filter(|file| file.exists()),
    };

    let database = Database::find(&folder, &passwords, args.common.database_url.as_deref()).await?;
    let begun = Instant::now();
    let mut connection = connect(&database.role(SEALER, &passwords)?).await?;
    let report = verify(&mut connection, &public, file.as_deref(), args.organization).await;
    connection.close().await?;
    database.close().await?;
    let report = report.context("cannot verify")?;

    say(&report, file.is_some(), &public, begun.elapsed());
    Ok(if report.broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn say(report: &Report, with_file: bool, public: &RootKey, took: Duration) {
    for broken in &report.broken {
        out::say(&format!("BROKEN  {broken}"));
    }
    let Report { sealed, chains, roots, unsigned, unsealed, .. } = report;
    out::say(&format!("{sealed} records in {chains} chains, {roots} signed roots, {took:.1?}"));
    out::say(&format!("{unsigned} sealed since the last root, {unsealed} not sealed yet"));
    if let Some(since) = report.unsealed_since {
        out::say(&format!("the oldest of those was written at {since}"));
    }
    if !with_file {
        out::say("no outside copy of the roots: a cut at the end of the log would not be seen");
    }
    out::say(&format!("audit key {}", public.to_hex()));
    match report.broken.len() {
        0 => out::say("everything fits"),
        places => out::say(&format!("{places} places do not fit")),
    }
}
