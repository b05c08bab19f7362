//! The end: nobody new is let in, and nobody at work is cut off before the drain is over.

use std::time::{Duration, Instant};

use devsphere_gateway::Limits;
use devsphere_testkit::eventually;
use http_body_util::BodyExt as _;
use tokio::net::TcpStream;
use tonic::Code;

use crate::{
    client::frame,
    recorder::Answer,
    world::{EXPORT, GET, World},
};

#[tokio::test]
async fn a_call_at_work_ends_well_while_nobody_new_is_let_in() {
    let world = World::start().await;
    world.identity.open(false);
    let client = world.client().await;
    let call = tokio::spawn(client.call(GET).status());
    eventually("the exchange", async || (world.identity.exchanged().len() == 1).then_some(()))
        .await;

    let mut stopping = Box::pin(world.gateway.stop());
    assert!(futures_util::poll!(&mut stopping).is_pending());
    let address = world.gateway.address;
    eventually("the door to close", async || TcpStream::connect(address).await.err()).await;
    world.identity.open(true);

    assert_eq!(call.await.unwrap().code(), Code::Ok);
    // Long before the drain is over, though the client keeps its connection.
    tokio::time::timeout(Duration::from_secs(5), stopping).await.unwrap();
    drop(client);
}

#[tokio::test]
async fn a_stream_without_end_is_cut_when_the_drain_is_over() {
    let drain = Duration::from_millis(200);
    let world = World::with(Limits { drain, ..Limits::default() }).await;
    world.crm.will(Answer::Stall(frame(b"first")));
    let mut answer = world.client().await.call(EXPORT).begin().await.unwrap();
    answer.body_mut().frame().await.unwrap().unwrap();

    let begun = Instant::now();
    tokio::time::timeout(Duration::from_secs(5), world.gateway.stop()).await.unwrap();

    assert!(begun.elapsed() >= drain);
    assert!(!matches!(answer.body_mut().frame().await, Some(Ok(_))));
    eventually("the service to be let go", async || (world.crm.gone() == 1).then_some(())).await;
}
