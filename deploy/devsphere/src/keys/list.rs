//! `devsphere keys list`: which keys there are, where each stands, and how old it is.

use anyhow::Result;
use devsphere_identity::keys::{self, State};

use super::rotate::{left, name};
use crate::{
    cli::Common,
    folder::Folder,
    out::{self, in_full},
};

/// The command.
pub(crate) fn run(common: &Common) -> Result<()> {
    let folder = Folder::find(common.data_dir.as_deref())?;
    for file in keys::list(&folder.keys()).map_err(in_full)? {
        let state = match file.state {
            State::Next => "next".to_owned(),
            State::Current => "current".to_owned(),
            State::Old { until } => format!("old, verifies {}", left(until)),
        };
        let kid = file.kid().map_err(in_full)?;
        out::say(&format!("{:<14} {kid:<33} {:<10} {state}", name(file.kind), age(file.made)));
    }
    Ok(())
}

fn age(made: i64) -> String {
    let age = super::now().saturating_sub(made).max(0);
    match age {
        super::DAY.. => format!("{} d", age / super::DAY),
        3_600.. => format!("{} h", age / 3_600),
        60.. => format!("{} min", age / 60),
        _ => format!("{age} s"),
    }
}
