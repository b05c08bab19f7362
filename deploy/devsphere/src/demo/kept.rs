//! What the data directory keeps of the demo: its people with their passwords, and how far the seed came.

use std::{
    fs,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, Result, bail};
use aws_lc_rs::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use uuid::{Builder, Uuid};

use super::START_OVER;
use crate::{folder::Folder, secret};

/// Answers to repeated request ids are kept for 24 h; later a repetition would enter leads twice.
const RESUMABLE: Duration = Duration::from_secs(23 * 3600);

/// Name and role of each of the demo's people, the founder first.
const PEOPLE: [(&str, &str); 7] = [
    ("Helena Brandt", "ceo"),
    ("Tomas Ferreira", "admin"),
    ("Amara Okafor", "manager"),
    ("Jonas Lindqvist", "sales"),
    ("Priya Raman", "sales"),
    ("Luca Moretti", "sales"),
    ("Ingrid Solheim", "viewer"),
];

/// The file `demo.json`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Kept {
    /// Seconds since 1970.
    began: u64,
    /// Makes this seed's request ids differ from any other's.
    nonce: String,
    pub(super) done: bool,
    pub(super) people: Vec<Person>,
}

/// One of the demo's people.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Person {
    pub(super) email: String,
    pub(super) password: String,
    pub(super) role: String,
    pub(super) display_name: String,
}

impl Kept {
    /// The file; none where nothing was seeded.
    pub(super) fn read(folder: &Folder) -> Result<Option<Self>> {
        let Some(text) = secret::read(&folder.demo())? else { return Ok(None) };
        let read = || format!("{} is damaged; {START_OVER}", folder.demo().display());
        serde_json::from_str(&text).with_context(read)
    }

    /// New people with new passwords.
    pub(super) fn fresh() -> Result<Self> {
        let person = |(name, role): (&str, &str)| {
            Ok(Person {
                email: format!("{}@northwind.example", name.to_lowercase().replace(' ', ".")),
                password: secret::code()?.to_lowercase(),
                role: role.into(),
                display_name: name.into(),
            })
        };
        let people = PEOPLE.into_iter().map(person).collect::<Result<_>>()?;
        Ok(Self { began: now()?, nonce: secret::password()?, done: false, people })
    }

    pub(super) fn write(&self, folder: &Folder) -> Result<()> {
        secret::write(&folder.demo(), &serde_json::to_string_pretty(self)?)
    }

    pub(super) fn remove(folder: &Folder) -> Result<()> {
        if folder.demo().exists() {
            fs::remove_file(folder.demo())?;
        }
        Ok(())
    }

    /// A seed that was cut short, as long as it can go on.
    pub(super) fn still_good(self) -> Result<Self> {
        if Duration::from_secs(now()?.saturating_sub(self.began)) > RESUMABLE {
            bail!("the demo's seed was cut short too long ago to go on; {START_OVER}");
        }
        Ok(self)
    }

    pub(super) fn ceo(&self) -> Result<&Person> {
        self.people.first().context("the demo has no people")
    }

    /// The same id for the same step of this seed: a step that was done is not done again.
    pub(super) fn request_id(&self, step: &str) -> String {
        let hash = digest(&SHA256, format!("{} {step}", self.nonce).as_bytes());
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash.as_ref()[..16]);
        let id: Uuid = Builder::from_custom_bytes(bytes).into_uuid();
        id.to_string()
    }
}

impl Person {
    pub(super) fn first_name(&self) -> String {
        self.display_name.split(' ').next().unwrap_or_default().to_lowercase()
    }
}

fn now() -> Result<u64> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())
}
