//! The one binary: reads the command line, runs the command, answers with an exit code.

mod admin_code;
mod ai;
mod audit;
mod backup;
mod cli;
mod database;
mod demo;
mod doctor;
mod edge;
mod folder;
mod keys;
mod mesh;
mod migrate;
mod modules;
mod out;
mod ready;
mod restore;
mod run;
mod secret;
mod signals;
mod state;
mod up;

use std::{process::ExitCode, thread::available_parallelism};

use clap::Parser as _;

use cli::{BadConfig, Cli};

/// A call allocates some hundred times; glibc spends a fifth of a service's time on that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Of BSD's `sysexits.h`: the command was used incorrectly.
const USAGE: u8 = 64;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(USAGE) } else { ExitCode::SUCCESS };
        }
    };
    // Waiting is most of the work: few threads do it, and an idle mesh stays small.
    let workers = available_parallelism().map_or(2, |cores| cores.get().min(4));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers)
        .event_interval(5)
        .max_blocking_threads(16)
        .enable_all()
        .build();
    let done = runtime.map_err(Into::into).and_then(|runtime| runtime.block_on(cli.run()));
    match done {
        Ok(code) => code,
        Err(error) => {
            out::complain(&error);
            ExitCode::from(if error.is::<BadConfig>() { USAGE } else { 1 })
        }
    }
}
