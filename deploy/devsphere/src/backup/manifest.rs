//! What a backup says of itself, beside it: where it comes from, and what each table must be again.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use devsphere_db::seal::{FormerKey, RootKey};
use serde::{Deserialize, Serialize};

/// Rises with each change that an older `restore` would not understand.
pub(crate) const FORMAT: u32 = 1;

/// The whole manifest.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Manifest {
    pub(crate) format: u32,
    /// The version of the `devsphere` that made the backup.
    pub(crate) build: String,
    /// The instant that it shows.
    pub(crate) create_time: String,
    /// The major version of the PostgreSQL that it comes from.
    pub(crate) postgres: u32,
    pub(crate) dump: Measure,
    /// The version of each schema.
    pub(crate) schemas: BTreeMap<String, i64>,
    pub(crate) audit: Audit,
    /// By schema and name.
    pub(crate) tables: BTreeMap<String, Table>,
}

/// A file, by its size and SHA-256.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Measure {
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
}

/// A table's rows, by their number and the SHA-256 of their text, sorted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Table {
    pub(crate) rows: u64,
    pub(crate) sha256: String,
}

/// Who signed the audit log's roots up to the last one in the backup.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Audit {
    /// The key of the installation that was backed up.
    pub(crate) public_key: String,
    /// That key and those before it, each with the last root that it signed.
    pub(crate) keys: Vec<String>,
}

impl Audit {
    pub(crate) fn of(key: &RootKey, last_root: i64) -> Self {
        let keys = key.line_of_keys(last_root).iter().map(ToString::to_string).collect();
        Self { public_key: key.to_hex(), keys }
    }

    /// The keys that an installation with a key of its own must know, which the very same one knows
    /// already but for itself.
    pub(crate) fn former(&self, own: &RootKey) -> Result<Vec<FormerKey>> {
        let is_the_same = own.to_hex() == self.public_key;
        let keys = &self.keys[..self.keys.len() - usize::from(is_the_same)];
        Ok(keys.iter().map(|key| key.parse()).collect::<Result<_, _>>()?)
    }
}

/// An instant for the name of a file, as in `20261124T131500Z`.
pub(crate) fn stamp(time: &str) -> String {
    time.chars().filter(|letter| !matches!(letter, '-' | ':')).collect()
}

impl Manifest {
    /// When it was, for the name of a file.
    pub(crate) fn stamp(&self) -> String {
        stamp(&self.create_time)
    }

    /// Refuses what this build cannot restore.
    pub(crate) fn check(&self, versions: &BTreeMap<String, i64>) -> Result<()> {
        let format = self.format;
        ensure!(format == FORMAT, "the manifest has format {format}, this build knows {FORMAT}");
        ensure!(!self.audit.keys.is_empty(), "the manifest names no audit key");
        for (schema, version) in &self.schemas {
            let known = versions.get(schema).copied().unwrap_or_default();
            ensure!(
                *version <= known,
                "the backup has {schema} at version {version}, this build knows {known}: \
                 use the devsphere {} that made it, or a newer one",
                self.build
            );
        }
        Ok(())
    }

    /// Every table that is not what it was, in words.
    pub(crate) fn differences(&self, found: &BTreeMap<String, Table>) -> Vec<String> {
        let told = |table: &Table| format!("{} rows, SHA-256 {}", table.rows, table.sha256);
        let mut differences = Vec::new();
        for (name, was) in &self.tables {
            match found.get(name) {
                Some(is) if is == was => {}
                Some(is) if is.rows != was.rows => differences
                    .push(format!("{name} has {} rows, the manifest says {}", is.rows, was.rows)),
                Some(is) => differences.push(format!(
                    "{name} has {}, the manifest says {}",
                    told(is),
                    was.sha256
                )),
                None => {
                    differences.push(format!("{name} is missing, the manifest says {}", told(was)))
                }
            }
        }
        for (name, is) in found.iter().filter(|(name, _)| !self.tables.contains_key(*name)) {
            differences.push(format!("{name} has {}, the manifest knows no such table", told(is)));
        }
        differences
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(tables: &[(&str, u64, &str)]) -> Manifest {
        Manifest {
            format: FORMAT,
            build: "1".into(),
            create_time: String::new(),
            postgres: 15,
            dump: Measure { bytes: 1, sha256: String::new() },
            schemas: BTreeMap::from([("crm".to_owned(), 3)]),
            audit: Audit { public_key: "00".into(), keys: vec!["00:1".into()] },
            tables: table(tables),
        }
    }

    fn table(tables: &[(&str, u64, &str)]) -> BTreeMap<String, Table> {
        let table = |rows, sha256: &str| Table { rows, sha256: sha256.into() };
        tables.iter().map(|(name, rows, sha)| ((*name).to_owned(), table(*rows, sha))).collect()
    }

    #[test]
    fn every_table_that_is_not_what_it_was_is_named() {
        let manifest = manifest(&[("a", 1, "x"), ("b", 2, "y"), ("c", 3, "z"), ("d", 0, "e")]);

        let found = manifest.differences(&table(&[
            ("a", 1, "x"),
            ("b", 3, "q"),
            ("c", 3, "q"),
            ("f", 1, "g"),
        ]));

        let named: Vec<&str> = found.iter().map(|line| &line[..1]).collect();
        assert_eq!(named, ["b", "c", "d", "f"], "{found:?}");
        assert_eq!(found[0], "b has 3 rows, the manifest says 2");
    }

    #[test]
    fn a_backup_of_a_newer_build_is_refused() {
        let manifest = manifest(&[]);
        let versions = |crm| BTreeMap::from([("crm".to_owned(), crm)]);

        assert!(manifest.check(&versions(3)).is_ok() && manifest.check(&versions(4)).is_ok());
        let refused = manifest.check(&versions(2)).unwrap_err().to_string();
        assert!(refused.contains("crm at version 3, this build knows 2"), "{refused}");
        assert!(manifest.check(&BTreeMap::new()).is_err());
    }
}
