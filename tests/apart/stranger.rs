//! A client of TLS that believes everybody, and shows what it is given.

use std::{
    fs, io,
    net::SocketAddr,
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hyper_util::rt::TokioIo;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    SanType, date_time_ymd,
};
use tokio::net::TcpStream;
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, DigitallySignedStruct, Error, SignatureScheme,
        client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        crypto::aws_lc_rs,
        pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject as _},
    },
};
use tonic::{
    Status,
    transport::{Channel, Endpoint},
};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use tower::service_fn;

use super::set::Set;

/// Whoever makes certificates.
pub struct Press(Issuer<'static, KeyPair>);

/// A certificate and its key.
pub struct Paper {
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

impl Press {
    /// Our own authority, in the hands of whoever has its key.
    pub fn ours(set: &Set) -> Self {
        let key = PrivateKeyDer::from_pem_file(set.authority("key")).unwrap();
        Self::with(KeyPair::try_from(&key).unwrap())
    }

    /// An authority that calls itself as ours does.
    pub fn foreign() -> Self {
        Self::with(KeyPair::generate().unwrap())
    }

    fn with(key: KeyPair) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "DevSphere authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(Issuer::new(params, key))
    }

    /// A certificate of those names, good for an hour from then.
    pub fn print(&self, names: Vec<SanType>, from: SystemTime) -> Paper {
        self.print_until(names, from, from + Duration::from_secs(3600))
    }

    pub fn print_until(&self, names: Vec<SanType>, from: SystemTime, until: SystemTime) -> Paper {
        let moment =
            |at: SystemTime| date_time_ymd(1970, 1, 1) + at.duration_since(UNIX_EPOCH).unwrap();
        let mut params = CertificateParams::default();
        params.subject_alt_names = names;
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        (params.not_before, params.not_after) = (moment(from), moment(until));
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap().der().clone();
        Paper { certificate, key: PrivateKeyDer::try_from(key.serialize_der()).unwrap() }
    }
}

/// The name of a service, as certificates have it.
pub fn service(name: &str) -> SanType {
    SanType::URI(devsphere_boot::tls::uri(name).try_into().unwrap())
}

impl Paper {
    /// One that signs itself.
    pub fn of(made: rcgen::CertifiedKey<KeyPair>) -> Self {
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        Self { certificate: made.cert.der().clone(), key }
    }

    /// Puts it where a service of that name would look for it.
    pub fn write(&self, folder: &Path, name: &str) {
        let pem = |label: &str, der: &[u8]| {
            format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
        };
        fs::write(folder.join(format!("{name}.pem")), pem("CERTIFICATE", &self.certificate))
            .unwrap();
        fs::write(folder.join(format!("{name}.key")), pem("PRIVATE KEY", self.key.secret_der()))
            .unwrap();
    }
}

/// A connection to a listener, with a certificate or without.
pub async fn connect(
    address: SocketAddr,
    paper: Option<&Paper>,
) -> io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(address).await?;
    TlsConnector::from(config(paper)).connect(anybody(), stream).await
}

/// How that client speaks.
pub fn config(paper: Option<&Paper>) -> Arc<ClientConfig> {
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody));
    let mut config = match paper {
        None => config.with_no_client_auth(),
        Some(Paper { certificate, key }) => {
            config.with_client_auth_cert(vec![certificate.clone()], key.clone_key()).unwrap()
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    Arc::new(config)
}

/// Whom it asks for: nobody looks.
pub fn anybody() -> ServerName<'static> {
    ServerName::try_from("anybody").unwrap()
}

/// Whether a listener says that it serves, to whoever shows that.
pub async fn serves(address: SocketAddr, paper: Option<&Paper>) -> Result<bool, Status> {
    let stream = connect(address, paper).await.map_err(|error| Status::from_error(error.into()))?;
    let stream = std::sync::Mutex::new(Some(stream));
    let once = service_fn(move |_| {
        let stream = stream.lock().unwrap().take();
        async move {
            stream.map(TokioIo::new).ok_or_else(|| io::Error::from(io::ErrorKind::NotConnected))
        }
    });
    let service = Endpoint::from_static("http://service");
    let connected = service.connect_with_connector(once).await;
    ask(connected.map_err(|error| Status::from_error(error.into()))?).await
}

/// The same question in clear text.
pub async fn serves_in_clear(address: SocketAddr) -> Result<bool, Status> {
    ask(Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy()).await
}

async fn ask(channel: Channel) -> Result<bool, Status> {
    let said = HealthClient::new(channel).check(HealthCheckRequest::default()).await?;
    Ok(said.get_ref().status() == ServingStatus::Serving)
}

/// Believes everybody.
#[derive(Debug)]
struct Anybody;

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        aws_lc_rs::default_provider().signature_verification_algorithms.supported_schemes()
    }
}
