//! One trace from client to service, with a span of the gateway's in between.

use crate::world::{GET, World};

#[tokio::test]
async fn the_hop_is_a_child_of_the_clients_span_and_the_services_parent() {
    let world = World::start().await;
    let (trace, span) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
    let call = world.client().await.call(GET).header("tracestate", "client=says");
    call.header("traceparent", format!("00-{trace}-{span}-01")).send().await.unwrap();

    let (_, exchanged) = world.identity.exchanged().remove(0);
    for headers in [world.crm.only().headers, exchanged.into_headers()] {
        let parent = headers["traceparent"].to_str().unwrap();
        let parts: Vec<_> = parent.split('-').collect();
        assert_eq!(parts[1], trace);
        assert_ne!(parts[2], span);
        assert!(headers.get("tracestate").is_none_or(|state| state.is_empty()));
    }
}
