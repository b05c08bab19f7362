//! Lines for whoever started the command: answers on standard output, complaints on standard error.

use std::{
    fmt::Write as _,
    io::{self, Write as _},
};

/// A reader that went away is no reason to stop.
pub(crate) fn say(text: &str) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// The reason why a command failed.
pub(crate) fn complain(error: &anyhow::Error) {
    let _ = writeln!(io::stderr().lock(), "devsphere: {}", whole(error));
}

/// What went wrong, from the outside in; a cause that its error has quoted is not said twice.
pub(crate) fn whole(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if !text.contains(&cause) {
            let _ = write!(text, "{}{cause}", if text.is_empty() { "" } else { ": " });
        }
    }
    text
}

/// An error of the mesh, in full: the cause that callers never see is what an operator needs.
pub(crate) fn in_full(error: devsphere_error::Error) -> anyhow::Error {
    match error {
        devsphere_error::Error::Internal(source) => anyhow::Error::from_boxed(source),
        other => other.into(),
    }
}
