//! What a mesh that runs tells the commands beside it, in a file of its run directory.

use std::{collections::BTreeMap, fs};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use crate::{folder::Folder, secret};

/// Where everything is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) pid: u32,
    /// `host:port`.
    pub(crate) gateway: String,
    /// The administrator's, password included.
    pub(crate) database_url: String,
    /// Addresses by name.
    pub(crate) listeners: BTreeMap<String, String>,
}

impl State {
    pub(crate) fn write(&self, folder: &Folder) -> Result<()> {
        secret::write(&folder.run().join("up.json"), &serde_json::to_string(self)?)
    }

    pub(crate) fn remove(folder: &Folder) {
        // A state that stays behind is not believed: nobody holds the lock.
        let _ = fs::remove_file(folder.run().join("up.json"));
    }

    /// The state of the mesh that runs in this directory; none if none runs.
    pub(crate) fn of_running(folder: &Folder) -> Result<Option<Self>> {
        if !folder.run().exists() || folder.occupy()?.is_some() {
            return Ok(None);
        }
        let text = secret::read(&folder.run().join("up.json"))?;
        let text = text.context("`devsphere up` is starting or stopping there: try again")?;
        Ok(Some(serde_json::from_str(&text)?))
    }
}
