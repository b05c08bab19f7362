//! TLS at the door: a certificate chain and its key, HTTP/2 first and HTTP/1.1 for the rest.

use std::sync::Arc;

use devsphere_error::{Error, Result};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::aws_lc_rs,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    },
};

use super::TlsFiles;

/// Reads the files.
///
/// # Errors
/// When a file cannot be read, holds nothing of its kind, or the key is not the certificate's.
pub(crate) fn acceptor(files: &TlsFiles) -> Result<TlsAcceptor> {
    let bad = |file: &std::path::Path, problem: &dyn std::fmt::Display| {
        Error::internal(format!("{}: {problem}", file.display()))
    };
    let chain = CertificateDer::pem_file_iter(&files.certificates)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| bad(&files.certificates, &error))?;
    if chain.is_empty() {
        return Err(bad(&files.certificates, &"no certificate in it"));
    }
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|error| bad(&files.key, &error))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|versions| versions.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|error| bad(&files.certificates, &error))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
