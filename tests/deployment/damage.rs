//! A backup that is not what it was is refused, and the database that it should go into stays empty.

use std::{fs, path::PathBuf};

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::Value;

use super::backup::{devsphere, manifest_of};
use crate::clients::up::{Folder, run};

/// A backup, and a place to bring it back to.
struct Stage {
    from: Folder,
    into: Folder,
    dump: PathBuf,
}

impl Stage {
    fn new() -> Self {
        let (from, into) = (Folder::fresh(), Folder::fresh());
        let dump = from.0.join("all.dump");
        run(&mut devsphere("migrate", &from.0)).unwrap();
        run(devsphere("backup", &from.0).arg(&dump)).unwrap();
        Self { from, into, dump }
    }

    /// A copy with another content, and another manifest.
    fn other(&self, change: impl Fn(&mut Vec<u8>, &mut Value)) -> PathBuf {
        let path = self.from.0.join("other.dump");
        let mut bytes = fs::read(&self.dump).unwrap();
        let manifest = fs::read_to_string(manifest_of(&self.dump)).unwrap();
        let mut manifest = serde_json::from_str(&manifest).unwrap();
        change(&mut bytes, &mut manifest);
        fs::write(&path, bytes).unwrap();
        fs::write(manifest_of(&path), manifest.to_string()).unwrap();
        path
    }

    fn restore(&self, dump: &PathBuf) -> Result<String, String> {
        run(devsphere("restore", &self.into.0).arg(dump))
    }
}

/// What a dump's manifest says of its bytes.
fn measure(bytes: &[u8]) -> Value {
    let hash = digest(&SHA256, bytes);
    let hash: String = hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    serde_json::json!({ "bytes": bytes.len(), "sha256": hash })
}

#[test]
fn a_damaged_file_is_refused_before_anything_is_made() {
    let stage = Stage::new();
    let flipped = stage.other(|bytes, _| {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
    });
    let refused = stage.restore(&flipped).unwrap_err();
    assert!(refused.contains("is damaged: its SHA-256"), "{refused}");

    let cut = stage.other(|bytes, _| bytes.truncate(bytes.len() - 1));
    let refused = stage.restore(&cut).unwrap_err();
    assert!(refused.contains("is damaged: it has"), "{refused}");

    let newer = stage.other(|_, manifest| manifest["schemas"]["crm"] = 1_000.into());
    let refused = stage.restore(&newer).unwrap_err();
    assert!(refused.contains("crm at version 1000"), "{refused}");

    fs::remove_file(manifest_of(&cut)).unwrap();
    let refused = stage.restore(&cut).unwrap_err();
    assert!(refused.contains("a backup is two files"), "{refused}");
    assert_eq!(fs::read_dir(&stage.into.0).unwrap().count(), 0);
}

#[test]
fn rows_that_are_not_what_they_were_are_named_and_the_database_stays_empty() {
    let stage = Stage::new();
    let more =
        stage.other(|_, manifest| manifest["tables"]["identity.instance"]["rows"] = 7.into());
    let refused = stage.restore(&more).unwrap_err();
    assert!(refused.contains("identity.instance has 1 rows, the manifest says 7"), "{refused}");

    let changed = stage.other(|_, manifest| {
        let other = manifest["tables"]["crm.lead"]["sha256"].clone();
        manifest["tables"]["identity.instance"]["sha256"] = other;
    });
    let refused = stage.restore(&changed).unwrap_err();
    assert!(refused.contains("identity.instance has 1 rows, SHA-256"), "{refused}");

    // The dump breaks off in the middle, and the manifest says that this is how it must be.
    let half = stage.other(|bytes, manifest| {
        bytes.truncate(bytes.len() * 2 / 3);
        manifest["dump"] = measure(bytes);
    });
    let refused = stage.restore(&half).unwrap_err();
    assert!(refused.contains("pg_restore failed"), "{refused}");
    assert!(refused.contains("devsphere is as empty as it was"), "{refused}");

    let restored = stage.restore(&stage.dump).unwrap();
    assert!(restored.contains("are back, each as it was"), "{restored}");
    let refused = stage.restore(&stage.dump).unwrap_err();
    assert!(refused.contains("devsphere is not empty, it holds the schema"), "{refused}");
}
