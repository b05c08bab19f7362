//! Flags, each of them an environment variable too, and which command they go to.

use std::{net::SocketAddr, path::PathBuf, process::ExitCode};

use anyhow::Result;
use clap::{Args, Parser, Subcommand, ValueEnum, builder::FalseyValueParser};
use devsphere_boot::telemetry::{self, Telemetry};

use crate::{ai, audit, backup, demo, doctor, edge, keys, migrate, restore, run, up};

/// A setting that cannot be used; the process ends with 64.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct BadConfig(pub(crate) String);

/// The whole mesh in one binary.
#[derive(Parser)]
#[command(name = "devsphere", version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the gateway, every service and a private PostgreSQL, until Ctrl-C.
    Up(Box<Up>),
    /// Runs some of the services, the sealer or the gateway, until Ctrl-C: one process of a mesh of
    /// many, which know each other by their certificates.
    Run(Box<run::Run>),
    /// Looks after the key files.
    #[command(subcommand)]
    Keys(Keys),
    /// Makes roles and rights, and brings every schema to this build.
    Migrate(Common),
    /// Fills and clears the demo organisation.
    #[command(subcommand)]
    Demo(Demo),
    /// Looks after the audit log.
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Writes every row to a file, and beside it what proves that each came back.
    Backup(backup::Backup),
    /// Brings a backup back into an empty database, and proves it table by table.
    Restore(restore::Restore),
    /// Checks an installation, and says what to do about each fault.
    Doctor(doctor::Doctor),
}

#[derive(Subcommand)]
enum Keys {
    /// Makes the keys that are missing.
    Init(Common),
    /// Tells which signing keys there are, where each stands, and how old it is.
    List(Common),
    /// Puts fresh signing keys in place of the old ones, while everything runs.
    Rotate(Rotate),
    /// Makes the authority of the mesh's certificates, if there is none.
    Authority(Common),
    /// Issues certificates, by which services that run apart know each other.
    Certificate(keys::certificate::Certificate),
}

#[derive(Subcommand)]
enum Demo {
    /// Signs the demo organisation up and fills it, through the gateway that is running.
    Seed(Common),
    /// Removes every organisation marked as demo, and the people who belong nowhere else.
    Purge(Common),
}

/// What every command needs to know.
#[derive(Args)]
pub(crate) struct Common {
    /// Keys, sockets, the private PostgreSQL; by default /var/lib/devsphere as root, else
    /// ~/.local/share/devsphere.
    #[arg(long, env = "DEVSPHERE_DATA_DIR", value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// A PostgreSQL to use instead of the private one, as its administrator; the database is
    /// `devsphere` unless the address names another.
    #[arg(long, env = "DEVSPHERE_DATABASE_URL", value_name = "URL", hide_env_values = true)]
    pub(crate) database_url: Option<String>,
    /// What to log on standard error, as in `info,devsphere_gateway=debug`.
    #[arg(long, env = "DEVSPHERE_LOG", value_name = "FILTER")]
    pub(crate) log: Option<String>,
}

/// What is to be rotated.
#[derive(Args)]
pub(crate) struct Rotate {
    #[command(flatten)]
    pub(crate) common: Common,
    /// Which keys.
    #[arg(value_enum, default_value_t = RotateKind::All)]
    pub(crate) kind: RotateKind,
    /// How long the next key is known before it signs: as long as it takes until every replica sees
    /// the folder's files, and 5 s.
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    pub(crate) wait: u64,
}

/// A kind of signing key.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum RotateKind {
    /// Of access tokens.
    Access,
    /// Of assertions.
    Assertion,
    /// Of database tickets.
    Ticket,
    /// Of secrets at rest: a fresh one seals from now on, the older ones still open.
    Vault,
    /// Of all of them.
    All,
}

/// How the whole mesh is to run.
#[derive(Args)]
pub(crate) struct Up {
    #[command(flatten)]
    pub(crate) common: Common,
    /// Where clients find the gateway; port 0 takes any that is free.
    #[arg(
        long,
        env = "DEVSPHERE_LISTEN",
        value_name = "ADDRESS",
        default_value = "127.0.0.1:8080"
    )]
    pub(crate) listen: SocketAddr,
    /// The address people reach the gateway by, for links; by default http:// (https://
    /// with a certificate) and where it listens.
    #[arg(long, env = "DEVSPHERE_PUBLIC_URL", value_name = "URL")]
    pub(crate) public_url: Option<String>,
    #[command(flatten)]
    pub(crate) edge: edge::Flags,
    #[command(flatten)]
    pub(crate) ai: ai::Flags,
    /// Prints one line of JSON when ready, instead of text.
    #[arg(long, env = "DEVSPHERE_JSON", value_parser = FalseyValueParser::new())]
    pub(crate) json: bool,
    /// Seeds the demo organisation when ready.
    #[arg(long, env = "DEVSPHERE_DEMO", value_parser = FalseyValueParser::new())]
    pub(crate) demo: bool,
    /// Sends spans and metrics to this OTLP collector (gRPC), as in `http://127.0.0.1:4317`.
    #[arg(long, env = "DEVSPHERE_OTLP_ENDPOINT", value_name = "URL")]
    pub(crate) otlp_endpoint: Option<String>,
}

impl Cli {
    pub(crate) async fn run(self) -> Result<ExitCode> {
        match self.command {
            Command::Up(up) => up::run(&up).await?,
            Command::Run(flags) => run::run(*flags).await?,
            Command::Keys(Keys::Authority(common)) => keys::authority::run(&common)?,
            Command::Keys(Keys::Certificate(flags)) => keys::certificate::run(&flags)?,
            Command::Keys(Keys::Init(common)) => keys::run(&common)?,
            Command::Keys(Keys::List(common)) => keys::list::run(&common)?,
            Command::Keys(Keys::Rotate(rotate)) => keys::rotate::run(&rotate).await?,
            Command::Migrate(common) => migrate::run(&common).await?,
            Command::Demo(Demo::Seed(common)) => demo::run_seed(&common).await?,
            Command::Demo(Demo::Purge(common)) => demo::run_purge(&common).await?,
            Command::Backup(backup) => backup::run(&backup).await?,
            Command::Restore(restore) => restore::run(&restore).await?,
            Command::Audit(audit) => return audit::run(audit).await,
            Command::Doctor(doctor) => return doctor::run(&doctor).await,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Common {
    /// Begins logging; `quiet` commands speak for themselves and log warnings only.
    pub(crate) fn begin_log(
        &self,
        otlp_endpoint: Option<String>,
        usual: &str,
    ) -> Result<Telemetry> {
        let filter = self.log.clone().unwrap_or_else(|| usual.to_owned());
        let options = telemetry::Options { filter, json: false, otlp_endpoint };
        let begun = telemetry::begin(&options);
        Ok(begun.map_err(|error| BadConfig(format!("--log or --otlp-endpoint: {error}")))?)
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn no_two_flags_are_in_each_others_way() {
        Cli::command().debug_assert();
    }
}
