//! What comes back: bounded in bytes and in time, and ended at once by who wants no more of it.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "what arranges a test fails it, and a host of the world is no task of the mesh"
)]

use std::{
    convert::Infallible,
    error::Error as _,
    net::{IpAddr, Ipv4Addr},
    pin::Pin,
    process::Command,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use devsphere_egress::{Bounds, Client, Failure, Looking, Lookup, Policy, Refusal, Target};
use http::{HeaderMap, HeaderName, HeaderValue, Response};
use http_body::Frame;
use hyper::service::service_fn;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use rcgen::{CertificateParams, KeyPair};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    time::{interval, timeout},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, crypto::aws_lc_rs, pki_types::PrivateKeyDer},
};

const NAME: &str = "models.lan";
const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n";

/// A host that does something with the connection of every request, when the request is there.
async fn host<F>(then: impl Fn(TcpStream) -> F + Send + 'static) -> u16
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let mut stream = listener.accept().await.unwrap().0;
            let (mut request, mut byte) = (Vec::new(), [0]);
            while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).await.unwrap() > 0 {
                request.push(byte[0]);
            }
            tokio::spawn(then(stream));
        }
    });
    port
}

/// A host that says one thing and goes.
async fn saying(answer: impl Into<String>) -> u16 {
    let answer = answer.into();
    host(move |mut stream| {
        let answer = answer.clone();
        async move { stream.write_all(answer.as_bytes()).await.unwrap() }
    })
    .await
}

/// A host that says something and waits; tells when the connection has gone.
async fn waiting(answer: &'static str) -> (u16, mpsc::UnboundedReceiver<()>) {
    let (gone, ends) = mpsc::unbounded_channel();
    let port = host(move |mut stream| {
        let gone = gone.clone();
        async move {
            stream.write_all(answer.as_bytes()).await.unwrap();
            // An end or a reset: either way nobody listens any more.
            let _ = stream.read(&mut [0]).await;
            gone.send(()).unwrap();
        }
    })
    .await;
    (port, ends)
}

fn client(port: u16) -> (Client, Target) {
    let allow_private = vec![format!("127.0.0.1:{port}").parse().unwrap()];
    let client = Client::new(Policy { allow_private, ..Policy::default() }).unwrap();
    (client, Target::parse(&format!("http://127.0.0.1:{port}/v1?key=secret-query")).unwrap())
}

fn bounds(millis: u64, answer_bytes: u64) -> Bounds {
    Bounds { deadline: Instant::now() + Duration::from_millis(millis), answer_bytes }
}

async fn within_a_second(ends: &mut mpsc::UnboundedReceiver<()>) {
    timeout(Duration::from_secs(1), ends.recv()).await.expect("the connection is open still");
}

#[tokio::test]
async fn an_allowed_host_answers_with_status_headers_and_body() {
    let answer = "HTTP/1.1 429 Slow\r\nretry-after: 7\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\nraw";
    let (client, target) = client(saying(answer).await);

    let answer = client.get(&target, HeaderMap::new(), bounds(5000, 3)).await.unwrap();

    assert_eq!(
        (answer.status.as_u16(), &answer.headers["retry-after"]),
        (429, &HeaderValue::from(7))
    );
    // Nothing unpacks what a host has packed: a small answer stays small.
    assert_eq!(answer.whole().await.unwrap(), "raw");
}

#[test]
fn a_proxy_that_the_environment_names_is_not_asked() {
    let proxy = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    proxy.set_nonblocking(true).unwrap();
    let address = format!("http://{}", proxy.local_addr().unwrap());
    let names =
        ["http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"];

    let once = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "an_allowed_host_answers_with_status_headers_and_body"])
        .envs(names.map(|name| (name, &address)))
        .env_remove("NO_PROXY")
        .env_remove("no_proxy")
        .output()
        .unwrap();

    let said = String::from_utf8_lossy(&once.stdout);
    assert!(once.status.success() && said.contains("1 passed"), "{said}");
    assert!(proxy.accept().is_err(), "the proxy was asked");
}

#[tokio::test]
async fn more_bytes_than_the_caller_takes_are_not_handed_out() {
    let endless = |mut stream: TcpStream| async move {
        let mut open = stream.write_all(format!("{HEAD}\r\n").as_bytes()).await;
        while open.is_ok() {
            open = stream.write_all(&[b'x'; 1024]).await;
        }
    };
    let (gone, mut ends) = mpsc::unbounded_channel();
    let port = host(move |stream| {
        let gone = gone.clone();
        async move {
            endless(stream).await;
            gone.send(()).unwrap();
        }
    })
    .await;
    let (client, target) = client(port);

    let mut answer = client.get(&target, HeaderMap::new(), bounds(5000, 10_000)).await.unwrap();
    let mut taken = 0;
    let failure = loop {
        match answer.chunk().await {
            Ok(bytes) => taken += bytes.expect("an end of what has none").len(),
            Err(failure) => break failure,
        }
    };

    assert!(matches!(failure, Failure::TooLarge), "{failure:?}");
    assert!(taken <= 10_000, "{taken} bytes");
    within_a_second(&mut ends).await;
    assert!(answer.chunk().await.is_err(), "a failed answer looked whole");
}

#[tokio::test]
async fn an_answer_announced_as_too_large_is_not_read() {
    let (port, mut ends) = waiting("HTTP/1.1 200 OK\r\ncontent-length: 1001\r\n\r\n").await;
    let (client, target) = client(port);

    let mut answer = client.get(&target, HeaderMap::new(), bounds(60_000, 1000)).await.unwrap();

    assert!(matches!(answer.chunk().await, Err(Failure::TooLarge)));
    within_a_second(&mut ends).await;
}

#[tokio::test]
async fn a_dropped_answer_ends_its_connection() {
    let begun = "HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\nfirst";
    let (port, mut ends) = waiting(begun).await;
    let (client, target) = client(port);

    let mut answer = client.get(&target, HeaderMap::new(), bounds(60_000, 1 << 20)).await.unwrap();
    assert_eq!(answer.chunk().await.unwrap().unwrap(), "first");
    assert!(ends.try_recv().is_err());
    drop(answer);

    within_a_second(&mut ends).await;
}

#[tokio::test]
async fn a_call_given_up_before_its_answer_ends_its_connection() {
    let (port, mut ends) = waiting("").await;
    let (client, target) = client(port);

    let begun = Instant::now();
    let late = client.post(&target, HeaderMap::new(), Bytes::new(), bounds(300, 1000)).await;

    assert!(matches!(late, Err(Failure::TimedOut)), "{late:?}");
    assert!(begun.elapsed() < Duration::from_millis(1300));
    within_a_second(&mut ends).await;
}

#[tokio::test]
async fn a_slow_drip_ends_at_the_deadline() {
    let (gone, mut ends) = mpsc::unbounded_channel();
    let port = host(move |mut stream| {
        let gone = gone.clone();
        async move {
            let mut ticks = interval(Duration::from_millis(20));
            stream.write_all(format!("{HEAD}\r\n").as_bytes()).await.unwrap();
            while stream.write_all(b"x").await.is_ok() {
                ticks.tick().await;
            }
            gone.send(()).unwrap();
        }
    })
    .await;
    let (client, target) = client(port);

    let begun = Instant::now();
    let answer = client.get(&target, HeaderMap::new(), bounds(1000, 1 << 20)).await.unwrap();
    let drip = answer.whole().await;

    assert!(matches!(drip, Err(Failure::TimedOut)), "{drip:?}");
    let took = begun.elapsed().as_millis();
    assert!((1000..2000).contains(&took), "{took} ms");
    within_a_second(&mut ends).await;
}

#[tokio::test]
async fn headers_without_end_are_not_taken() {
    let many = "a: b\r\n".repeat(101);
    let long = format!("a: {}\r\n", "b".repeat(1 << 20));
    for headers in [many, long] {
        let port = host(move |mut stream| {
            let answer = format!("{HEAD}{headers}\r\n");
            // Who reads no further is not written to.
            async move { drop(stream.write_all(answer.as_bytes()).await) }
        })
        .await;
        let (client, target) = client(port);

        let answer = client.get(&target, HeaderMap::new(), bounds(5000, 1000)).await;

        assert!(matches!(answer, Err(Failure::Broken(_))), "{answer:?}");
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_not_whole() {
    let (client, target) =
        client(saying("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf").await);

    let answer = client.get(&target, HeaderMap::new(), bounds(5000, 1000)).await.unwrap();

    assert!(matches!(answer.whole().await, Err(Failure::Broken(_))));
}

#[tokio::test]
async fn headers_that_are_the_clients_own_are_refused() {
    let (client, target) = client(saying("HTTP/1.1 204 No Content\r\n\r\n").await);
    for name in
        ["host", "connection", "content-length", "transfer-encoding", "te", "upgrade", "expect"]
    {
        let headers = HeaderMap::from_iter([(HeaderName::from_static(name), HeaderValue::from(1))]);

        let answer = client.post(&target, headers, Bytes::new(), bounds(5000, 1000)).await;

        assert!(matches!(answer, Err(Failure::Refused(Refusal::Header))), "{name}: {answer:?}");
    }
}

#[tokio::test]
async fn no_failure_tells_what_was_asked() {
    let nobody = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let closed = nobody.local_addr().unwrap().port();
    drop(nobody);
    let ports = [closed, saying("secret-garbage\r\n\r\n").await, waiting("").await.0];
    for port in ports {
        let (client, target) = client(port);
        let value = HeaderValue::from_static("Bearer secret-header");
        let headers = HeaderMap::from_iter([(http::header::AUTHORIZATION, value)]);
        let body = Bytes::from_static(b"secret-body");

        let failure = client.post(&target, headers, body, bounds(300, 1000)).await.unwrap_err();

        let mut said = format!("{failure} {failure:?} {target} {target:?} {client:?}");
        let mut cause = failure.source();
        while let Some(error) = cause {
            said = format!("{said} {error} {error:?}");
            cause = error.source();
        }
        assert!(!said.contains("secret") && !said.contains("/v1"), "{said}");
    }
}

/// A body that never ends, and tells when it is let go.
struct Endless(bool, mpsc::UnboundedSender<()>);

impl http_body::Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let first = !std::mem::replace(&mut self.0, true);
        if first {
            Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"first")))))
        } else {
            Poll::Pending
        }
    }
}

impl Drop for Endless {
    fn drop(&mut self) {
        let _ = self.1.send(());
    }
}

/// A host with a certificate for its name, over HTTP/2, whose answers have no end.
async fn secure(gone: mpsc::UnboundedSender<()>) -> (u16, Vec<u8>) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![NAME.to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let pem = STANDARD.encode(certificate.der());
    let pem = format!("-----BEGIN CERTIFICATE-----\n{pem}\n-----END CERTIFICATE-----\n");
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        )
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let stream = listener.accept().await.unwrap().0;
            let (acceptor, gone) = (acceptor.clone(), gone.clone());
            tokio::spawn(async move {
                // Who does not believe us ends it here.
                let Ok(stream) = acceptor.accept(stream).await else { return };
                let answer = service_fn(move |_| {
                    let body = Endless(false, gone.clone());
                    async move { Ok::<_, Infallible>(Response::new(body)) }
                });
                let server = auto::Builder::new(TokioExecutor::new());
                drop(server.serve_connection(TokioIo::new(stream), answer).await);
            });
        }
    });
    (port, pem.into_bytes())
}

/// Leads every name to this machine.
struct Here;

impl Lookup for Here {
    fn look_up(&self, _: &str) -> Looking {
        Box::pin(async { Ok(vec![IpAddr::V4(Ipv4Addr::LOCALHOST)]) })
    }
}

#[tokio::test]
async fn a_dropped_answer_over_http2_resets_its_stream() {
    let (gone, mut ends) = mpsc::unbounded_channel();
    let (port, roots) = secure(gone).await;
    let allow_private = vec![format!("{NAME}:{port}").parse().unwrap()];
    let client = Client::with_lookup(Policy { allow_private, roots }, Here).unwrap();
    let target = Target::parse(&format!("https://{NAME}:{port}/")).unwrap();

    for _ in 0..2 {
        let body = Bytes::from_static(b"{}");
        let mut answer =
            client.post(&target, HeaderMap::new(), body, bounds(60_000, 1000)).await.unwrap();
        assert_eq!(answer.chunk().await.unwrap().unwrap(), "first");
        assert!(ends.try_recv().is_err());
        drop(answer);

        within_a_second(&mut ends).await;
    }
}

#[tokio::test]
async fn a_host_whose_certificate_nobody_vouches_for_is_not_reached() {
    let (port, _) = secure(mpsc::unbounded_channel().0).await;
    let allow_private = vec![format!("{NAME}:{port}").parse().unwrap()];
    let client = Client::with_lookup(Policy { allow_private, ..Policy::default() }, Here).unwrap();
    let target = Target::parse(&format!("https://{NAME}:{port}/")).unwrap();

    let answer = client.get(&target, HeaderMap::new(), bounds(5000, 1000)).await;

    assert!(matches!(answer, Err(Failure::Unreachable(_))), "{answer:?}");
}

#[tokio::test]
async fn roots_that_are_no_certificates_are_a_bad_policy() {
    let broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for roots in [b"nothing".to_vec(), broken.to_vec()] {
        assert!(Client::new(Policy { roots, ..Policy::default() }).is_err());
    }
}
