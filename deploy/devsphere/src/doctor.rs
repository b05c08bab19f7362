//! `devsphere doctor`: one line for each thing that must hold, with what to do where it does not.

mod files;
mod network;
mod postgres;
mod provider;

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use crate::{ai, cli::Common, folder::Folder, keys::Passwords, out, state::State};

/// What is to be looked at.
#[derive(Args)]
pub(crate) struct Doctor {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    ai: ai::Flags,
}

/// What the checks have found so far.
#[derive(Default)]
struct Report {
    failed: u32,
}

/// What is wrong, and what to do about it.
struct Fault {
    what: String,
    remedy: String,
}

impl Fault {
    fn new(what: impl ToString, remedy: impl Into<String>) -> Self {
        Self { what: what.to_string(), remedy: remedy.into() }
    }
}

impl Report {
    /// One check.
    fn note(&mut self, name: &str, found: Result<String, Fault>) {
        match found {
            Ok(fine) => out::say(&format!("ok    {name}: {fine}")),
            Err(Fault { what, remedy }) => {
                self.failed += 1;
                out::say(&format!("FAIL  {name}: {what}\n      -> {remedy}"));
            }
        }
    }
}

/// The command: 1 when a check fails.
pub(crate) async fn run(Doctor { common, ai }: &Doctor) -> Result<ExitCode> {
    common.begin_log(None, "warn")?;
    let folder = Folder::find(common.data_dir.as_deref())?;
    let mut report = Report::default();
    let url = common.database_url.as_deref();
    files::check(&mut report, &folder);
    match Passwords::read(&folder) {
        Ok(passwords) => postgres::check(&mut report, &folder, &passwords, url).await,
        Err(error) => report.note(
            "PostgreSQL",
            Err(Fault::new(
                format!("not looked at: {}", out::whole(&error)),
                "mend the keys first",
            )),
        ),
    }
    match State::of_running(&folder) {
        Ok(state) => network::check(&mut report, &folder, state).await,
        Err(error) => report.note("mesh", Err(Fault::new(error, "wait, and ask again"))),
    }
    report.note("ai provider", provider::answers(ai).await);
    if report.failed == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    out::say(&format!("\n{} checks failed.", report.failed));
    Ok(ExitCode::FAILURE)
}
