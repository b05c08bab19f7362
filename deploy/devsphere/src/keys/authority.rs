//! `devsphere keys authority`: the mesh's own authority, which says who is which service.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use devsphere_boot::tls::AUTHORITY;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, pem::PemObject as _};

use super::{certificate::begin_now, lock};
use crate::{cli::Common, folder::Folder, out, secret};

/// It signs certificates of a day; itself it is put in place once.
const TEN_YEARS: u64 = 10 * 365 * 86_400;

/// The command.
pub(crate) fn run(common: &Common) -> Result<()> {
    let folder = Folder::open(common.data_dir.as_deref())?;
    let _alone = lock(&folder)?;
    let (file, key_file) = (file(&folder), key_file(&folder));
    match (file.exists(), key_file.exists()) {
        (true, true) => {}
        (false, false) => {
            let key = KeyPair::generate()?;
            let mut params = params();
            begin_now(&mut params, TEN_YEARS)?;
            let made = params.self_signed(&key)?;
            secret::write(&key_file, &pem("PRIVATE KEY", &key.serialize_der()))?;
            secret::write(&file, &pem("CERTIFICATE", made.der()))?;
        }
        _ => bail!("{} and {} belong together: one is missing", file.display(), key_file.display()),
    }
    out::say(&format!("The authority is there: {}", file.display()));
    Ok(())
}

/// Whoever signs certificates.
pub(super) fn issuer(folder: &Folder) -> Result<Issuer<'static, KeyPair>> {
    let key_file = key_file(folder);
    let key = PrivateKeyDer::from_pem_file(&key_file).with_context(|| {
        format!("{} cannot be read: `devsphere keys authority` makes it", key_file.display())
    })?;
    Ok(Issuer::new(params(), KeyPair::try_from(&key)?))
}

/// What all believe.
pub(super) fn file(folder: &Folder) -> PathBuf {
    folder.keys().join(AUTHORITY)
}

fn key_file(folder: &Folder) -> PathBuf {
    file(folder).with_extension("key")
}

/// It signs services, and no other authority.
fn params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "DevSphere authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

/// DER as text.
pub(super) fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines = text.as_bytes().chunks(64).map(String::from_utf8_lossy);
    let lines = lines.collect::<Vec<_>>().join("\n");
    format!("-----BEGIN {label}-----\n{lines}\n-----END {label}-----")
}
