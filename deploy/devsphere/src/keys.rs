//! `devsphere keys`: signing keys, one password for each role, and the once-only admin code.

pub(crate) mod authority;
pub(crate) mod certificate;
pub(crate) mod list;
pub(crate) mod rotate;

use std::{
    collections::BTreeMap,
    fs::File,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, Result};
use devsphere_auth::Vault;
use devsphere_db::{
    cluster::SUPERUSER,
    migrate::{BACKUP, MIGRATOR, SEALER},
};
use devsphere_identity::keys::TicketKeys;

use crate::{admin_code, audit, cli::Common, folder::Folder, modules, out, secret};

const DAY: i64 = 86_400;

/// What only identity reads of the folder.
pub(crate) const SIGNING_FILES: [&str; 3] = ["access-token.pkcs8", "assertion.pkcs8", "ticket"];

/// The password of each role that signs in.
pub(crate) struct Passwords {
    /// The services' roles, the migrator, the sealer and the backup.
    pub(crate) roles: BTreeMap<String, String>,
    /// The private cluster's administrator.
    pub(crate) superuser: String,
}

impl Passwords {
    /// Reads them; a missing one is an error.
    pub(crate) fn read(folder: &Folder) -> Result<Self> {
        Self::each(|role| password_of(folder, role))
    }

    fn each(password: impl Fn(&str) -> Result<String>) -> Result<Self> {
        let roles = roles().into_iter().map(|role| Ok((role.clone(), password(&role)?)));
        Ok(Self { roles: roles.collect::<Result<_>>()?, superuser: password(SUPERUSER)? })
    }
}

/// The password of one role, for whoever has no others.
pub(crate) fn password_of(folder: &Folder, role: &str) -> Result<String> {
    let path = folder.keys().join(file_of(role));
    secret::read(&path)?
        .with_context(|| format!("{} is missing: `devsphere keys init` makes it", path.display()))
}

/// Keeps every other command away from the keys, for as long as this one has the answer.
fn lock(folder: &Folder) -> Result<File> {
    let lock = File::open(folder.keys())?;
    lock.lock().context("cannot lock the folder of keys")?;
    Ok(lock)
}

/// Seconds since 1970.
fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    now.as_secs().cast_signed()
}

/// Whole days since then, 0 for what is to come.
pub(crate) fn days_since(then: i64) -> i64 {
    (now().saturating_sub(then) / DAY).max(0)
}

/// Makes what is missing, one process at a time.
pub(crate) fn init(folder: &Folder) -> Result<(Passwords, TicketKeys)> {
    let _alone = lock(folder)?;
    let ticket = devsphere_identity::keys::init(&folder.keys()).map_err(out::in_full)?;
    let passwords = Passwords::each(|role| {
        secret::read_or_make(&folder.keys().join(file_of(role)), secret::password)
    })?;
    Vault::init(&folder.keys()).map_err(out::in_full)?;
    audit::init(folder)?;
    admin_code::init(folder)?;
    Ok((passwords, ticket))
}

/// The roles that sign in: one for each service, the migrator, the sealer and the backup.
pub(crate) fn roles() -> Vec<String> {
    let services = modules::schemas().into_iter().map(|schema| schema.role());
    services.chain([MIGRATOR, SEALER, BACKUP].map(str::to_owned)).collect()
}

/// Where a role's password lies.
pub(crate) fn file_of(role: &str) -> String {
    format!("{role}.password")
}

/// The command.
pub(crate) fn run(common: &Common) -> Result<()> {
    let folder = Folder::open(common.data_dir.as_deref())?;
    init(&folder)?;
    out::say(&format!("The keys are complete: {}", folder.keys().display()));
    Ok(())
}
