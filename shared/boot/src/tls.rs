//! Mutual TLS between services: who one is, read again when the files change, and whom one believes.

mod expiry;
mod name;

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use devsphere_error::{Error, Result};
use tokio_rustls::rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    client::Resumption,
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::WebPkiClientVerifier,
    version::TLS13,
};

pub(crate) use expiry::not_after;
pub(crate) use name::peer_name;
pub use name::uri;

use name::IsService;

/// The certificate of the mesh's own authority.
pub const AUTHORITY: &str = "authority.pem";

/// What both ends speak.
pub(crate) const ALPN: &[u8] = b"h2";

/// How old what is known of the files may be.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The certificate of one service and the authority that it believes, as the files have them now.
#[derive(Clone)]
pub struct Certificates(Arc<Files>);

struct Files {
    folder: PathBuf,
    name: &'static str,
    known: Mutex<Known>,
}

struct Known {
    looked: Instant,
    stamps: Stamps,
    identity: Arc<Identity>,
}

/// Changed files have other stamps: when written, how long, and which file it is.
type Stamps = [(Option<SystemTime>, u64, u64); 3];

/// One state of the files.
pub(crate) struct Identity {
    /// The end of our own certificate.
    pub(crate) until: SystemTime,
    /// How one is met who asks us.
    pub(crate) server: Arc<ServerConfig>,
    roots: Arc<RootCertStore>,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    clients: Mutex<BTreeMap<&'static str, Arc<ClientConfig>>>,
}

impl Certificates {
    /// Reads `authority.pem`, and the certificate and key of that service, in a folder.
    ///
    /// # Errors
    /// When one cannot be read, or they do not belong together.
    pub fn open(folder: &Path, name: &'static str) -> Result<Self> {
        let (stamps, identity) = (stamps(folder, name), Identity::read(folder, name)?);
        let known = Mutex::new(Known { looked: Instant::now(), stamps, identity });
        Ok(Self(Arc::new(Files { folder: folder.to_owned(), name, known })))
    }

    /// Whose they are.
    pub fn name(&self) -> &'static str {
        self.0.name
    }

    /// What the files say, as of a second ago at most.
    pub(crate) fn now(&self) -> Arc<Identity> {
        let Files { folder, name, .. } = &*self.0;
        let mut known = self.known();
        if known.looked.elapsed() >= LOOK_EVERY {
            known.looked = Instant::now();
            let stamps = stamps(folder, name);
            if stamps != known.stamps {
                match Identity::read(folder, name) {
                    Ok(identity) => {
                        tracing::info!(service = name, "certificate read again");
                        (known.stamps, known.identity) = (stamps, identity);
                    }
                    // Half of a renewal: the next look finds the rest.
                    Err(error) => tracing::warn!(service = name, %error, "certificate not read"),
                }
            }
        }
        known.identity.clone()
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Certificates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Certificates").field(&self.0.name).finish()
    }
}

impl Identity {
    fn read(folder: &Path, name: &str) -> Result<Arc<Self>> {
        let authority = folder.join(AUTHORITY);
        let mut roots = RootCertStore::empty();
        for root in certificates(&authority)? {
            roots.add(root).map_err(|error| bad(&authority, &error))?;
        }
        let roots = Arc::new(roots);
        let own = folder.join(format!("{name}.pem"));
        let chain = certificates(&own)?;
        let until = chain.first().and_then(|own| not_after(own));
        let until = until.ok_or_else(|| bad(&own, &"has no end"))?;
        let key_file = own.with_extension("key");
        let key = PrivateKeyDer::from_pem_file(&key_file);
        let key = key.map_err(|error| bad(&key_file, &error))?;

        let verifier = WebPkiClientVerifier::builder_with_provider(roots.clone(), provider());
        let verifier = verifier.build().map_err(|error| bad(&authority, &error))?;
        let mut server = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&TLS13])
            .and_then(|versions| {
                let checked = versions.with_client_cert_verifier(verifier);
                checked.with_single_cert(chain.clone(), key.clone_key())
            })
            .map_err(|error| bad(&own, &error))?;
        server.alpn_protocols = vec![ALPN.to_vec()];
        // A resumed session would not look at the certificate again, which may have ended.
        server.send_tls13_tickets = 0;
        let (server, clients) = (Arc::new(server), Mutex::default());
        Ok(Arc::new(Self { until, server, roots, chain, key, clients }))
    }

    /// How to meet a service, and nobody else.
    pub(crate) fn client(&self, service: &'static str) -> Result<Arc<ClientConfig>> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(config) = clients.get(service) {
            return Ok(config.clone());
        }
        let provider = provider();
        let verifier = IsService::new(service, self.roots.clone(), &provider);
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13])
            .and_then(|versions| {
                let checked =
                    versions.dangerous().with_custom_certificate_verifier(Arc::new(verifier));
                checked.with_client_auth_cert(self.chain.clone(), self.key.clone_key())
            })
            .map_err(Error::internal)?;
        config.alpn_protocols = vec![ALPN.to_vec()];
        config.resumption = Resumption::disabled();
        Ok(clients.entry(service).or_insert_with(|| Arc::new(config)).clone())
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let found =
        CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let found = found.map_err(|error| bad(file, &error))?;
    if found.is_empty() { Err(bad(file, &"no certificate in it")) } else { Ok(found) }
}

fn bad(file: &Path, problem: &dyn std::fmt::Display) -> Error {
    Error::internal(io::Error::other(format!("{}: {problem}", file.display())))
}

fn stamps(folder: &Path, name: &str) -> Stamps {
    use std::os::unix::fs::MetadataExt as _;

    [AUTHORITY.to_owned(), format!("{name}.pem"), format!("{name}.key")].map(|file| {
        let found = fs::metadata(folder.join(file));
        found.map_or((None, 0, 0), |found| (found.modified().ok(), found.len(), found.ino()))
    })
}
