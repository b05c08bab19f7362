//! The once-only code that makes a person the platform's administrator, from its making to its printing.

use std::{fs, io, path::PathBuf};

use anyhow::Result;
use sqlx::PgConnection;

use crate::{folder::Folder, secret};

/// Makes the code if there never was one.
pub(crate) fn init(folder: &Folder) -> Result<()> {
    secret::read_or_make(&path(folder), secret::code).map(drop)
}

/// Lets the database take the code, once: answers it in the run that did so.
///
/// A note beside the code names the database that has it, so that neither a restart nor a start
/// that was cut short can bring a redeemed code back, and a new database gets a new code.
pub(crate) async fn install(owner: &mut PgConnection, folder: &Folder) -> Result<Option<String>> {
    let birth: String = sqlx::query_scalar(
        "select 'identity, made at ' || min(installed_on)::text from identity._migrations",
    )
    .fetch_one(&mut *owner)
    .await?;
    let note = note(folder);
    let code = match secret::read(&note)? {
        Some(known) if known == birth => return Ok(None),
        Some(_) => {
            let fresh = secret::code()?;
            secret::write(&path(folder), &fresh)?;
            fresh
        }
        None => secret::read_or_make(&path(folder), secret::code)?,
    };
    let taken = sqlx::query(
        "update identity.instance as i set admin_code_hash = h.hash
         from sha256(convert_to($1, 'UTF8')) as h (hash)
         where (i.admin_code_hash is null or i.admin_code_hash = h.hash)
           and not exists (select from identity.person where platform_admin)",
    )
    .bind(code.replace('-', ""))
    .execute(&mut *owner)
    .await?;
    secret::write(&note, &birth)?;
    Ok((taken.rows_affected() > 0).then_some(code))
}

/// Lets a database that came from elsewhere take this folder's code: the one that it has may be lost.
pub(crate) async fn forget(owner: &mut PgConnection, folder: &Folder) -> Result<()> {
    sqlx::query(
        "update identity.instance set admin_code_hash = null
         where not exists (select from identity.person where platform_admin)",
    )
    .execute(owner)
    .await?;
    match fs::remove_file(note(folder)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

fn note(folder: &Folder) -> PathBuf {
    folder.keys().join("admin-code.database")
}

pub(crate) fn path(folder: &Folder) -> PathBuf {
    folder.keys().join("admin-code")
}
