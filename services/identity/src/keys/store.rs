//! The keys in memory, read again when their files change: a rotation needs no restart.

use std::{
    collections::BTreeMap,
    future::Future,
    path::{Path, PathBuf},
    pin::Pin,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use devsphere_auth::{
    KeySource, PublicKey,
    mint::{self, KeyFile, KeyFiles, Minter, Other, SigningKey},
};
use devsphere_error::Result;
use devsphere_proto::Contract;

use crate::secret::now;

/// How often the folder is looked at.
const EVERY: Duration = Duration::from_secs(1);

/// The keys of one moment.
pub(crate) struct Keys {
    files: KeyFiles,
    listed: Vec<KeyFile>,
    pub(crate) minter: Minter,
}

/// The keys as they are now.
pub(crate) struct KeyStore {
    folder: PathBuf,
    contract: &'static Contract,
    keys: RwLock<Arc<Keys>>,
}

impl Keys {
    fn read(folder: &Path, contract: &'static Contract) -> Result<Arc<Self>> {
        let (files, listed) = KeyFiles::read_as_listed(folder)?;
        let minter = Minter::new(contract, files.assertion.clone(), files.ticket.clone());
        Ok(Arc::new(Self { files, listed, minter }))
    }

    /// Signs access tokens.
    pub(crate) const fn access(&self) -> &SigningKey {
        &self.files.access
    }

    /// Those that an access token may be of; the one that signs comes first.
    pub(crate) fn all_access(&self) -> Vec<&SigningKey> {
        all(&self.files.access, &self.files.other_access)
    }

    /// Those that an assertion may be of.
    pub(crate) fn public(&self) -> Vec<PublicKey> {
        let keys = all(&self.files.assertion, &self.files.other_assertion);
        // During a rotation one key may lie at two places.
        let by_name = keys.into_iter().map(SigningKey::public).map(|key| (key.kid.clone(), key));
        by_name.collect::<BTreeMap<_, _>>().into_values().collect()
    }
}

fn all<'a>(current: &'a SigningKey, others: &'a [Other<SigningKey>]) -> Vec<&'a SigningKey> {
    let now = now();
    let others = others.iter().filter(|other| other.verifies(now)).map(|other| &other.key);
    [current].into_iter().chain(others).collect()
}

impl KeyStore {
    /// Reads the folder.
    pub(crate) fn open(folder: &Path, contract: &'static Contract) -> Result<Arc<Self>> {
        let keys = RwLock::new(Keys::read(folder, contract)?);
        Ok(Arc::new(Self { folder: folder.to_owned(), contract, keys }))
    }

    /// The keys of this moment.
    pub(crate) fn now(&self) -> Arc<Keys> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Looks at the folder from time to time, and reads it again when it has changed.
    pub(crate) async fn follow(self: Arc<Self>) {
        let mut failed = false;
        loop {
            tokio::time::sleep(EVERY).await;
            match self.look() {
                Ok(()) => failed = false,
                Err(error) if !failed => {
                    failed = true;
                    tracing::error!(%error, "the keys stay as they were");
                }
                Err(_) => {}
            }
        }
    }

    /// Some twenty names and their times: far below a millisecond.
    fn look(&self) -> Result<()> {
        // What is over verifies nothing any more; that its file goes too is tidiness.
        let _ = mint::sweep(&self.folder, now());
        if mint::key_files(&self.folder)? == self.now().listed {
            return Ok(());
        }
        let keys = Keys::read(&self.folder, self.contract)?;
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
        tracing::info!("the key files have changed");
        Ok(())
    }
}

/// What identity itself verifies with.
pub(crate) struct OwnKeys(pub(crate) Arc<KeyStore>);

impl KeySource for OwnKeys {
    fn fetch(&self) -> Pin<Box<dyn Future<Output = Result<Vec<PublicKey>>> + Send + '_>> {
        Box::pin(async { Ok(self.0.now().public()) })
    }
}
