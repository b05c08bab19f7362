//! TLS: HTTP/2 and HTTP/1.1 over one certificate, and nothing for who does not shake hands in time.

use std::{
    fs,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use devsphere_gateway::{Connections, Edge, Limits, TlsFiles};
use rcgen::{CertificateParams, KeyPair};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs, pki_types::ServerName},
};
use tonic::Code;

use crate::{
    client::Client,
    world::{GET, World},
};

const NAME: &str = "os.example.com";

static COUNT: AtomicU32 = AtomicU32::new(0);

/// A certificate in files, and a client that trusts it.
struct Tls {
    folder: PathBuf,
    files: TlsFiles,
    roots: RootCertStore,
}

impl Tls {
    fn new() -> Self {
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = format!("devsphere-tls-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(folder);
        fs::create_dir_all(&folder).unwrap();
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![NAME.to_owned()]).unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let files = TlsFiles { certificates: folder.join("cert"), key: folder.join("key") };
        fs::write(&files.certificates, pem("CERTIFICATE", certificate.der())).unwrap();
        fs::write(&files.key, pem("PRIVATE KEY", &key.serialize_der())).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(certificate.der().clone()).unwrap();
        Self { folder, files, roots }
    }

    fn edge(&self) -> Edge {
        let public_url = format!("https://{NAME}");
        Edge { tls: Some(self.files.clone()), public_url, ..Edge::default() }
    }

    async fn connect(&self, world: &World, protocol: &[u8]) -> TlsStream<TcpStream> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(self.roots.clone())
            .with_no_client_auth();
        config.alpn_protocols = vec![protocol.to_vec()];
        let stream = TcpStream::connect(world.gateway.address).await.unwrap();
        let name = ServerName::try_from(NAME).unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap()
    }
}

impl Drop for Tls {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn pem(kind: &str, der: &[u8]) -> String {
    format!("-----BEGIN {kind}-----\n{}\n-----END {kind}-----\n", STANDARD.encode(der))
}

#[tokio::test]
async fn grpc_passes_over_tls() {
    let tls = Tls::new();
    let world = World::behind(tls.edge(), Limits::default()).await;
    let stream = tls.connect(&world, b"h2").await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let client = Client::over(stream, 1 << 20).await;
    assert_eq!(client.call(GET).status().await.code(), Code::Ok);
}

#[tokio::test]
async fn http1_is_answered_over_tls_and_told_to_stay_there() {
    let tls = Tls::new();
    let world = World::behind(tls.edge(), Limits::default()).await;
    let mut stream = tls.connect(&world, b"http/1.1").await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    let request = b"GET /nowhere HTTP/1.1\r\nhost: os.example.com\r\nconnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
    for header in ["strict-transport-security: max-age=31536000", "x-content-type-options: nosniff"]
    {
        assert!(answer.contains(header), "{header} is missing in {answer}");
    }
}

#[tokio::test]
async fn who_does_not_shake_hands_in_time_is_cut_off() {
    let tls = Tls::new();
    let handshake = Duration::from_millis(200);
    let connections = Connections { handshake, ..Connections::default() };
    let world = World::behind(tls.edge(), Limits { connections, ..Limits::default() }).await;
    let mut silent = TcpStream::connect(world.gateway.address).await.unwrap();
    let begun = Instant::now();
    let mut heard = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(5), silent.read_to_end(&mut heard)).await;
    let _ = read.expect("the connection is cut");
    assert!(begun.elapsed() >= handshake && heard.is_empty(), "{:?}", begun.elapsed());

    let mut plain = TcpStream::connect(world.gateway.address).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    let mut heard = Vec::new();
    // An alert or a reset, and no answer.
    let _ = plain.read_to_end(&mut heard).await;
    assert!(!heard.starts_with(b"HTTP"));
}

#[test]
fn files_that_are_no_certificate_or_no_key_are_refused_before_anything_runs() {
    let tls = Tls::new();
    tls.edge().check().unwrap();
    let other = Tls::new();
    let TlsFiles { certificates, key } = tls.files.clone();
    for (certificates, key) in [
        (tls.folder.join("nothing"), key.clone()),
        (key.clone(), key),
        (certificates.clone(), certificates.clone()),
        (certificates, other.files.key.clone()),
    ] {
        let files = TlsFiles { certificates, key };
        let error = Edge { tls: Some(files), ..tls.edge() }.check().unwrap_err();
        let devsphere_error::Error::Internal(source) = error else { panic!("{error}") };
        assert!(source.to_string().contains("devsphere-tls-"), "{source}");
    }
}
