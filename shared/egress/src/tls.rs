//! Whom a call out believes: the system's certificates, and those of the operator.

use std::sync::Arc;

use tokio_rustls::rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject as _},
};

use crate::policy::BadPolicy;

/// TLS 1.2 and 1.3 to hosts that one of these vouches for.
pub(crate) fn config(roots: &[u8]) -> Result<ClientConfig, BadPolicy> {
    let bad = |error: &dyn std::fmt::Display| {
        BadPolicy(format!("the roots are no certificates: {error}"))
    };
    let mut store = RootCertStore::empty();
    let system = rustls_native_certs::load_native_certs();
    store.add_parsable_certificates(system.certs);
    if store.is_empty() {
        // Models on this very machine need none, so this is no reason to end.
        tracing::warn!("the system has no certificates to believe: https reaches nobody");
    }
    let mut own = 0;
    for certificate in CertificateDer::pem_slice_iter(roots) {
        store.add(certificate.map_err(|error| bad(&error))?).map_err(|error| bad(&error))?;
        own += 1;
    }
    if own == 0 && !roots.is_empty() {
        return Err(bad(&"no PEM"));
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| bad(&error))?
        .with_root_certificates(store)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}
