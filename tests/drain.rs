//! The end of the mesh: prompt when nothing is at work.

use std::time::{Duration, Instant};

use devsphere_proto::crm::v1::ListLeadsRequest;

use crate::whole::Mesh;

#[tokio::test(flavor = "multi_thread")]
async fn a_mesh_at_rest_stops_at_once_with_its_connections_open() {
    let mesh = Mesh::start().await;
    let ceo = mesh.founder().await;
    ceo.leads().list_leads(ListLeadsRequest::default()).await.unwrap();

    let begun = Instant::now();
    mesh.stop().await;

    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    assert!(ceo.leads().list_leads(ListLeadsRequest::default()).await.is_err());
}
