//! Connections: who says nothing is cut off, who comes too often is not let in, who asks is whom.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use devsphere_gateway::{Connections, Edge, Limits};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
};
use tonic::Code;

use crate::{
    client::Client,
    world::{GET, World},
};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];

const SHORT: Duration = Duration::from_millis(300);

fn hasty() -> Limits {
    let connections = Connections { opening: SHORT, idle: SHORT, ..Connections::default() };
    Limits { connections, ..Limits::default() }
}

/// How long the gateway keeps a connection on which this was said, and nothing after.
async fn kept(address: SocketAddr, said: &[u8]) -> Duration {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(said).await.unwrap();
    let begun = Instant::now();
    let mut heard = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut heard)).await;
    // A reset is an end like another.
    let _ = ended.expect("the connection is cut");
    begun.elapsed()
}

#[tokio::test]
async fn who_says_nothing_or_half_of_it_is_cut_off() {
    let world = World::with(hasty()).await;
    let address = world.gateway.address;
    let half: [&[u8]; 5] =
        [b"", b"PRI", PREFACE, b"POST / HTTP/1.1\r\n", b"POST / HTTP/1.1\r\nhost: a\r\n"];
    for said in half {
        let took = kept(address, said).await;
        assert!(took >= SHORT / 2 && took < SHORT * 5, "{took:?}");
    }
    // Idle, without an answer to any ping; and idle after a request that was answered.
    for said in [[PREFACE, SETTINGS].concat(), b"GET / HTTP/1.1\r\nhost: a\r\n\r\n".to_vec()] {
        let took = kept(address, &said).await;
        assert!(took >= SHORT / 2 && took < SHORT * 8, "{took:?}");
    }
}

#[tokio::test]
async fn who_answers_pings_may_be_idle() {
    let world = World::with(hasty()).await;
    let client = world.client().await;
    client.settled().await;
    let begun = Instant::now();
    // Another one comes and goes, so that time passes by what happens.
    while begun.elapsed() < SHORT * 4 {
        kept(world.gateway.address, b"").await;
    }
    assert_eq!(client.call(GET).status().await.code(), Code::Ok);
}

/// Whether the gateway still talks on a connection.
async fn is_open(stream: &mut TcpStream) -> bool {
    stream.write_all(&[PREFACE, SETTINGS].concat()).await.unwrap();
    stream.read_u8().await.is_ok()
}

async fn connect(from: [u8; 4], to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from((from, 0))).unwrap();
    socket.connect(to).await.unwrap()
}

#[tokio::test]
async fn an_address_has_its_share_of_connections_and_all_have_an_end() {
    let connections = Connections { in_all: 5, per_loopback_address: 3, ..Connections::default() };
    let world = World::with(Limits { connections, ..Limits::default() }).await;
    let address = world.gateway.address;
    let mut first = Vec::new();
    for open in [true, true, true, false] {
        let mut stream = connect([127, 0, 0, 1], address).await;
        assert_eq!(is_open(&mut stream).await, open);
        first.push(stream);
    }
    let mut second = Vec::new();
    for open in [true, true, false] {
        let mut stream = connect([127, 0, 0, 2], address).await;
        assert_eq!(is_open(&mut stream).await, open);
        second.push(stream);
    }
    drop(second);
    devsphere_testkit::eventually("a free place", async || {
        is_open(&mut connect([127, 0, 0, 3], address).await).await.then_some(())
    })
    .await;
}

/// The address that the service was told, when the client said these things.
async fn told(edge: Edge, said: &[(&str, &str)]) -> String {
    let world = World::behind(edge, Limits::default()).await;
    let call = said
        .iter()
        .fold(world.client().await.call(GET), |call, (name, value)| call.header(name, value));
    assert_eq!(call.status().await.code(), Code::Ok);
    let address = &world.crm.only().headers["devsphere-client-address"];
    let exchanged = &world.identity.exchanged()[0].1;
    assert_eq!(exchanged.get("devsphere-client-address").unwrap(), address.to_str().unwrap());
    address.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_client_is_believed_only_behind_a_proxy_that_we_trust() {
    let said = [("x-forwarded-for", "1.2.3.4, 203.0.113.5")];
    assert_eq!(told(Edge::default(), &said).await, "127.0.0.1");
    let trusting =
        |network: &str| Edge { trusted_proxies: vec![network.parse().unwrap()], ..Edge::default() };
    assert_eq!(told(trusting("10.0.0.0/8"), &said).await, "127.0.0.1");
    assert_eq!(told(trusting("127.0.0.0/8"), &said).await, "203.0.113.5");
    let standard = [("forwarded", "for=\"203.0.113.5:99\";proto=https")];
    assert_eq!(told(trusting("127.0.0.0/8"), &standard).await, "203.0.113.5");
}

#[tokio::test]
async fn a_socket_serves_this_machine_beside_the_network() {
    let path = std::env::temp_dir().join(format!("devsphere-edge-{}", std::process::id()));
    std::fs::write(&path, "left behind").unwrap();
    let edge = Edge { socket: Some(path.clone()), ..Edge::default() };
    let world = World::behind(edge, Limits::default()).await;
    let local = tokio::net::UnixStream::connect(&path).await.unwrap();
    let client = Client::over(local, 1 << 20).await;
    assert_eq!(client.call(GET).status().await.code(), Code::Ok);
    world.client().await.settled().await;
    std::fs::remove_file(path).unwrap();
}
