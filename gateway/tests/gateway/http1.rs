//! HTTP/1.1 on the same port: for all that needs no trailers.

use std::net::SocketAddr;

use devsphere_proto::crm::v1::Lead;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::world::{GET, World};

async fn say(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn rest_connect_and_grpc_web_are_spoken_over_it() {
    let world = World::start().await;
    world.will_answer(&Lead { lead_id: "7".into(), ..Lead::default() });
    let usual = "Host: gateway\r\nAuthorization: Bearer a\r\nConnection: close\r\n";
    let rest = format!("GET /api/v1/leads/7 HTTP/1.1\r\n{usual}\r\n");
    let connect = format!(
        "POST {GET} HTTP/1.1\r\n{usual}Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{{}}"
    );
    for (request, said) in [(rest, "\"lead_id\":\"7\""), (connect, "\"leadId\":\"7\"")] {
        let answer = say(world.gateway.address, &request).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.contains(said) && answer.contains("devsphere-request-id: "), "{answer}");
    }
    let web = format!(
        "POST {GET} HTTP/1.1\r\n{usual}Content-Type: application/grpc-web-text\r\nContent-Length: 8\r\n\r\nAAAAAAA="
    );
    let answer = say(world.gateway.address, &web).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
}

#[tokio::test]
async fn native_grpc_needs_http2() {
    let world = World::start().await;
    let request = format!(
        "POST {GET} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/grpc\r\nContent-Length: 5\r\n\r\n\0\0\0\0\0"
    );
    let answer = say(world.gateway.address, &request).await;
    assert!(answer.starts_with("HTTP/1.1 415 "), "{answer}");
    assert!(world.crm.seen().is_empty());
}
